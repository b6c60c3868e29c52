//! What can be searched for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::service::numbers::Period;

/// Traces, spans and logs by their text.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// Words, all of which must be there; or the id of a trace or a span
    pub q: String,
    /// What to look for, separated by commas: traces, spans, logs; by default all
    pub kind: Option<String>,
    /// Only what started or was taken then; by default all that is kept
    #[serde(flatten)]
    pub period: Period,
    /// Most to return of each kind, at most 100
    #[schemars(with = "i64", default = "twenty")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

const fn twenty() -> i64 {
    20
}
