//! Writing spans.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::trace::find;
use super::{Answer, body, point, touch_trace};
use crate::model::{MAX_SPANS_PER_TRACE, Pricing, Span, SpanEnd, Written};

pub(super) fn start(connection: &Connection, project: i64, start: &Span) -> Answer {
    if let Some(stored) = find(connection, project, &start.span_id)? {
        return Ok(if stored.fingerprint == start.fingerprint {
            Ok(Written::SpanStarted(Box::new(stored)))
        } else {
            Err(Span::conflict())
        });
    }
    let trace = trace_so_far(connection, project, start)?;
    // The count never falls when retention deletes; what is left is counted only where it matters.
    if trace.span_count >= MAX_SPANS_PER_TRACE && recount(connection, project, start)? >= MAX_SPANS_PER_TRACE
    {
        return Ok(Err(Span::no_room(trace.span_count)));
    }
    let parent = match &start.parent_span_id {
        Some(parent) => find(connection, project, parent)?,
        None => None,
    };
    let mut span = start.clone();
    span.parent_remote &= parent.is_none();
    span.agent_name =
        span.agent_name.or_else(|| parent.and_then(|parent| parent.agent_name)).or(trace.agent_name);

    connection
        .prepare_cached(
            "INSERT INTO spans (project, span_id, trace_id, start_time, open_root, agent_name, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            project,
            span.span_id.as_str(),
            span.trace_id.as_str(),
            span.start_time.micros(),
            span.is_open_root(),
            span.agent_name,
            body(&span)?,
        ])?;
    touch_trace(connection, project, &span.trace_id, span.agent_name.as_deref(), span.start_time)?;
    connection
        .prepare_cached("UPDATE traces SET span_count = span_count + 1 WHERE project = ?1 AND trace_id = ?2")?
        .execute(params![project, span.trace_id.as_str()])?;
    for (alias, id) in span.w3c_aliases() {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO aliases (project, alias, id, created) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![project, alias, id, span.start_time.micros()])?;
    }
    Ok(Ok(Written::SpanStarted(Box::new(span))))
}

pub(super) fn end(connection: &Connection, project: i64, end: &SpanEnd, pricing: &dyn Pricing) -> Answer {
    let Some(mut span) = find(connection, project, &end.span_id)? else {
        return Ok(Err(Span::not_found()));
    };
    match span.end(end.clone(), pricing) {
        Ok(true) => {}
        Ok(false) => return Ok(Ok(Written::SpanEnded { span: Box::new(span), already_ended: true })),
        Err(problem) => return Ok(Err(problem)),
    }
    if span.agent_name.is_none() {
        span.agent_name = trace_so_far(connection, project, &span)?.agent_name;
    }
    connection
        .prepare_cached(
            "UPDATE spans SET open_root = 0, agent_name = ?3, body = ?4 WHERE project = ?1 AND span_id = ?2",
        )?
        .execute(params![project, span.span_id.as_str(), span.agent_name, body(&span)?])?;
    touch_trace(connection, project, &span.trace_id, span.agent_name.as_deref(), end.end_time)?;
    for point in span.derived_points() {
        // The kinds are ours and given, so only a caller who took one of our names for another kind
        // could be in the way; the span's end is not refused for that.
        if let Err(problem) = point::write(connection, project, &point)? {
            tracing::warn!(metric = point.name, %problem, "a span could not be counted");
        }
    }
    Ok(Ok(Written::SpanEnded { span: Box::new(span), already_ended: false }))
}

fn recount(connection: &Connection, project: i64, span: &Span) -> rusqlite::Result<u64> {
    let trace_id = span.trace_id.as_str();
    let held: i64 = connection
        .prepare_cached("SELECT count(*) FROM spans WHERE project = ?1 AND trace_id = ?2")?
        .query_row(params![project, trace_id], |row| row.get(0))?;
    connection
        .prepare_cached("UPDATE traces SET span_count = ?3 WHERE project = ?1 AND trace_id = ?2")?
        .execute(params![project, trace_id, held])?;
    Ok(held.unsigned_abs())
}

struct TraceSoFar {
    agent_name: Option<String>,
    span_count: u64,
}

fn trace_so_far(connection: &Connection, project: i64, span: &Span) -> rusqlite::Result<TraceSoFar> {
    let found = connection
        .prepare_cached("SELECT agent_name, span_count FROM traces WHERE project = ?1 AND trace_id = ?2")?
        .query_row(params![project, span.trace_id.as_str()], |row| {
            Ok(TraceSoFar { agent_name: row.get(0)?, span_count: row.get::<_, i64>(1)?.unsigned_abs() })
        })
        .optional()?;
    Ok(found.unwrap_or(TraceSoFar { agent_name: None, span_count: 0 }))
}
