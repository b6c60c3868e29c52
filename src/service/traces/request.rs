//! What can be asked of traces.

#![expect(clippy::doc_markdown, reason = "these texts are what clients show, as they stand")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::service::numbers::Period;

/// Traces, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct ListTraces {
    /// Only those that started then; by default all that are kept
    #[serde(flatten)]
    pub period: Period,
    /// Only those of this agent
    pub agent: Option<String>,
    /// Only those of this conversation
    pub session: Option<String>,
    /// Only those that stand so: in_progress, abandoned, ok, error or cancelled
    pub status: Option<String>,
    /// Only those that took at least so long
    #[schemars(with = "f64")]
    pub min_duration_ms: Option<Value>,
    /// Only those that hold all of these words in their id, their root's name, their agent, session or error
    pub q: Option<String>,
    /// Largest first: start, duration, cost, tokens or errors
    #[serde(default = "start")]
    #[schemars(default = "start")]
    pub sort: Option<String>,
    /// spans adds the spans of each trace, as far as they fit
    #[serde(skip_serializing)]
    pub include: Option<String>,
    /// Most to return, at most 200
    #[schemars(with = "i64", default = "fifty")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

/// Recent traces, as the published dashboard asks for them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecentTraces {
    /// Only those of this agent
    pub agent: Option<String>,
    /// Only those that stand so: in_progress, abandoned, ok, error or cancelled
    pub status: Option<String>,
    /// Most to return, at most 200
    #[schemars(with = "i64", default = "fifty")]
    pub limit: Option<Value>,
    /// From the `Link` of the page before
    pub cursor: Option<String>,
}

impl From<RecentTraces> for ListTraces {
    fn from(RecentTraces { agent, status, limit, cursor }: RecentTraces) -> Self {
        Self { agent, status, limit, cursor, include: Some("spans".into()), ..Self::default() }
    }
}

/// One trace.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadTrace {
    /// The trace, in the form in which it was given or as 32 hex digits
    pub trace_id: String,
    /// full, or without what is not wanted: spans (no tree), tree (no spans), summary (neither)
    #[serde(default = "full")]
    #[schemars(default = "full")]
    pub view: Option<String>,
    /// logs adds the newest logs of the trace
    pub include: Option<String>,
    /// Most spans to return, at most 1000
    #[schemars(with = "i64", default = "thousand")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    pub cursor: Option<String>,
}

/// A trace to delete.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteTrace {
    /// The trace, in the form in which it was given or as 32 hex digits
    pub trace_id: String,
}

/// Traces to delete: those of an agent, or those of a conversation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteTraces {
    /// All traces and logs of this agent
    pub agent: Option<String>,
    /// All traces and logs of this conversation
    pub session: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn start() -> Option<String> {
    Some("start".into())
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn full() -> Option<String> {
    Some("full".into())
}

const fn fifty() -> i64 {
    50
}

const fn thousand() -> i64 {
    1_000
}
