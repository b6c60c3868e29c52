//! What is asked of a store, and the pages it answers with.

use serde::{Deserialize, Serialize};

use super::{EventType, Level, Log, Span, SpanId, Timestamp, TraceId};

/// Up to here a total is counted; beyond, it is a lower bound that says so.
pub const EXACT_TOTAL_LIMIT: u64 = 10_000;

/// Spans that one trace may hold.
pub const MAX_SPANS_PER_TRACE: u64 = 10_000;

/// Logs to look for, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct LogQuery {
    /// By event type.
    pub event_type: EventFilter,
    /// By level.
    pub level: LevelFilter,
    /// Taken at this instant or later.
    pub since: Timestamp,
    /// Taken before this instant.
    pub until: Option<Timestamp>,
    /// Of this trace.
    pub trace_id: Option<TraceId>,
    /// Of this agent.
    pub agent_name: Option<String>,
    /// Holding all of these words, lower case, in the message, the event type or the metadata.
    pub words: Vec<String>,
    /// At most so many.
    pub limit: usize,
    /// Older than this position.
    pub before: Option<LogPosition>,
}

/// Which event types are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum EventFilter {
    /// All of them.
    Any,
    /// This one, literally.
    Exactly(EventType),
    /// Those that begin like this.
    Prefix(String),
}

/// Which levels are wanted. A log without a level, as published scripts write it, is of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum LevelFilter {
    /// All of them.
    Any,
    /// This one.
    Exactly(Level),
    /// This one and those above it.
    AtLeast(Level),
}

/// Where a page of logs ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogPosition {
    /// The last log's time.
    pub timestamp: Timestamp,
    /// The last log's id, which orders logs of one time.
    pub id: String,
}

/// A count, or a lower bound of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// The number.
    pub value: u64,
    /// Whether there are just so many, or at least so many.
    pub exact: bool,
}

/// Logs, newest first, and how many there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogPage {
    /// The page.
    pub logs: Vec<Log>,
    /// All that match, on every page.
    pub total: Total,
    /// Where to go on. Present without a full page where a scan stopped at its budget.
    pub next: Option<LogPosition>,
}

/// Where a page of spans ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpanPosition {
    /// The last span's start.
    pub start_time: Timestamp,
    /// The last span's id, which orders spans of one start.
    pub span_id: SpanId,
}

/// Which spans of a trace are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceQuery {
    /// The trace.
    pub trace_id: TraceId,
    /// At most so many.
    pub limit: usize,
    /// After this position.
    pub after: Option<SpanPosition>,
}

/// Spans of one trace in the order in which they started, and what is known of the trace as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TracePage {
    /// The page.
    pub spans: Vec<Span>,
    /// All spans of the trace; never above [`MAX_SPANS_PER_TRACE`].
    pub total: u64,
    /// Where to go on.
    pub next: Option<SpanPosition>,
    /// The first agent that a log or a metric of the trace names.
    pub agent_name: Option<String>,
    /// When something last happened in the trace.
    pub last_activity: Option<Timestamp>,
}

impl EventFilter {
    /// Whether `event_type` is wanted.
    pub fn matches(&self, event_type: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => wanted.as_str() == event_type,
            Self::Prefix(prefix) => event_type.starts_with(prefix),
        }
    }
}

impl LevelFilter {
    /// The levels that are wanted, `None` for all.
    pub fn wanted(self) -> Option<Vec<Level>> {
        match self {
            Self::Any => None,
            Self::Exactly(level) => Some(vec![level]),
            Self::AtLeast(least) => Some(Level::ALL.into_iter().filter(|level| *level >= least).collect()),
        }
    }

    /// Whether a log of `level` is wanted.
    pub fn matches(self, level: Option<Level>) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => level == Some(wanted),
            Self::AtLeast(least) => level.is_some_and(|level| level >= least),
        }
    }
}

impl LogQuery {
    /// Whether a log is wanted, its place in time aside.
    pub fn matches(&self, log: &Log) -> bool {
        self.event_type.matches(log.event_type.as_str())
            && self.level.matches(log.level)
            && self.until.is_none_or(|until| log.timestamp < until)
            && self.trace_id.as_ref().is_none_or(|wanted| log.trace_id.as_ref() == Some(wanted))
            && self.agent_name.as_ref().is_none_or(|wanted| log.agent_name.as_ref() == Some(wanted))
            && self.has_words(log)
    }

    fn has_words(&self, log: &Log) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let mut text = log.message.to_lowercase();
        text.push('\n');
        text.push_str(&log.event_type.as_str().to_lowercase());
        if !log.metadata.is_empty() {
            text.push('\n');
            text.push_str(&serde_json::to_string(&log.metadata).unwrap_or_default().to_lowercase());
        }
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

impl Log {
    /// Where this log stands among others.
    pub fn position(&self) -> LogPosition {
        LogPosition { timestamp: self.timestamp, id: self.id.clone() }
    }
}

impl Span {
    /// Where this span stands in its trace.
    pub fn position(&self) -> SpanPosition {
        SpanPosition { start_time: self.start_time, span_id: self.span_id.clone() }
    }
}
