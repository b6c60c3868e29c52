//! What can be asked, with the names, defaults and descriptions that tools and routes show.
//!
//! The fields are as loose as clients are; the service makes them strict and names what is wrong.

#![expect(clippy::doc_markdown, reason = "these texts are what clients show, as they stand")]

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::text::excerpt;
use crate::model::{Code, Problem};

/// An object, or the same as JSON text.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum ObjectOrText {
    Object(Map<String, Value>),
    Text(String),
}

/// Log an agent event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogEvent {
    /// debug, info, warn or error
    #[serde(default = "info")]
    #[schemars(default = "info")]
    pub level: Option<String>,
    /// Kind of event, such as agent.request.start
    pub event_type: String,
    /// The event in words, at most 256 KiB
    pub message: String,
    /// Further fields; agent_name, trace_id, span_id and session_id link the log
    #[serde(default)]
    #[schemars(with = "ObjectOrText")]
    pub metadata: Option<Value>,
    /// Makes a retry of this call harmless
    #[serde(skip_serializing)]
    pub idempotency_key: Option<String>,
}

/// Start a trace span.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSpan {
    /// Trace to add to; by default the call's traceparent, else a new trace
    pub trace_id: Option<String>,
    /// What the step is called, such as agent_request, llm_call, tool.search
    pub span_name: String,
    /// Span that this step is part of
    pub parent_span_id: Option<String>,
    /// Agent at work; by default the parent's
    pub agent_name: Option<String>,
    /// Conversation it belongs to
    pub session_id: Option<String>,
    /// agent, llm, tool, chain, retriever or other; by default told from the name
    pub kind: Option<String>,
    /// Further fields, such as input, model
    #[serde(default)]
    #[schemars(with = "ObjectOrText")]
    pub metadata: Option<Value>,
    /// Id of your own for the span
    pub span_id: Option<String>,
    /// Makes a retry of this call harmless
    #[serde(skip_serializing)]
    pub idempotency_key: Option<String>,
}

/// End a trace span.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndSpan {
    /// Span to end, as start_span returned it
    pub span_id: String,
    /// ok, error or cancelled
    #[serde(default = "ok")]
    #[schemars(default = "ok")]
    pub status: Option<String>,
    /// Further fields, such as output, error, model, input_tokens, output_tokens
    #[serde(default)]
    #[schemars(with = "ObjectOrText")]
    pub metadata: Option<Value>,
    /// Makes a retry of this call harmless
    #[serde(skip_serializing)]
    pub idempotency_key: Option<String>,
}

/// Record a metric value.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordMetric {
    /// Such as agent.request.duration_ms, agent.tokens.input, agent.tool_calls
    pub metric_name: String,
    /// The measurement; for a counter, what to add
    #[schemars(with = "f64")]
    pub value: Value,
    /// What tells series apart, such as agent_name; at most 15
    #[serde(default)]
    #[schemars(with = "ObjectOrText")]
    pub labels: Option<Value>,
    /// counter, gauge or histogram; by default told from the name
    pub kind: Option<String>,
    /// Makes a retry of this call harmless
    #[serde(skip_serializing)]
    pub idempotency_key: Option<String>,
}

/// Get a complete trace.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetTrace {
    /// The trace, in the form in which it was given or as 32 hex digits
    pub trace_id: String,
    /// Most spans to return, at most 1000
    #[schemars(with = "i64", default = "thousand")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    pub cursor: Option<String>,
}

/// Query recent logs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryLogs {
    /// Exactly this event type, or with a trailing * all that begin so
    pub event_type: Option<String>,
    /// Exactly this level
    pub level: Option<String>,
    /// This level and those above it
    pub min_level: Option<String>,
    /// How many minutes back
    #[schemars(with = "i64", default = "sixty")]
    pub since_minutes: Option<Value>,
    /// Only logs of this trace
    pub trace_id: Option<String>,
    /// Only logs of this agent
    pub agent_name: Option<String>,
    /// Only logs that hold all of these words
    pub text: Option<String>,
    /// Most logs to return, at most 200
    #[schemars(with = "i64", default = "hundred")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn info() -> Option<String> {
    Some("info".into())
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn ok() -> Option<String> {
    Some("ok".into())
}

const fn sixty() -> i64 {
    60
}

const fn hundred() -> i64 {
    100
}

const fn thousand() -> i64 {
    1_000
}

/// A request from a call's arguments.
///
/// # Errors
/// An unknown argument, with the nearest known name; a missing one; one of the wrong type. Each names the
/// argument.
pub fn decode<T: DeserializeOwned>(arguments: Map<String, Value>, known: &[&str]) -> Result<T, Problem> {
    if let Some(unknown) = arguments.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(unknown_argument(unknown, known));
    }
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        let text = error.into_inner().to_string();
        match text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            Some(field) => Problem::invalid(field, format!("`{field}` is missing")),
            None => Problem::invalid(path.clone(), format!("`{path}` has the wrong type: {}", wanted(&text))),
        }
    })
}

/// What was wanted, without what was given: that is the agent's text.
fn wanted(error: &str) -> String {
    error
        .rsplit_once("expected ")
        .map_or_else(|| "unreadable".to_owned(), |(_, wanted)| format!("expected {wanted}"))
}

fn unknown_argument(name: &str, known: &[&str]) -> Problem {
    // Cut first: likeness costs time by length.
    let name = excerpt(name);
    let message = format!("there is no argument `{name}`");
    let problem = Problem::new(Code::InvalidArgument, message).at(name.clone());
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    problem.hint(match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`"),
        None => format!("there are {}", known.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decoded(arguments: Value) -> Result<EndSpan, Problem> {
        decode(arguments.as_object().unwrap().clone(), &["span_id", "status", "metadata", "idempotency_key"])
    }

    #[test]
    fn wrong_arguments_are_named_and_typos_corrected() {
        let typo = decoded(json!({"spanid": "a"})).unwrap_err();
        assert_eq!(typo.hint.as_deref(), Some("did you mean `span_id`"));
        let hostile = decoded(json!({ format!("\u{1b}[2J{}", "x".repeat(100_000)): 1 })).unwrap_err();
        assert!(hostile.field.as_ref().unwrap().starts_with("\\u{1b}[2Jxx"), "{hostile}");
        assert!(hostile.message.len() < 200);
        let missing = decoded(json!({})).unwrap_err();
        assert_eq!(
            (missing.field.as_deref(), missing.message.as_str()),
            (Some("span_id"), "`span_id` is missing")
        );
        let wrong = decoded(json!({"span_id": 5})).unwrap_err();
        assert_eq!(wrong.message, "`span_id` has the wrong type: expected a string");
        assert_eq!(decoded(json!({"span_id": "a"})).unwrap().status.as_deref(), Some("ok"));
    }
}
