//! Writing spans.

use rusqlite::{Connection, params};

use super::super::ledger::Ledger;
use super::super::orphans::is_awaiting_parent;
use super::super::trace::find;
use super::{Answer, body};
use crate::model::{
    MAX_SPANS_PER_TRACE, Pricing, Problem, Span, SpanEnd, SpanStatus, Timestamp, TraceId, Written,
};

pub(super) fn start(ledger: &mut Ledger<'_>, start: &Span) -> Answer {
    if let Some(stored) = find(ledger.connection, ledger.project, &start.span_id)? {
        return Ok(if stored.fingerprint == start.fingerprint {
            Ok(Written::SpanStarted(Box::new(stored)))
        } else {
            Err(Span::conflict())
        });
    }
    if let Err(problem) = check_room(ledger, &start.trace_id)? {
        return Ok(Err(problem));
    }
    let parent = match &start.parent_span_id {
        Some(parent) => find(ledger.connection, ledger.project, parent)?,
        None => None,
    };
    let mut span = start.clone();
    span.parent_remote &= parent.is_none();
    if span.agent_name.is_none() {
        let of_parent = parent.and_then(|parent| parent.agent_name);
        span.agent_name = match of_parent {
            None => ledger.trace(&span.trace_id)?.agent_name.clone(),
            known => known,
        };
    }
    insert(ledger, &span)?;
    Ok(Ok(Written::SpanStarted(Box::new(span))))
}

pub(super) fn end(ledger: &mut Ledger<'_>, end: &SpanEnd, pricing: &dyn Pricing) -> Answer {
    let Some(before) = find(ledger.connection, ledger.project, &end.span_id)? else {
        return Ok(Err(Span::not_found()));
    };
    let mut span = before.clone();
    match span.end(end.clone(), pricing) {
        Ok(true) => {}
        Ok(false) => return Ok(Ok(Written::SpanEnded { span: Box::new(span), already_ended: true })),
        Err(problem) => return Ok(Err(problem)),
    }
    if span.agent_name.is_none() {
        span.agent_name.clone_from(&ledger.trace(&span.trace_id)?.agent_name);
    }
    ledger
        .connection
        .prepare_cached(
            "UPDATE spans SET open = 0, end_time = ?3, parent_awaited_since = ?4, agent_name = ?5, body = ?6
             WHERE project = ?1 AND span_id = ?2",
        )?
        .execute(params![
            ledger.project,
            span.span_id.as_str(),
            end_time(&span),
            awaited_since(ledger.connection, ledger.project, &span)?,
            span.agent_name,
            body(&span)?
        ])?;
    ledger.touch(&span.trace_id, span.agent_name.as_deref(), end.end_time)?;
    ledger.span_changed(&before, &span)?;
    for point in span.derived_points() {
        // The kinds are ours and given, so only a caller who took one of our names for another kind
        // could be in the way; the span's end is not refused for that.
        if let Err(problem) = ledger.record(&point)? {
            tracing::warn!(metric = point.name, %problem, "a span could not be counted");
        }
    }
    Ok(Ok(Written::SpanEnded { span: Box::new(span), already_ended: false }))
}

/// Writes a span that is not here yet, with all by which it is found.
pub(super) fn insert(ledger: &mut Ledger<'_>, span: &Span) -> rusqlite::Result<()> {
    let (connection, project) = (ledger.connection, ledger.project);
    connection
        .prepare_cached(
            "INSERT INTO spans (project, span_id, trace_id, start_time, open, end_time, parent_awaited_since,
                                agent_name, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            project,
            span.span_id.as_str(),
            span.trace_id.as_str(),
            span.start_time.micros(),
            span.status == SpanStatus::InProgress,
            end_time(span),
            awaited_since(connection, project, span)?,
            span.agent_name,
            body(span)?,
        ])?;
    for (alias, id) in span.w3c_aliases() {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO aliases (project, alias, id, created) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![project, alias, id, span.start_time.micros()])?;
    }
    let last = span.end_time.unwrap_or(span.start_time);
    ledger.touch(&span.trace_id, span.agent_name.as_deref(), last)?;
    ledger.span_added(span)
}

/// Whether the trace has room for another span. The count of spans never falls when retention deletes; what is left is
/// counted only where it matters.
pub(super) fn check_room(
    ledger: &mut Ledger<'_>,
    trace_id: &TraceId,
) -> rusqlite::Result<Result<(), Problem>> {
    let (connection, project) = (ledger.connection, ledger.project);
    let trace = ledger.trace(trace_id)?;
    if trace.span_count < MAX_SPANS_PER_TRACE {
        return Ok(Ok(()));
    }
    let held: i64 = connection
        .prepare_cached("SELECT count(*) FROM spans WHERE project = ?1 AND trace_id = ?2")?
        .query_row(params![project, trace_id.as_str()], |row| row.get(0))?;
    trace.recount(held.unsigned_abs());
    Ok(if trace.span_count < MAX_SPANS_PER_TRACE { Ok(()) } else { Err(Span::no_room(trace.span_count)) })
}

/// When a span ended by which it can be found.
fn end_time(span: &Span) -> Option<i64> {
    span.end_time.filter(|_| span.status != SpanStatus::InProgress).map(Timestamp::micros)
}

/// Since when its parent is awaited: its end, if it needs one that is not here.
fn awaited_since(connection: &Connection, project: i64, span: &Span) -> rusqlite::Result<Option<i64>> {
    let end_time = end_time(span);
    Ok(if end_time.is_some() && is_awaiting_parent(connection, project, span)? { end_time } else { None })
}
