//! Schemas of `schemars` as OpenAPI has them.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{Schema as JsonSchema, SchemaGenerator};
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};

/// Where the document keeps schemas that have a name.
pub(super) const PLACE: &str = "#/components/schemas/";

/// Makes schemas of what is asked or of what is answered, and keeps those that have a name.
pub(super) fn generator(contract: Contract) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = PLACE.trim_start_matches('#').trim_end_matches('/').to_owned().into();
        settings.transforms.push(Box::new(RecursiveTransform(portable)));
        if contract == Contract::Serialize {
            settings.transforms.push(Box::new(RecursiveTransform(plain)));
        }
        settings.contract = contract;
    });
    settings.into_generator()
}

/// What older tools do not know, as they know it: `const` as an `enum` of one. A default of nothing is none.
fn portable(schema: &mut JsonSchema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(only) = object.remove("const") {
        object.insert("enum".to_owned(), json!([only]));
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if object.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        object.remove("format");
    }
}

/// What an answer leaves out when there is nothing to say is never `null`.
fn plain(schema: &mut JsonSchema) {
    let Some(object) = schema.as_object_mut() else { return };
    let required = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = object.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties
        .into_iter()
        .flatten()
        .filter(|(name, _)| !required.iter().any(|required| required.as_str() == Some(name.as_str())))
    {
        without_null(property);
    }
}

/// A type or else `null`, as that type.
fn without_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type")
        && let Some([one, Value::String(null)]) = types.as_array().map(Vec::as_slice)
        && null == "null"
    {
        *types = one.clone();
    }
    if let Some([one, null]) = schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice)
        && *null == json!({ "type": "null" })
    {
        let mut one = one.clone();
        if let (Some(one), Some(description)) = (one.as_object_mut(), schema.get("description")) {
            one.insert("description".to_owned(), description.clone());
        }
        *schema = one;
    }
}

/// A schema of `schemars` as one of `utoipa`; both are JSON Schema, so nothing is lost (a test compares).
pub(super) fn bridged(schema: Value) -> RefOr<Schema> {
    serde_json::from_value(schema).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::endpoint::Form;
    use crate::api::table::ENDPOINTS;

    #[test]
    fn nothing_is_lost_on_the_way() {
        let (mut asked, mut answered) = (generator(Contract::Deserialize), generator(Contract::Serialize));
        for endpoint in ENDPOINTS.iter() {
            (endpoint.request.schema)(&mut asked);
            match endpoint.form {
                Form::Json(schemer) | Form::Array(schemer) | Form::Stream(_, schemer) => {
                    schemer(&mut answered);
                }
                Form::Batch(one, results) => {
                    one(&mut answered);
                    results(&mut answered);
                }
            }
        }
        let parameters = ENDPOINTS.iter().flat_map(|endpoint| &endpoint.request.parameters);
        let parameters = parameters.map(|parameter| (parameter.name.clone(), parameter.schema.clone()));
        let named = [asked, answered].map(|mut generator| generator.take_definitions(true));
        for (name, schema) in named.into_iter().flatten().chain(parameters) {
            assert_eq!(json!(bridged(schema.clone())), schema, "{name}");
        }
    }
}
