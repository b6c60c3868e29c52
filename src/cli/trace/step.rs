//! A trace as it is drawn, whichever way it was read.

use crate::model::Timestamp;
use crate::service::SpanView;

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
    /// A span of an answer.
    pub(super) fn of(span: &SpanView) -> Self {
        let start = Timestamp::parse(&span.start_time).unwrap_or(Timestamp::from_micros(0));
        let end = span.end_time.as_deref().and_then(Timestamp::parse);
        Self {
            span_id: span.span_id.clone(),
            parent: span.parent_span_id.clone(),
            parent_is_elsewhere: span.parent_remote,
            name: span.name.clone(),
            kind: span.kind.clone(),
            status: span.status.clone(),
            start,
            // A clock that went back makes no step end before it starts.
            end: end.map(|end| end.max(start)),
            model: span.model.clone(),
            tokens: span.usage.by_type().map(|(_, count)| count).fold(0, u64::saturating_add),
            cost: span.cost_usd,
            is_unpriced: span.cost_source.as_deref() == Some("unpriced"),
            error: span.error.clone(),
            is_critical: false,
        }
    }

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
