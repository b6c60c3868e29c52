//! What can be watched.

#![expect(clippy::doc_markdown, reason = "these texts are what clients show, as they stand")]

use schemars::JsonSchema;
use serde::Deserialize;

/// Watch what happens. What is said of logs alone leaves spans out.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchLive {
    /// Only events of these kinds: log, span_start, span_end
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Only logs of exactly this event type, or with a trailing * of all that begin so
    pub event_type: Option<String>,
    /// Only logs of exactly this level
    pub level: Option<String>,
    /// Only logs of this level and those above it
    pub min_level: Option<String>,
    /// Only of this agent
    pub agent: Option<String>,
    /// Only of this trace
    pub trace_id: Option<String>,
    /// Only what holds all of these words
    pub q: Option<String>,
    /// The id of the last event that was received: what has happened since comes first. The header Last-Event-ID says
    /// the same, and is what counts where both are given
    pub last_event_id: Option<String>,
}
