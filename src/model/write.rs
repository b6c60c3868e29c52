//! What a store is given to write, and what it answers.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Code, Labels, Log, MetricKind, Point, Problem, Series, Span, SpanEnd, SpanStatus, Timestamp};

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
    /// A record as another store held it.
    Import(Box<Import>),
}

/// A record that keeps its id, its times and all else, and is written only where there is none of its id. Logs are
/// imported as [`Record::Log`].
#[derive(Debug, Clone, PartialEq)]
pub enum Import {
    /// A span, ended or not. It adds to the numbers and to its trace; series are not fed by it, they come for
    /// themselves. Another span of its id that is held is a conflict.
    Span(Box<Span>),
    /// A measurement that is counted ([`Point::contribution`]). It adds to the numbers alone.
    Point(Point),
    /// A series as it stood: of a counter or a histogram the larger one is kept, of a gauge the newer.
    Series {
        /// The series.
        series: Series,
        /// When its last point was taken.
        updated: Timestamp,
    },
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
    /// The record was imported.
    Imported {
        /// Whether it was not there before.
        new: bool,
    },
    /// The span is here, and still open, while the import tells of its end.
    StillOpen,
}

impl Written {
    /// What the import of `span` comes to where `held` has its id.
    ///
    /// # Errors
    /// [`SpanConflict`](Code::SpanConflict) for two spans that did not begin in the same way.
    pub fn known_span(held: &Span, span: &Span) -> Result<Self, Problem> {
        let is_open = |span: &Span| span.status == SpanStatus::InProgress;
        if held.trace_id != span.trace_id || held.fingerprint != span.fingerprint {
            return Err(Span::conflict());
        }
        Ok(if is_open(held) && !is_open(span) { Self::StillOpen } else { Self::Imported { new: false } })
    }
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
            Self::Import(import) => match &**import {
                Import::Span(span) => span.end_time.unwrap_or(span.start_time),
                Import::Point(point) => point.timestamp,
                Import::Series { updated, .. } => *updated,
            },
        }
    }

    /// About how much memory the record holds, for bounds on what waits.
    pub fn approximate_bytes(&self) -> usize {
        let metadata = |map: &Map<String, Value>| {
            map.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>()
        };
        let labels = |labels: &Labels| labels.values().map(String::len).sum::<usize>();
        512 + match self {
            Self::Log(log) => log.message.len() + metadata(&log.metadata),
            Self::SpanStart(span) => span.name.len() + metadata(&span.metadata),
            Self::SpanEnd(end) => metadata(&end.metadata),
            Self::Point(point) => labels(&point.labels),
            Self::Import(import) => match &**import {
                Import::Span(span) => span.name.len() + metadata(&span.metadata),
                Import::Point(point) => labels(&point.labels),
                Import::Series { series, .. } => labels(&series.labels),
            },
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
