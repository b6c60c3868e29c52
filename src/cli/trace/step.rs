//! A trace as it is drawn, whichever way it was read.

use crate::model::Timestamp;

/// A step of a trace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) span_id: String,
    pub(super) parent: Option<String>,
    pub(super) parent_is_elsewhere: bool,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) start: Timestamp,
    pub(super) end: Option<Timestamp>,
    pub(super) model: Option<String>,
    pub(super) tokens: u64,
    /// In dollars.
    pub(super) cost: Option<f64>,
    /// There are tokens and no price.
    pub(super) is_unpriced: bool,
    pub(super) error: Option<String>,
    /// Whether it decided when the trace ended.
    pub(super) is_critical: bool,
}

impl Step {
    pub(super) fn has_failed(&self) -> bool {
        self.status == "error"
    }

    /// How it stands, where its bar does not tell.
    pub(super) fn note(&self) -> Option<&str> {
        match self.status.as_str() {
            "ok" | "error" => None,
            "in_progress" => Some("running"),
            other => Some(other),
        }
    }

    /// How long it took.
    pub(super) fn took(&self) -> Option<f64> {
        Some(self.end?.millis_since(self.start).max(0.0))
    }
}
