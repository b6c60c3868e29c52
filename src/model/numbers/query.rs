//! What is asked of roll-ups.

use std::time::Duration;

use super::{Dimension, DimensionKind, Tally};
use crate::model::{Span, SpanId, Timestamp, TraceId};

/// How finely roll-ups are kept: minutes as long as the records themselves, hours for as long as the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// A row for each minute.
    Minute,
    /// A row for each hour.
    Hour,
}

impl Tier {
    /// Both, from the finer one.
    pub const ALL: [Self; 2] = [Self::Minute, Self::Hour];

    /// How long one of its rows is.
    pub const fn width(self) -> Duration {
        match self {
            Self::Minute => Duration::from_secs(60),
            Self::Hour => Duration::from_secs(3_600),
        }
    }

    /// The start of the row that `at` belongs to.
    pub fn start_of(self, at: Timestamp) -> Timestamp {
        at.floor(self.width())
    }
}

/// Roll-ups to add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupQuery {
    /// From which rows.
    pub tier: Tier,
    /// From the row that starts here.
    pub since: Timestamp,
    /// To the row that starts here, which is left out.
    pub until: Timestamp,
    /// Of this kind of dimension.
    pub dimension: DimensionKind,
    /// Of this agent alone.
    pub agent: Option<String>,
    /// Added up over bins of this width, a multiple of the tier's, which begin at multiples of it; `None`: all in one,
    /// which begins at `since`.
    pub bin: Option<Duration>,
}

/// A sum of roll-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    /// When its bin begins.
    pub bin: Timestamp,
    /// Whose.
    pub agent: String,
    /// Of what.
    pub dimension: Dimension,
    /// How much.
    pub tally: Tally,
}

/// Failures of one kind: what is known of them besides their counts, which are roll-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorGroup {
    /// By what they are known.
    pub fingerprint: String,
    /// What failed: the kind of step.
    pub kind: String,
    /// What failed: the step's name.
    pub step: String,
    /// The folded message.
    pub message: String,
    /// When the first one ended that is known.
    pub first_seen: Timestamp,
    /// When the last one ended.
    pub last_seen: Timestamp,
    /// The trace of the last one.
    pub sample_trace_id: TraceId,
    /// The last one.
    pub sample_span_id: SpanId,
    /// What the last one said, whole.
    pub sample_message: String,
}

impl ErrorGroup {
    /// The group as this span alone makes it; `None` of one that did not fail.
    pub fn of(span: &Span) -> Option<Self> {
        let fingerprint = span.error_fingerprint()?;
        let seen = span.end_time.unwrap_or(span.start_time);
        Some(Self {
            fingerprint,
            kind: span.kind.as_str().to_owned(),
            step: span.step_name(),
            message: span.folded_error(),
            first_seen: seen,
            last_seen: seen,
            sample_trace_id: span.trace_id.clone(),
            sample_span_id: span.span_id.clone(),
            sample_message: span.error.clone().unwrap_or_default(),
        })
    }
}

impl RollupQuery {
    /// The start of the bin that the row starting at `row` belongs to.
    pub fn bin_of(&self, row: Timestamp) -> Timestamp {
        self.bin.map_or(self.since, |width| row.floor(width))
    }
}
