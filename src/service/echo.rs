//! A stored record as one line of JSON, for those who collect a process's output.

use serde_json::{Value, json};

use crate::model::text::make_visible;
use crate::model::{Level, Record};

/// The record with the names that the published logging script used, harmless to the terminal that may show it.
pub(super) fn record(record: &Record) -> Value {
    let mut shown = fields(record);
    make_visible(&mut shown);
    shown
}

fn fields(record: &Record) -> Value {
    match record {
        Record::Log(log) => json!({
            "timestamp": log.timestamp.to_rfc3339(),
            "level": log.level.map(Level::as_str),
            "event_type": log.event_type,
            "message": log.message,
            "agent_name": log.agent_name,
            "trace_id": log.trace_id,
            "metadata": log.metadata,
        }),
        Record::SpanStart(span) => json!({
            "timestamp": span.start_time.to_rfc3339(),
            "event_type": "span.start",
            "trace_id": span.trace_id,
            "span_id": span.span_id,
            "parent_span_id": span.parent_span_id,
            "name": span.name,
            "agent_name": span.agent_name,
            "metadata": span.metadata,
        }),
        Record::SpanEnd(end) => json!({
            "timestamp": end.end_time.to_rfc3339(),
            "event_type": "span.end",
            "span_id": end.span_id,
            "status": end.status,
            "metadata": end.metadata,
        }),
        Record::Point(point) => json!({
            "timestamp": point.timestamp.to_rfc3339(),
            "event_type": "metric",
            "metric": point.name,
            "labels": point.labels,
            "kind": point.kind,
            "value": point.value,
        }),
        // What comes in by an import has been shown where it was recorded.
        Record::Import(_) => Value::Null,
    }
}
