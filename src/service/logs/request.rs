//! What can be asked of logs, over HTTP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::service::numbers::Period;

/// Logs, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct ListLogs {
    /// Only those taken then; by default all that are kept
    #[serde(flatten)]
    pub period: Period,
    /// Exactly this event type, or with a trailing * all that begin so
    pub event_type: Option<String>,
    /// Exactly this level
    pub level: Option<String>,
    /// This level and those above it
    pub min_level: Option<String>,
    /// Only logs of this agent
    pub agent: Option<String>,
    /// Only logs of this trace
    pub trace_id: Option<String>,
    /// Only logs that hold all of these words
    pub q: Option<String>,
    /// histogram adds the counts over time, by level
    #[serde(skip_serializing)]
    pub include: Option<String>,
    /// Most logs to return, at most 200
    #[schemars(with = "i64", default = "hundred")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

/// Recent logs, as the published dashboard asks for them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecentLogs {
    /// Exactly this event type, or with a trailing * all that begin so
    pub event_type: Option<String>,
    /// Exactly this level
    pub level: Option<String>,
    /// Only logs of this agent
    pub agent: Option<String>,
    /// Most logs to return, at most 200
    #[schemars(with = "i64", default = "hundred")]
    pub limit: Option<Value>,
    /// From the `Link` of the page before
    pub cursor: Option<String>,
}

impl From<RecentLogs> for ListLogs {
    fn from(RecentLogs { event_type, level, agent, limit, cursor }: RecentLogs) -> Self {
        Self { event_type, level, agent, limit, cursor, ..Self::default() }
    }
}

const fn hundred() -> i64 {
    100
}
