//! Records for the tests of every layer, with nothing in them but what a test is about.

use serde_json::Map;

use super::{EventType, Level, Log, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Usage};

/// A log with this message.
pub(crate) fn log(message: impl Into<String>) -> Log {
    Log {
        id: "1".into(),
        timestamp: Timestamp::from_micros(0),
        level: Some(Level::Info),
        event_type: EventType::stored("step"),
        message: message.into(),
        metadata: Map::new(),
        agent_name: None,
        trace_id: None,
        span_id: None,
        session_id: None,
        sanitized: false,
        redacted: Vec::new(),
    }
}

/// A root span in progress.
pub(crate) fn span(name: &str) -> Span {
    Span {
        trace_id: TraceId::stored("t"),
        span_id: SpanId::stored("1"),
        parent_span_id: None,
        parent_remote: false,
        orphan: false,
        name: name.into(),
        kind: SpanKind::Other,
        start_time: Timestamp::from_micros(0),
        end_time: None,
        duration_ms: None,
        status: SpanStatus::InProgress,
        error: None,
        agent_name: None,
        session_id: None,
        model: None,
        provider: None,
        usage: Usage::default(),
        reported_cost_pico_usd: None,
        computed_cost_pico_usd: None,
        metadata: Map::new(),
        clock_skew: false,
        redacted: Vec::new(),
        fingerprint: String::new(),
    }
}
