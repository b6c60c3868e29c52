//! Listing spans of all traces, and traces.

use rusqlite::{Connection, Rows, params};

use super::trace::{read_row, record};
use crate::model::{
    EXACT_TOTAL_LIMIT, Span, SpanPage, SpanPosition, SpanQuery, SpanTime, Total, TraceListQuery,
    TracePosition, TraceRow, TraceRows, TraceSort,
};

/// Traces that one call looks at where no index answers the question.
const SCAN_BUDGET: usize = 20_000;

/// A page of spans, by one of their times.
pub(super) fn spans(connection: &Connection, project: i64, query: &SpanQuery) -> rusqlite::Result<SpanPage> {
    let mut statement = match (query.by, query.newest_first) {
        (SpanTime::Start, false) => connection.prepare_cached(
            "SELECT body FROM spans WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3
                AND (start_time, span_id) > (?4, ?5) ORDER BY start_time, span_id LIMIT ?6",
        )?,
        (SpanTime::Start, true) => connection.prepare_cached(
            "SELECT body FROM spans WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3
                AND (start_time, span_id) < (?4, ?5) ORDER BY start_time DESC, span_id DESC LIMIT ?6",
        )?,
        (SpanTime::End, false) => connection.prepare_cached(
            "SELECT body FROM spans WHERE project = ?1 AND end_time >= ?2 AND end_time < ?3
                AND (end_time, span_id) > (?4, ?5) ORDER BY end_time, span_id LIMIT ?6",
        )?,
        (SpanTime::End, true) => connection.prepare_cached(
            "SELECT body FROM spans WHERE project = ?1 AND end_time >= ?2 AND end_time < ?3
                AND (end_time, span_id) < (?4, ?5) ORDER BY end_time DESC, span_id DESC LIMIT ?6",
        )?,
    };
    let outside = if query.newest_first { i64::MAX } else { i64::MIN };
    let (after_time, after_id) = query
        .after
        .as_ref()
        .map_or((outside, ""), |after| (after.start_time.micros(), after.span_id.as_str()));
    // An index is entered by time alone: where the last page ended, and not at the window's end.
    let (mut since, mut until) = (query.since.micros(), query.until.micros());
    if query.newest_first {
        until = until.min(after_time.saturating_add(1));
    } else {
        since = since.max(after_time);
    }
    let one_more = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut spans: Vec<Span> = statement
        .query_map(params![project, since, until, after_time, after_id, one_more], |row| record(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    let next = if spans.len() > query.limit {
        spans.truncate(query.limit);
        spans.last().map(|span| SpanPosition::by(span, query.by))
    } else {
        None
    };
    Ok(SpanPage { spans, next })
}

/// A page of traces.
pub(super) fn traces(
    connection: &Connection,
    project: i64,
    query: &TraceListQuery,
) -> rusqlite::Result<TraceRows> {
    match query.sort {
        TraceSort::Start => by_start(connection, project, query),
        _ => by_rank(connection, project, query),
    }
}

/// The index has the order: the scan goes on where the last page ended.
fn by_start(connection: &Connection, project: i64, query: &TraceListQuery) -> rusqlite::Result<TraceRows> {
    let total = if is_indexed(query) {
        count(connection, project, query)?
    } else {
        let mut value = 0;
        let end = scan(connection, project, query, None, |_| {
            value += 1;
            value <= EXACT_TOTAL_LIMIT
        })?;
        bounded(value, end == End::Rows)
    };
    let mut traces = Vec::new();
    let end = scan(connection, project, query, query.after.as_ref(), |row| {
        traces.push(row);
        traces.len() <= query.limit
    })?;
    let complete = !matches!(end, End::Budget(_));
    let next = match end {
        End::Rows => None,
        End::Budget(position) => Some(position),
        End::Interest => {
            traces.truncate(query.limit);
            traces.last().map(|row| row.position(TraceSort::Start))
        }
    };
    Ok(TraceRows { traces, total, next, complete })
}

/// No index has the order: the newest traces, as many as the budget allows, are put into it.
fn by_rank(connection: &Connection, project: i64, query: &TraceListQuery) -> rusqlite::Result<TraceRows> {
    let mut ranked: Vec<(TracePosition, TraceRow)> = Vec::new();
    let enough = query.limit.saturating_add(1);
    let arrange = |ranked: &mut Vec<(TracePosition, TraceRow)>| {
        ranked.sort_by(|(one, _), (other, _)| {
            other.rank.total_cmp(&one.rank).then_with(|| other.trace_id.cmp(&one.trace_id))
        });
        ranked.truncate(enough);
    };
    let mut matching = 0;
    let end = scan(connection, project, query, None, |row| {
        matching += 1;
        let position = row.position(query.sort);
        if query.after.as_ref().is_none_or(|after| query.precedes(after, &position)) {
            ranked.push((position, row));
        }
        if ranked.len() >= enough.saturating_mul(2).max(1_000) {
            arrange(&mut ranked);
        }
        true
    })?;
    arrange(&mut ranked);
    let has_more = ranked.len() > query.limit;
    ranked.truncate(query.limit);
    let next = ranked.last().filter(|_| has_more).map(|(position, _)| position.clone());
    let traces = ranked.into_iter().map(|(_, row)| row).collect();
    let complete = end == End::Rows;
    Ok(TraceRows { traces, total: bounded(matching, complete), next, complete })
}

/// A count that is told up to a limit.
fn bounded(value: u64, is_whole: bool) -> Total {
    Total { value: value.min(EXACT_TOTAL_LIMIT), exact: is_whole && value <= EXACT_TOTAL_LIMIT }
}

/// Why a scan ended.
#[derive(PartialEq)]
enum End {
    Rows,
    Interest,
    Budget(TracePosition),
}

/// Shows what matches, newest start first, to `take` until it says that it has enough.
fn scan(
    connection: &Connection,
    project: i64,
    query: &TraceListQuery,
    after: Option<&TracePosition>,
    mut take: impl FnMut(TraceRow) -> bool,
) -> rusqlite::Result<End> {
    let mut statement = if query.session_id.is_some() {
        connection.prepare_cached(
            "SELECT trace_id, last_activity, shown_agent, summary FROM traces INDEXED BY traces_by_session
             WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3 AND (start_time, trace_id) < (?4, ?5)
               AND (?6 IS NULL OR shown_agent = ?6) AND session_id = ?7
             ORDER BY start_time DESC, trace_id DESC",
        )?
    } else if query.agent_name.is_some() {
        connection.prepare_cached(
            "SELECT trace_id, last_activity, shown_agent, summary FROM traces INDEXED BY traces_by_agent
             WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3 AND (start_time, trace_id) < (?4, ?5)
               AND shown_agent = ?6 AND ?7 IS NULL
             ORDER BY start_time DESC, trace_id DESC",
        )?
    } else {
        connection.prepare_cached(
            "SELECT trace_id, last_activity, shown_agent, summary FROM traces
             WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3 AND (start_time, trace_id) < (?4, ?5)
               AND ?6 IS NULL AND ?7 IS NULL
             ORDER BY start_time DESC, trace_id DESC",
        )?
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a start in microseconds, which a float holds exactly"
    )]
    let (after_time, after_id) =
        after.map_or((i64::MAX, ""), |after| (after.rank as i64, after.trace_id.as_str()));
    let rows = statement.query(params![
        project,
        query.since.micros(),
        // An index is entered by time alone: where the last page ended, and not at the window's end.
        query.until.micros().min(after_time.saturating_add(1)),
        after_time,
        after_id,
        query.agent_name,
        query.session_id
    ])?;
    show(rows, query, &mut take)
}

fn show(
    mut rows: Rows<'_>,
    query: &TraceListQuery,
    take: &mut impl FnMut(TraceRow) -> bool,
) -> rusqlite::Result<End> {
    let mut seen = 0;
    let mut last = None;
    while let Some(row) = rows.next()? {
        if seen == SCAN_BUDGET {
            return Ok(last.map_or(End::Rows, End::Budget));
        }
        seen += 1;
        let row = read_row(row)?;
        if seen == SCAN_BUDGET {
            last = Some(row.position(TraceSort::Start));
        }
        if query.matches(&row) && !take(row) {
            return Ok(End::Interest);
        }
    }
    Ok(End::Rows)
}

/// Whether columns say all that the query says.
fn is_indexed(query: &TraceListQuery) -> bool {
    query.status.is_none() && query.min_duration_ms.is_none() && query.words.is_empty()
}

fn count(connection: &Connection, project: i64, query: &TraceListQuery) -> rusqlite::Result<Total> {
    let mut statement = if query.session_id.is_some() {
        connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM traces
             WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3
               AND (?4 IS NULL OR shown_agent = ?4) AND session_id = ?5 LIMIT ?6)",
        )?
    } else if query.agent_name.is_some() {
        connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM traces
             WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3
               AND shown_agent = ?4 AND ?5 IS NULL LIMIT ?6)",
        )?
    } else {
        connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM traces
             WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3
               AND ?4 IS NULL AND ?5 IS NULL LIMIT ?6)",
        )?
    };
    let most = i64::try_from(EXACT_TOTAL_LIMIT + 1).unwrap_or(i64::MAX);
    let value: i64 = statement.query_row(
        params![
            project,
            query.since.micros(),
            query.until.micros(),
            query.agent_name,
            query.session_id,
            most
        ],
        |row| row.get(0),
    )?;
    Ok(bounded(value.unsigned_abs(), true))
}
