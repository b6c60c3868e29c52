//! JSON Schemas as clients like them: small, without references, without forms that some refuse.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// The schema of a tool's arguments, each with what it is for.
pub(super) fn input_schema<T: JsonSchema>() -> Map<String, Value> {
    schema_of::<T>(Contract::Deserialize, simplify)
}

/// The schema of a tool's answer: the names and the types, to check it by. What they mean is told by the names;
/// a model that reads the list pays for every word.
pub(super) fn output_schema<T: JsonSchema>() -> Map<String, Value> {
    schema_of::<T>(Contract::Serialize, |schema| {
        simplify(schema);
        if let Some(object) = schema.as_object_mut() {
            object.remove("description");
            object.remove("default");
        }
    })
}

fn schema_of<T: JsonSchema>(contract: Contract, transform: impl FnMut(&mut Schema)) -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        settings.contract = contract;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(transform).transform(&mut schema);
    match schema.to_value() {
        Value::Object(mut object) => {
            object.remove("title");
            object.remove("description");
            object
        }
        _ => Map::new(),
    }
}

/// `default: null` says nothing, `uint` formats are unknown to several validators, and a property that may be left
/// out need not be `null` too: some clients refuse a list of types.
fn simplify(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    let required = object.get("required").cloned().unwrap_or_default();
    for (name, property) in object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten()
    {
        let is_required =
            required.as_array().is_some_and(|names| names.contains(&Value::from(name.as_str())));
        if let (false, Some(types)) = (is_required, property.get_mut("type"))
            && let Some([one, Value::String(null)]) = types.as_array().map(Vec::as_slice)
            && null == "null"
        {
            *types = one.clone();
        }
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if object.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        object.remove("format");
    }
    if object.get("additionalProperties") == Some(&Value::Bool(true)) {
        object.remove("additionalProperties");
    }
}
