//! What is known of failures besides their counts.

use rusqlite::{Connection, params};

use super::rollup::{kind_number, tier_number};
use crate::model::{DimensionKind, Span, Tier};

/// Notes a span that ended in failure.
pub(super) fn note(connection: &Connection, project: i64, span: &Span) -> rusqlite::Result<()> {
    let (Some(fingerprint), Some(end_time)) = (span.error_fingerprint(), span.end_time) else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO error_groups (project, fingerprint, kind, step, message, first_seen, last_seen,
                                       sample_trace_id, sample_span_id, sample_message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9)
             ON CONFLICT (project, fingerprint) DO UPDATE SET
                first_seen = min(first_seen, ?6),
                sample_trace_id = iif(?6 < last_seen, sample_trace_id, ?7),
                sample_span_id = iif(?6 < last_seen, sample_span_id, ?8),
                sample_message = iif(?6 < last_seen, sample_message, ?9),
                last_seen = max(last_seen, ?6)",
        )?
        .execute(params![
            project,
            fingerprint,
            span.kind.as_str(),
            span.step_name(),
            span.folded_error(),
            end_time.micros(),
            span.trace_id.as_str(),
            span.span_id.as_str(),
            span.error.as_deref().unwrap_or_default(),
        ])?;
    Ok(())
}

/// Forgets failures of a kind of which none is counted any more. Where others are, and the deleted `span` was the
/// sample, only what it said in common with them stays.
pub(super) fn forget(
    connection: &Connection,
    project: i64,
    fingerprint: &str,
    span: &Span,
) -> rusqlite::Result<()> {
    let hour = i64::try_from(Tier::Hour.width().as_micros()).unwrap_or(i64::MAX);
    let gone = connection
        .prepare_cached(
            "DELETE FROM error_groups WHERE project = ?1 AND fingerprint = ?2 AND NOT EXISTS (
                SELECT 1 FROM rollups
                WHERE rollups.project = ?1 AND tier = ?3 AND rollups.kind = ?4 AND name = ?2
                  AND start > first_seen - ?5 AND start <= last_seen)",
        )?
        .execute(params![
            project,
            fingerprint,
            tier_number(Tier::Hour),
            kind_number(DimensionKind::Error),
            hour
        ])?;
    if gone == 0 {
        connection
            .prepare_cached(
                "UPDATE error_groups SET sample_message = message
                 WHERE project = ?1 AND fingerprint = ?2 AND sample_span_id = ?3",
            )?
            .execute(params![project, fingerprint, span.span_id.as_str()])?;
    }
    Ok(())
}
