//! A trace as a whole.

use serde::{Deserialize, Serialize};

use super::{
    Contribution, CostSource, Measure, Span, SpanId, SpanKind, SpanStatus, Tally, Timestamp, TraceId,
};

/// What is known of a trace besides its spans: a sum over them that grows span by span, and of which several
/// shares, each over some of the spans, add up to the whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceSummary {
    /// When its first span started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When the last one so far ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// Its earliest root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Head>,
    /// The earliest failure that tells of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The conversation it belongs to, as its earliest span says that names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The first agent that a span names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// What can be counted.
    #[serde(default)]
    pub counts: Counts,
}

/// The root of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// When it started.
    pub start_time: Timestamp,
    /// Which span it is.
    pub span_id: SpanId,
    /// What it is called.
    pub name: String,
    /// How it stands.
    pub status: SpanStatus,
    /// What went wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// When it ended.
    pub at: Timestamp,
    /// Which span it is.
    pub span_id: SpanId,
    /// What it says.
    pub error: String,
}

/// Counts over spans. A change of a span adds the difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Spans.
    pub spans: i64,
    /// Spans in progress.
    pub open: i64,
    /// Spans that failed.
    pub errors: i64,
    /// Calls of models that ended.
    pub llm_calls: i64,
    /// Calls of tools that ended.
    pub tool_calls: i64,
    /// Tokens read that no cache held.
    pub input_tokens: i64,
    /// Tokens read from a cache.
    pub cache_read_tokens: i64,
    /// Tokens written to a cache.
    pub cache_write_tokens: i64,
    /// Tokens written by models.
    pub output_tokens: i64,
    /// What clients reported, in pico-dollars.
    pub reported_cost: i64,
    /// What was computed, in pico-dollars.
    pub computed_cost: i64,
    /// Calls of models with tokens and without a price.
    pub unpriced_calls: i64,
}

impl Counts {
    /// Every count by its name, for stores that keep each for itself.
    pub fn by_name(&mut self) -> [(&'static str, &mut i64); 12] {
        [
            ("spans", &mut self.spans),
            ("open", &mut self.open),
            ("errors", &mut self.errors),
            ("llm_calls", &mut self.llm_calls),
            ("tool_calls", &mut self.tool_calls),
            ("input_tokens", &mut self.input_tokens),
            ("cache_read_tokens", &mut self.cache_read_tokens),
            ("cache_write_tokens", &mut self.cache_write_tokens),
            ("output_tokens", &mut self.output_tokens),
            ("reported_cost", &mut self.reported_cost),
            ("computed_cost", &mut self.computed_cost),
            ("unpriced_calls", &mut self.unpriced_calls),
        ]
    }

    /// These and those.
    #[must_use]
    pub fn plus(mut self, mut other: Self) -> Self {
        for ((_, count), (_, more)) in self.by_name().into_iter().zip(other.by_name()) {
            *count = count.saturating_add(*more);
        }
        self
    }

    /// These less those.
    #[must_use]
    pub fn minus(mut self, mut other: Self) -> Self {
        for ((_, count), (_, less)) in self.by_name().into_iter().zip(other.by_name()) {
            *count = count.saturating_sub(*less);
        }
        self
    }

    /// Tokens of all types.
    pub const fn tokens(&self) -> i64 {
        self.input_tokens
            .saturating_add(self.cache_read_tokens)
            .saturating_add(self.cache_write_tokens)
            .saturating_add(self.output_tokens)
    }

    /// What it cost as far as that is known, in pico-dollars.
    pub const fn cost(&self) -> i64 {
        self.reported_cost.saturating_add(self.computed_cost)
    }
}

impl TraceSummary {
    /// The share of one span, as it now stands.
    pub fn of(span: &Span) -> Self {
        let ended = span.status != SpanStatus::InProgress;
        let failed = span.status == SpanStatus::Error;
        let mut counts =
            Counts { spans: 1, open: i64::from(!ended), errors: i64::from(failed), ..Counts::default() };
        let spent: Tally = span.contributions().into_iter().filter(Contribution::is_of_agent).fold(
            Tally::default(),
            |mut sum, given| {
                sum += &given.tally;
                sum
            },
        );
        counts.llm_calls = spent[Measure::LlmCalls];
        counts.tool_calls = spent[Measure::ToolCalls];
        counts.input_tokens = spent[Measure::InputTokens];
        counts.cache_read_tokens = spent[Measure::CacheReadTokens];
        counts.cache_write_tokens = spent[Measure::CacheWriteTokens];
        counts.output_tokens = spent[Measure::OutputTokens];
        counts.reported_cost = spent[Measure::ReportedCost];
        counts.computed_cost = spent[Measure::ComputedCost];
        counts.unpriced_calls = spent[Measure::UnpricedCalls];
        let error = span.error.clone().filter(|_| failed);
        Self {
            start_time: Some(span.start_time),
            end_time: span.end_time,
            root: span.is_root().then(|| Head {
                start_time: span.start_time,
                span_id: span.span_id.clone(),
                name: span.name.clone(),
                status: span.status,
                error: error.clone(),
            }),
            failure: error.zip(span.end_time).map(|(error, at)| Failure {
                at,
                span_id: span.span_id.clone(),
                error,
            }),
            session_id: span.session_id.clone(),
            agent_name: span.agent_name.clone(),
            counts,
        }
    }

    /// The trace once one of its spans has changed: counts grow by the difference, the rest by what there is now.
    #[must_use]
    pub fn changed(self, before: Option<&Span>, after: &Span) -> Self {
        let less = before.map(|before| Self::of(before).counts).unwrap_or_default();
        let mut sum = self.plus(Self::of(after));
        sum.counts = sum.counts.minus(less);
        sum
    }

    /// Two shares of one trace together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let place = |head: &Head| (head.start_time, head.span_id.clone());
        let root = match (self.root, other.root) {
            // Of one span it is the later state that counts.
            (Some(one), Some(two)) if place(&one) == place(&two) => {
                Some(if two.status == SpanStatus::InProgress { one } else { two })
            }
            (Some(one), Some(two)) => Some(if place(&two) < place(&one) { two } else { one }),
            (one, two) => one.or(two),
        };
        let failure = match (self.failure, other.failure) {
            (Some(one), Some(two)) => {
                Some(if (two.at, &two.span_id) < (one.at, &one.span_id) { two } else { one })
            }
            (one, two) => one.or(two),
        };
        Self {
            start_time: earlier(self.start_time, other.start_time),
            end_time: self.end_time.max(other.end_time),
            root,
            failure,
            session_id: self.session_id.or(other.session_id),
            agent_name: self.agent_name.or(other.agent_name),
            counts: self.counts.plus(other.counts),
        }
    }

    /// How the trace stands. `abandoned`: nothing has happened in it for long.
    pub fn status(&self, abandoned: bool) -> SpanStatus {
        if self.counts.open > 0 {
            return if abandoned { SpanStatus::Abandoned } else { SpanStatus::InProgress };
        }
        match &self.root {
            Some(root) => root.status,
            None if self.counts.errors > 0 => SpanStatus::Error,
            None => SpanStatus::Ok,
        }
    }

    /// From its first start to its last end, in milliseconds; `None` while nothing has ended.
    pub fn duration_ms(&self) -> Option<f64> {
        Some(self.end_time?.millis_since(self.start_time?).max(0.0))
    }

    /// What went wrong: what its root says, else what failed first says.
    pub fn error(&self) -> Option<&str> {
        let of_root = self.root.as_ref().and_then(|root| root.error.as_deref());
        of_root.or_else(|| self.failure.as_ref().map(|failure| failure.error.as_str()))
    }

    /// What it cost and where that comes from; `None` where nothing was priced.
    pub const fn cost(&self) -> Option<(i64, CostSource)> {
        let Counts { reported_cost, computed_cost, .. } = self.counts;
        match (reported_cost, computed_cost) {
            (0, 0) => None,
            (_, 0) => Some((reported_cost, CostSource::Reported)),
            _ => Some((self.counts.cost(), CostSource::Computed)),
        }
    }
}

fn earlier(one: Option<Timestamp>, two: Option<Timestamp>) -> Option<Timestamp> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

/// A trace in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceRow {
    /// Its id.
    pub trace_id: TraceId,
    /// What is known of it.
    pub summary: TraceSummary,
    /// When something last happened in it.
    pub last_activity: Timestamp,
}

/// A span in progress, as far as is asked of many at once.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenSpan {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: SpanKind,
    /// Whether it is a request.
    pub is_root: bool,
    /// The agent at work, where it or its trace names one.
    pub agent_name: Option<String>,
    /// When it started.
    pub start_time: Timestamp,
    /// When something last happened in its trace.
    pub last_activity: Timestamp,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::testing;

    /// A span of one trace, running and then ended.
    fn life(id: u8, start: i64, took: i64, status: SpanStatus, is_root: bool) -> [Span; 2] {
        let running = Span {
            span_id: SpanId::stored(format!("{id:02}")),
            parent_span_id: (!is_root).then(|| SpanId::stored("elsewhere")),
            start_time: Timestamp::from_micros(start),
            kind: SpanKind::Tool,
            ..testing::span("step")
        };
        let ended = Span {
            status,
            end_time: Some(Timestamp::from_micros(start + took)),
            duration_ms: Some(0.001),
            error: (status == SpanStatus::Error).then(|| format!("error {id}")),
            ..running.clone()
        };
        [running, ended]
    }

    fn lives() -> impl Strategy<Value = Vec<[Span; 2]>> {
        let statuses = [SpanStatus::Ok, SpanStatus::Error, SpanStatus::Cancelled];
        let of_one = (0..9_i64, 0..9_i64, prop::sample::select(statuses.to_vec()), any::<bool>());
        prop::collection::vec(of_one, 1..8).prop_map(|lives| {
            (0..)
                .zip(lives)
                .map(|(id, (start, took, status, root))| life(id, start, took, status, root))
                .collect()
        })
    }

    #[test]
    fn a_trace_runs_while_a_span_does_and_ends_as_its_root() {
        let [running, failed] = life(1, 0, 1_500, SpanStatus::Error, true);
        let trace = TraceSummary::default().changed(None, &running);
        assert_eq!(
            (trace.status(false), trace.status(true)),
            (SpanStatus::InProgress, SpanStatus::Abandoned)
        );
        assert_eq!((trace.duration_ms(), trace.error()), (None, None));
        let trace = trace.changed(Some(&running), &failed);
        assert_eq!(
            (trace.status(false), trace.duration_ms(), trace.error()),
            (SpanStatus::Error, Some(1.5), Some("error 1"))
        );
    }

    proptest! {
        #[test]
        fn shares_add_up_to_what_step_by_step_gives(lives in lives(), split in any::<prop::sample::Index>()) {
            let grown = lives.iter().fold(TraceSummary::default(), |trace, [running, ended]| {
                trace.changed(None, running).changed(Some(running), ended)
            });
            let share = |part: &[[Span; 2]]| {
                part.iter().map(|[_, ended]| TraceSummary::of(ended)).fold(TraceSummary::default(), TraceSummary::plus)
            };
            let (one, two) = lives.split_at(split.index(lives.len()));
            prop_assert_eq!(&share(one).plus(share(two)), &grown);
            prop_assert_eq!(&share(two).plus(share(one)), &grown);
        }
    }
}
