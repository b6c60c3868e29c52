//! What is asked for, as the endpoint's type says it.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::model::Problem;

/// The parameters of a request.
pub(super) struct Shape {
    pub(super) parameters: Vec<Parameter>,
    /// The whole request, for one that is a body.
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// One of them.
pub(super) struct Parameter {
    pub(super) name: String,
    /// Whether the address names it in braces.
    pub(super) in_path: bool,
    pub(super) required: bool,
    pub(super) kind: Kind,
    pub(super) description: Option<String>,
    /// Without references, and without what is told above.
    pub(super) schema: Value,
}

/// How a parameter is read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Boolean,
    /// Several texts, with commas between them.
    List,
}

impl Kind {
    /// A text as what it is. One that it can't be stays a text, and is refused where it is read.
    pub(super) fn value(self, text: &str) -> Value {
        let other = match self {
            Self::Text => None,
            Self::Number => serde_json::from_str(text).ok().map(Value::Number),
            Self::Boolean => text.parse().ok().map(Value::Bool),
            Self::List => Some(text.split(',').map(Value::from).collect()),
        };
        other.unwrap_or_else(|| text.into())
    }
}

impl Shape {
    /// The shape of `X`, asked for at `path`.
    pub(super) fn of<X: JsonSchema>(path: &str) -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
            settings.contract = Contract::Deserialize;
        });
        let mut schema = settings.into_generator().into_root_schema_for::<X>();
        RecursiveTransform(simplify).transform(&mut schema);
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let parameters = properties.into_iter().map(|(name, schema)| {
            let in_path = path.contains(&format!("{{{name}}}"));
            let required = in_path || required.contains(&Value::from(name.as_str()));
            Parameter::new(name, in_path, required, schema)
        });
        Self { parameters: parameters.collect(), schema: |generator| generator.subschema_for::<X>() }
    }

    /// The names of all of them.
    pub(super) fn names(&'static self) -> Vec<&'static str> {
        self.parameters.iter().map(|parameter| parameter.name.as_str()).collect()
    }

    /// A path that is not UTF-8 once it is decoded.
    pub(super) fn unreadable_path(&self) -> Problem {
        let in_path = self.parameters.iter().find(|parameter| parameter.in_path);
        let name = in_path.map_or("path", |parameter| parameter.name.as_str());
        Problem::invalid(name, format!("`{name}` is not UTF-8"))
    }

    /// The one of that name.
    pub(super) fn find(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

impl Parameter {
    fn new(name: String, in_path: bool, required: bool, mut schema: Value) -> Self {
        let kind = match schema.get("type").and_then(Value::as_str) {
            Some("integer" | "number") => Kind::Number,
            Some("boolean") => Kind::Boolean,
            Some("array") => Kind::List,
            _ => Kind::Text,
        };
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let description = description.and_then(|text| text.as_str().map(ToOwned::to_owned));
        Self { name, in_path, required, kind, description, schema }
    }
}

/// What may be left out need not be `null` too, and says nothing by a default of `null`.
fn simplify(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(types) = object.get_mut("type")
        && let Some([one, Value::String(null)]) = types.as_array().map(Vec::as_slice)
        && null == "null"
    {
        *types = one.clone();
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
}
