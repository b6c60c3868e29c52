//! What a transaction changes in one project's sums, gathered so that each row is written once.
//!
//! Sums, traces and series are touched by almost every record, and many records of one group touch the same. They
//! are read when first needed, changed here, and written before the commit. Only what is done is noted: a
//! record that a rule refuses leaves nothing behind.

mod error_group;
mod held;
mod rollup;
mod series;
mod trace;

use rusqlite::{Connection, params};

use self::series::Metrics;
use self::trace::Traces;
use crate::model::{
    Contribution, MetricKind, Point, Problem, Span, SpanStatus, Sums, Timestamp, TraceId, changes,
};

pub(super) use self::held::Held;
pub(super) use self::rollup::{dimension, kind_number, tier_number, write_tier};
pub(super) use self::series::kind_of;
pub(super) use self::trace::Trace;

/// The changes of one transaction in one project.
pub(super) struct Ledger<'a> {
    pub(super) connection: &'a Connection,
    pub(super) project: i64,
    sums: Sums,
    traces: Traces,
    metrics: Metrics,
    held: Held,
    /// Failures that were deleted, each with the fingerprint by which its kind is known.
    deleted_failures: Vec<(String, Span)>,
}

impl<'a> Ledger<'a> {
    /// One in which nothing has changed.
    pub(super) fn new(connection: &'a Connection, project: i64) -> Self {
        Self {
            connection,
            project,
            sums: Sums::new(),
            traces: Traces::default(),
            metrics: Metrics::default(),
            held: Held::default(),
            deleted_failures: Vec::new(),
        }
    }

    /// The trace as it stands, with what this transaction has changed.
    pub(super) fn trace(&mut self, trace_id: &TraceId) -> rusqlite::Result<&mut Trace> {
        self.traces.find(self.connection, self.project, trace_id)
    }

    /// Notes that something happened in a trace.
    pub(super) fn touch(
        &mut self,
        trace_id: &TraceId,
        agent_name: Option<&str>,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        self.trace(trace_id)?.touch(agent_name, at);
        Ok(())
    }

    /// Notes a span that has come.
    pub(super) fn span_added(&mut self, span: &Span) -> rusqlite::Result<()> {
        self.held.spans += 1;
        self.trace(&span.trace_id)?.span_count += 1;
        self.span_found(span)
    }

    /// Notes a span that is here and was never added up.
    pub(super) fn span_found(&mut self, span: &Span) -> rusqlite::Result<()> {
        self.change(None, span)
    }

    /// Notes a span that has changed.
    pub(super) fn span_changed(&mut self, before: &Span, after: &Span) -> rusqlite::Result<()> {
        self.change(Some(before), after)
    }

    /// Notes what a span gives the numbers, its trace and the failures.
    fn change(&mut self, before: Option<&Span>, after: &Span) -> rusqlite::Result<()> {
        self.add(&before.map(Span::contributions).unwrap_or_default(), &after.contributions());
        self.trace(&after.trace_id)?.change(before, after);
        let had_failed = before.is_some_and(|before| before.status == SpanStatus::Error);
        if !had_failed {
            error_group::note(self.connection, self.project, after)?;
        }
        Ok(())
    }

    /// Notes that a span is gone, and all that it added.
    pub(super) fn span_deleted(&mut self, span: Span) -> rusqlite::Result<()> {
        self.add(&span.contributions(), &[]);
        self.trace(&span.trace_id)?.take_away(&span);
        self.held.spans -= 1;
        if let Some(fingerprint) = span.error_fingerprint() {
            self.deleted_failures.push((fingerprint, span));
        }
        Ok(())
    }

    /// Deletes what is known of a trace as a whole.
    pub(super) fn delete_trace(&mut self, trace_id: &TraceId) -> rusqlite::Result<()> {
        if self.traces.forget(self.connection, self.project, trace_id)? {
            self.held.traces -= 1;
        }
        self.connection
            .prepare_cached("DELETE FROM traces WHERE project = ?1 AND trace_id = ?2")?
            .execute(params![self.project, trace_id.as_str()])?;
        Ok(())
    }

    /// Notes that there are so many logs more.
    pub(super) const fn logs_changed(&mut self, difference: i64) {
        self.held.logs += difference;
    }

    /// Adds to the numbers what a record gives `after`, less what it gave `before`.
    pub(super) fn add(&mut self, before: &[Contribution], after: &[Contribution]) {
        for (place, tally) in changes(before, after) {
            *self.sums.entry(place).or_default() += &tally;
        }
    }

    /// Adds a point to its series; answers how the metric adds up, and whether the point went into its overflow series.
    pub(super) fn record(&mut self, point: &Point) -> rusqlite::Result<Result<(MetricKind, bool), Problem>> {
        self.metrics.record(self.connection, self.project, point)
    }

    /// Writes the series that have changed, for one who writes to them past this.
    pub(super) fn settle_series(&mut self) -> rusqlite::Result<()> {
        std::mem::take(&mut self.metrics).write(self.connection, self.project)
    }

    /// Writes what has changed.
    pub(super) fn flush(mut self) -> rusqlite::Result<()> {
        rollup::write(self.connection, self.project, &self.sums)?;
        self.held.traces += self.traces.write(self.connection, self.project)?;
        self.metrics.write(self.connection, self.project)?;
        self.held.write(self.connection, self.project)?;
        for (fingerprint, span) in &self.deleted_failures {
            error_group::forget(self.connection, self.project, fingerprint, span)?;
        }
        Ok(())
    }
}
