//! Spans whose parent has not arrived.

use rusqlite::{Connection, params};

use super::ledger::Ledger;
use super::trace::record;
use super::write::body;
use crate::model::{Span, SpanId, Timestamp};
use crate::store::Settled;

/// Spans that one slice looks at.
const SPANS: usize = 500;

/// Whether a span needs a parent that is not here.
pub(super) fn is_awaiting_parent(
    connection: &Connection,
    project: i64,
    span: &Span,
) -> rusqlite::Result<bool> {
    match &span.parent_span_id {
        Some(parent) if !span.is_root() => Ok(!is_here(connection, project, parent)?),
        _ => Ok(false),
    }
}

/// The spans that are not settled, ended before this instant, and still have no parent.
pub(super) fn find(
    connection: &Connection,
    project: i64,
    ended_before: Timestamp,
) -> rusqlite::Result<Vec<Span>> {
    let mut orphans = Vec::new();
    for span in awaiting(connection, project, ended_before, SPANS)? {
        if is_awaiting_parent(connection, project, &span)? {
            orphans.push(span);
        }
    }
    Ok(orphans)
}

/// Settles a slice of what is due.
pub(super) fn settle(connection: &Connection, now: Timestamp) -> rusqlite::Result<Settled> {
    let due = now.minus(Span::PARENT_AWAITED);
    let mut settled = Settled::default();
    let mut room = SPANS;
    let projects: Vec<i64> = connection
        .prepare_cached("SELECT project FROM projects")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for project in projects {
        let spans = awaiting(connection, project, due, room)?;
        room -= spans.len();
        let mut ledger = Ledger::new(connection, project);
        for before in spans {
            let mut span = before.clone();
            span.orphan = is_awaiting_parent(connection, project, &before)?;
            connection
                .prepare_cached(
                    "UPDATE spans SET parent_awaited_since = NULL, body = ?3 WHERE project = ?1 AND span_id = ?2",
                )?
                .execute(params![project, span.span_id.as_str(), body(&span)?])?;
            if span.orphan {
                ledger.span_changed(&before, &span)?;
                settled.requests += 1;
            }
        }
        ledger.flush()?;
        if room == 0 {
            settled.more = true;
            break;
        }
    }
    Ok(settled)
}

fn awaiting(
    connection: &Connection,
    project: i64,
    ended_before: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Span>> {
    connection
        .prepare_cached(
            "SELECT body FROM spans WHERE project = ?1 AND parent_awaited_since < ?2
             ORDER BY parent_awaited_since, span_id LIMIT ?3",
        )?
        .query_map(
            params![project, ended_before.micros(), i64::try_from(limit).unwrap_or(i64::MAX)],
            |row| record(row, 0),
        )?
        .collect()
}

fn is_here(connection: &Connection, project: i64, span_id: &SpanId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM spans WHERE project = ?1 AND span_id = ?2")?
        .exists(params![project, span_id.as_str()])
}
