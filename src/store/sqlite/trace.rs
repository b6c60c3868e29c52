//! Reading spans.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use crate::model::{
    OpenSpan, Span, SpanId, Timestamp, TraceId, TracePage, TraceQuery, TraceRow, TraceSummary,
};
use crate::store::MAX_OPEN_SPANS;

/// The span with this id.
pub(super) fn find(
    connection: &Connection,
    project: i64,
    span_id: &SpanId,
) -> rusqlite::Result<Option<Span>> {
    connection
        .prepare_cached("SELECT body FROM spans WHERE project = ?1 AND span_id = ?2")?
        .query_row(params![project, span_id.as_str()], |row| record(row, 0))
        .optional()
}

/// A page of a trace's spans.
pub(super) fn page(connection: &Connection, project: i64, query: &TraceQuery) -> rusqlite::Result<TracePage> {
    let trace_id = query.trace_id.as_str();
    let about: Option<(Option<String>, i64, i64)> = connection
        .prepare_cached(
            "SELECT agent_name, last_activity,
                    (SELECT count(*) FROM spans WHERE project = ?1 AND trace_id = ?2)
             FROM traces WHERE project = ?1 AND trace_id = ?2",
        )?
        .query_row(params![project, trace_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((agent_name, last_activity, total)) = about else {
        return Ok(TracePage::default());
    };
    let (after_time, after_id) = match &query.after {
        Some(after) => (after.start_time.micros(), after.span_id.as_str()),
        None => (i64::MIN, ""),
    };
    let one_more = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut spans: Vec<Span> = connection
        .prepare_cached(
            "SELECT body FROM spans
             WHERE project = ?1 AND trace_id = ?2 AND (start_time, span_id) > (?3, ?4)
             ORDER BY start_time, span_id LIMIT ?5",
        )?
        .query_map(params![project, trace_id, after_time, after_id, one_more], |row| record(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    let next = if spans.len() > query.limit {
        spans.truncate(query.limit);
        spans.last().map(Span::position)
    } else {
        None
    };
    Ok(TracePage {
        spans,
        total: total.unsigned_abs(),
        next,
        agent_name,
        last_activity: Some(Timestamp::from_micros(last_activity)),
    })
}

/// The spans in progress, newest first.
pub(super) fn open_spans(connection: &Connection, project: i64) -> rusqlite::Result<Vec<OpenSpan>> {
    connection
        .prepare_cached(
            "SELECT coalesce(spans.agent_name, traces.agent_name),
                    coalesce(traces.last_activity, spans.start_time), body
             FROM spans LEFT JOIN traces USING (project, trace_id)
             WHERE spans.project = ?1 AND spans.open = 1
             ORDER BY spans.start_time DESC, spans.span_id DESC LIMIT ?2",
        )?
        .query_map(params![project, i64::try_from(MAX_OPEN_SPANS).unwrap_or(i64::MAX)], |row| {
            let span: Span = record(row, 2)?;
            Ok(OpenSpan {
                is_root: span.is_root(),
                trace_id: span.trace_id,
                span_id: span.span_id,
                name: span.name,
                kind: span.kind,
                agent_name: row.get(0)?,
                start_time: span.start_time,
                last_activity: Timestamp::from_micros(row.get(1)?),
            })
        })?
        .collect()
}

/// What is known of one trace as a whole, once it has a span.
pub(super) fn row(
    connection: &Connection,
    project: i64,
    trace_id: &TraceId,
) -> rusqlite::Result<Option<TraceRow>> {
    connection
        .prepare_cached(
            "SELECT trace_id, last_activity, shown_agent, summary FROM traces
             WHERE project = ?1 AND trace_id = ?2 AND start_time IS NOT NULL",
        )?
        .query_row(params![project, trace_id.as_str()], read_row)
        .optional()
}

/// The trace in a row of its id, its last activity, its agent and its summary.
pub(super) fn read_row(row: &Row<'_>) -> rusqlite::Result<TraceRow> {
    let summary: TraceSummary = optional_record(row, 3)?.unwrap_or_default();
    Ok(TraceRow {
        trace_id: TraceId::stored(row.get::<_, String>(0)?),
        last_activity: Timestamp::from_micros(row.get(1)?),
        summary: TraceSummary { agent_name: row.get(2)?, ..summary },
    })
}

/// The record whose body is in column `index`.
pub(super) fn record<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(index)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}

/// [`record`], where there need be none.
pub(super) fn optional_record<T: DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<T>> {
    row.get_ref(index)?.as_str_or_null()?.map(|_| record(row, index)).transpose()
}
