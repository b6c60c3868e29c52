//! What is asked of many records at once, and the pages that answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Labels, Log, MetricKind, Series, Span, SpanId, SpanPosition, SpanStatus, Timestamp, Total, TraceId,
    TraceRow,
};

/// By which of their times spans are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanTime {
    /// When they started.
    Start,
    /// When they ended; those in progress are left out.
    End,
}

/// Spans of all traces, from the oldest on.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanQuery {
    /// By this time.
    pub by: SpanTime,
    /// At this instant or later.
    pub since: Timestamp,
    /// Before this instant.
    pub until: Timestamp,
    /// From the newest on instead.
    pub newest_first: bool,
    /// At most so many.
    pub limit: usize,
    /// Behind this position, whose time is the one that is looked for by.
    pub after: Option<SpanPosition>,
}

/// A page of spans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanPage {
    /// The page.
    pub spans: Vec<Span>,
    /// Where to go on. There may be nothing more even so.
    pub next: Option<SpanPosition>,
}

/// By what a list of traces is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceSort {
    /// The newest start first.
    Start,
    /// The longest first.
    Duration,
    /// The dearest first.
    Cost,
    /// Those that used most tokens first.
    Tokens,
    /// Those with most failed spans first.
    Errors,
}

/// Traces to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceListQuery {
    /// Started at this instant or later.
    pub since: Timestamp,
    /// Started before this instant.
    pub until: Timestamp,
    /// Of this agent.
    pub agent_name: Option<String>,
    /// Of this conversation.
    pub session_id: Option<String>,
    /// That stand so.
    pub status: Option<SpanStatus>,
    /// Where nothing has happened since then, what is open is abandoned.
    pub stale: Timestamp,
    /// That took at least so long.
    pub min_duration_ms: Option<f64>,
    /// Holding all of these words, lower case, in their id, their root's name, their agent, session or error.
    pub words: Vec<String>,
    /// In this order.
    pub sort: TraceSort,
    /// At most so many.
    pub limit: usize,
    /// Behind this position.
    pub after: Option<TracePosition>,
}

/// Where a page of traces ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracePosition {
    /// The value that the list is ordered by, as [`TraceRow::rank`] has it.
    pub rank: f64,
    /// The trace, which orders those of one rank.
    pub trace_id: TraceId,
}

/// A page of traces.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TraceRows {
    /// The page.
    pub traces: Vec<TraceRow>,
    /// All that match, on every page.
    pub total: Total,
    /// Where to go on. Present without a full page where a scan stopped at its budget.
    pub next: Option<TracePosition>,
    /// Whether all of the window was looked at for this order; otherwise only the newest part of it was.
    pub complete: bool,
}

impl TraceRow {
    /// What a list ordered by `sort` is ordered by: larger comes first.
    #[expect(clippy::cast_precision_loss, reason = "microseconds and pico-dollars that an order is made of")]
    pub fn rank(&self, sort: TraceSort) -> f64 {
        let counts = &self.summary.counts;
        match sort {
            TraceSort::Start => self.summary.start_time.map_or(0.0, |start| start.micros() as f64),
            TraceSort::Duration => self.summary.duration_ms().unwrap_or(-1.0),
            TraceSort::Cost => counts.cost() as f64,
            TraceSort::Tokens => counts.tokens() as f64,
            TraceSort::Errors => counts.errors as f64,
        }
    }

    /// The position of a page that ends here.
    pub fn position(&self, sort: TraceSort) -> TracePosition {
        TracePosition { rank: self.rank(sort), trace_id: self.trace_id.clone() }
    }
}

impl TraceListQuery {
    /// Whether a trace is wanted.
    pub fn matches(&self, row: &TraceRow) -> bool {
        let summary = &row.summary;
        summary.start_time.is_some_and(|start| self.since <= start && start < self.until)
            && self.agent_name.as_ref().is_none_or(|wanted| summary.agent_name.as_ref() == Some(wanted))
            && self.session_id.as_ref().is_none_or(|wanted| summary.session_id.as_ref() == Some(wanted))
            && self.status.is_none_or(|wanted| summary.status(row.last_activity < self.stale) == wanted)
            && self
                .min_duration_ms
                .is_none_or(|least| summary.duration_ms().is_some_and(|took| took >= least))
            && self.has_words(row)
    }

    /// Whether `one` stands before `other` in the list.
    pub fn precedes(&self, one: &TracePosition, other: &TracePosition) -> bool {
        (other.rank, other.trace_id.as_str()) < (one.rank, one.trace_id.as_str())
    }

    fn has_words(&self, row: &TraceRow) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let summary = &row.summary;
        let root = summary.root.as_ref().map(|root| root.name.as_str());
        let texts = [
            Some(row.trace_id.as_str()),
            root,
            summary.agent_name.as_deref(),
            summary.session_id.as_deref(),
            summary.error(),
        ];
        let text = texts.into_iter().flatten().collect::<Vec<_>>().join("\n").to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

/// A metric's series through time.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesQuery {
    /// The Prometheus name of the metric.
    pub name: String,
    /// From the minute of this instant.
    pub since: Timestamp,
    /// Before this instant.
    pub until: Timestamp,
    /// Added up over bins of this width, a multiple of a minute.
    pub bin: Duration,
}

/// One series through time.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesHistory {
    /// What tells it from the metric's other series.
    pub labels: Labels,
    /// How its points add up.
    pub kind: MetricKind,
    /// The bins in which there were points, by time.
    pub bins: Vec<SeriesBin>,
}

/// The points of one bin.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesBin {
    /// When the bin begins.
    pub start: Timestamp,
    /// How many points.
    pub count: u64,
    /// What they add up to.
    pub sum: f64,
    /// The last of them.
    pub last: f64,
    /// Of a histogram: points by bucket, not cumulative.
    pub buckets: Vec<u64>,
}

/// Records to delete for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// A trace: its spans and its logs.
    Trace(TraceId),
    /// All traces and logs of an agent.
    Agent(String),
    /// All traces and logs of a conversation.
    Session(String),
}

/// How much a store holds of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreSize {
    /// Logs.
    pub logs: Total,
    /// Spans.
    pub spans: Total,
    /// Traces.
    pub traces: Total,
    /// Series.
    pub series: Total,
    /// Bytes that the store takes, of all projects and, on Redis, of all else that the server holds.
    pub bytes: Option<u64>,
    /// When the newest log was taken.
    pub last_log: Option<Timestamp>,
    /// When the newest span started.
    pub last_span: Option<Timestamp>,
}

/// A series and when its last point was taken, for one who takes it elsewhere.
pub type Dated = (Series, Timestamp);

impl Deletion {
    /// Whether a trace is to go.
    pub fn is_of_trace(&self, row: &TraceRow) -> bool {
        match self {
            Self::Trace(trace_id) => row.trace_id == *trace_id,
            Self::Agent(agent) => row.summary.agent_name.as_ref() == Some(agent),
            Self::Session(session) => row.summary.session_id.as_ref() == Some(session),
        }
    }

    /// Whether a log is to go.
    pub fn is_of_log(&self, log: &Log) -> bool {
        match self {
            Self::Trace(trace_id) => log.trace_id.as_ref() == Some(trace_id),
            Self::Agent(agent) => log.agent_name.as_ref() == Some(agent),
            Self::Session(session) => log.session_id.as_ref() == Some(session),
        }
    }
}

impl SpanPosition {
    /// The position of `span` among spans looked for by `by`.
    pub fn by(span: &Span, by: SpanTime) -> Self {
        let time = match by {
            SpanTime::Start => span.start_time,
            SpanTime::End => span.end_time.unwrap_or(span.start_time),
        };
        Self { start_time: time, span_id: SpanId::stored(span.span_id.as_str()) }
    }
}
