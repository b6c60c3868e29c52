//! What a store is given to write, and what it answers.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Code, Log, MetricKind, Point, Problem, Span, SpanEnd, Timestamp};

/// One record on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The record.
    pub record: Record,
    /// By what a repetition of the call is known.
    pub idempotency: Option<Idempotency>,
}

/// What can be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An event.
    Log(Box<Log>),
    /// The start of a span. Its agent may still be unknown: the store takes it from the parent or the trace.
    SpanStart(Box<Span>),
    /// The end of a span.
    SpanEnd(Box<SpanEnd>),
    /// A measurement.
    Point(Box<Point>),
}

/// A caller's name for a call, by which its repetition is known for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// A digest of what the call said. The same key with another digest is a conflict.
    pub fingerprint: String,
}

/// A record as it is now stored: for a repeated call, as the first one stored it.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// The log.
    Log(Box<Log>),
    /// The span, with the agent that the store found for it.
    SpanStarted(Box<Span>),
    /// The span, ended.
    SpanEnded {
        /// As it is stored.
        span: Box<Span>,
        /// Whether it had ended before.
        already_ended: bool,
    },
    /// The point went into a series.
    Point {
        /// How the metric adds up.
        kind: MetricKind,
        /// Whether the metric has so many series that this point went into the one they share.
        overflow: bool,
    },
}

impl Write {
    /// A record without an idempotency key.
    pub const fn once(record: Record) -> Self {
        Self { record, idempotency: None }
    }
}

impl Idempotency {
    /// How long a key is known.
    pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

    /// The key was used for a call that said something else.
    pub fn conflict() -> Problem {
        Problem::new(Code::IdempotencyConflict, "the idempotency key was used for another call")
            .at("idempotency_key")
            .hint("a key names one call: a retry repeats the call unchanged, another call takes another key")
    }
}

impl Record {
    /// When the server took the record.
    pub fn taken_at(&self) -> Timestamp {
        match self {
            Self::Log(log) => log.timestamp,
            Self::SpanStart(span) => span.start_time,
            Self::SpanEnd(end) => end.end_time,
            Self::Point(point) => point.timestamp,
        }
    }

    /// About how much memory the record holds, for bounds on what waits.
    pub fn approximate_bytes(&self) -> usize {
        let metadata = |map: &Map<String, Value>| {
            map.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>()
        };
        512 + match self {
            Self::Log(log) => log.message.len() + metadata(&log.metadata),
            Self::SpanStart(span) => span.name.len() + metadata(&span.metadata),
            Self::SpanEnd(end) => metadata(&end.metadata),
            Self::Point(point) => point.labels.values().map(String::len).sum(),
        }
    }
}

/// About how much memory a value holds. Metadata's depth is limited before a record is made of it.
fn weight(value: &Value) -> usize {
    const NODE: usize = 32;
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(object) => object.iter().map(|(key, value)| key.len() + weight(value)).sum(),
        _ => 0,
    }
}
