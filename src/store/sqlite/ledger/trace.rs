//! What is known of traces as wholes.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::trace::optional_record;
use super::super::write::body;
use crate::model::{Span, Timestamp, TraceId, TraceSummary};

/// How far apart two activities are that both are worth a write: staleness is a matter of an hour.
const ACTIVITY: i64 = 1_000_000;

/// The traces that a transaction has touched.
#[derive(Default)]
pub(super) struct Traces(BTreeMap<TraceId, Trace>);

/// A trace as it stands.
#[derive(Default)]
pub(in super::super) struct Trace {
    /// The first agent that anything of the trace names.
    pub(in super::super) agent_name: Option<String>,
    /// Spans that were started. What retention deletes is not taken away.
    pub(in super::super) span_count: u64,
    last_activity: Option<Timestamp>,
    summary: TraceSummary,
    /// Whether its row has a start, as a trace with a span has.
    is_listed: bool,
    is_changed: bool,
}

impl Trace {
    /// Notes that something happened, and whose it is if that is not known yet.
    pub(in super::super) fn touch(&mut self, agent_name: Option<&str>, at: Timestamp) {
        if self.agent_name.is_none() && agent_name.is_some() {
            self.agent_name = agent_name.map(str::to_owned);
            self.is_changed = true;
        }
        let passed = self.last_activity.map(|last| at.micros().saturating_sub(last.micros()));
        self.is_changed |= passed.is_none_or(|passed| passed > ACTIVITY);
        self.last_activity = self.last_activity.max(Some(at));
    }

    /// Corrects the count of spans.
    pub(in super::super) const fn recount(&mut self, held: u64) {
        self.span_count = held;
        self.is_changed = true;
    }

    /// Notes a span that has come or changed.
    pub(super) fn change(&mut self, before: Option<&Span>, after: &Span) {
        self.summary = std::mem::take(&mut self.summary).changed(before, after);
        self.is_changed = true;
    }

    /// Notes that a span is gone. What can't be taken away stays until the trace itself is deleted.
    pub(super) fn take_away(&mut self, span: &Span) {
        self.summary.counts = self.summary.counts.minus(TraceSummary::of(span).counts);
        self.span_count = self.span_count.saturating_sub(1);
        self.is_changed = true;
    }
}

impl Traces {
    /// The trace, from its row when it is asked for first.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        project: i64,
        trace_id: &TraceId,
    ) -> rusqlite::Result<&mut Trace> {
        if !self.0.contains_key(trace_id) {
            let trace = read(connection, project, trace_id)?;
            self.0.insert(trace_id.clone(), trace);
        }
        Ok(self.0.entry(trace_id.clone()).or_default())
    }

    /// Leaves out what was noted of a trace; `true` if its row was that of a trace with a span.
    pub(super) fn forget(
        &mut self,
        connection: &Connection,
        project: i64,
        trace_id: &TraceId,
    ) -> rusqlite::Result<bool> {
        let is_listed = self.find(connection, project, trace_id)?.is_listed;
        self.0.remove(trace_id);
        Ok(is_listed)
    }

    /// Writes what has changed; answers how many traces have got their first span.
    pub(super) fn write(&self, connection: &Connection, project: i64) -> rusqlite::Result<i64> {
        let mut first_spans = 0;
        for (trace_id, trace) in self.0.iter().filter(|(_, trace)| trace.is_changed) {
            let start_time = trace.summary.start_time;
            first_spans += i64::from(start_time.is_some() && !trace.is_listed);
            let summary = start_time.map(|_| body(&trace.summary)).transpose()?;
            connection
                .prepare_cached(
                    "INSERT INTO traces (project, trace_id, agent_name, last_activity, span_count, start_time,
                                         session_id, shown_agent, summary)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                     ON CONFLICT (project, trace_id) DO UPDATE SET
                        agent_name = ?3, last_activity = ?4, span_count = ?5, start_time = ?6, session_id = ?7,
                        shown_agent = ?8, summary = ?9",
                )?
                .execute(params![
                    project,
                    trace_id.as_str(),
                    trace.agent_name,
                    trace.last_activity.map_or(0, Timestamp::micros),
                    i64::try_from(trace.span_count).unwrap_or(i64::MAX),
                    start_time.map(Timestamp::micros),
                    trace.summary.session_id,
                    trace.summary.agent_name.as_ref().or(trace.agent_name.as_ref()),
                    summary,
                ])?;
        }
        Ok(first_spans)
    }
}

fn read(connection: &Connection, project: i64, trace_id: &TraceId) -> rusqlite::Result<Trace> {
    let found = connection
        .prepare_cached(
            "SELECT agent_name, span_count, last_activity, summary FROM traces
             WHERE project = ?1 AND trace_id = ?2",
        )?
        .query_row(params![project, trace_id.as_str()], |row| {
            let summary: Option<TraceSummary> = optional_record(row, 3)?;
            Ok(Trace {
                agent_name: row.get(0)?,
                span_count: row.get::<_, i64>(1)?.unsigned_abs(),
                last_activity: Some(Timestamp::from_micros(row.get(2)?)),
                is_listed: summary.is_some(),
                summary: summary.unwrap_or_default(),
                is_changed: false,
            })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}
