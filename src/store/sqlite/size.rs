//! How much the store holds.

use rusqlite::{Connection, OptionalExtension};

use crate::model::{StoreSize, Timestamp, Total};

/// How much there is of a project, from what is kept of it: nothing is counted.
pub(super) fn of(connection: &Connection, project: i64) -> rusqlite::Result<StoreSize> {
    let (logs, spans, traces) = connection
        .prepare_cached("SELECT logs, spans, traces FROM held WHERE project = ?1")?
        .query_row([project], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?
        .unwrap_or_default();
    let exact = |value: i64| Total { value: value.unsigned_abs(), exact: true };
    let last = |time: Option<i64>| time.map(Timestamp::from_micros);
    Ok(StoreSize {
        logs: exact(logs),
        spans: exact(spans),
        traces: exact(traces),
        series: exact(
            connection
                .prepare_cached("SELECT coalesce(sum(series_count), 0) FROM metrics WHERE project = ?1")?
                .query_row([project], |row| row.get(0))?,
        ),
        bytes: Some(used_bytes(connection)?),
        last_log: last(
            connection
                .prepare_cached("SELECT max(timestamp) FROM logs WHERE project = ?1")?
                .query_row([project], |row| row.get(0))?,
        ),
        last_span: last(
            connection
                .prepare_cached("SELECT max(start_time) FROM spans WHERE project = ?1")?
                .query_row([project], |row| row.get(0))?,
        ),
    })
}

/// Bytes of pages that hold something.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(pages.unsigned_abs() * pragma("page_size")?.unsigned_abs())
}
