//! Retention: deleting what is older than it is kept, a little at a time.

use rusqlite::{Connection, params};

use super::size::used_bytes;
use crate::model::{Idempotency, Timestamp};
use crate::store::{Expired, Retention};

/// Rows of one table that one slice deletes: far below the 50 ms for which a slice may hold the writer.
const ROWS: i64 = 500;

/// One table's rule: which rows, of one project, are too old.
struct Rule {
    delete: &'static str,
    before: Timestamp,
}

/// Deletes a slice of each table, in every project.
pub(super) fn slice(
    connection: &Connection,
    retention: &Retention,
    now: Timestamp,
) -> rusqlite::Result<Expired> {
    let mut logs_before = now.minus(retention.logs);
    let mut traces_before = now.minus(retention.traces);
    let full = used_bytes(connection)? > retention.max_bytes;
    if full {
        let oldest = oldest_part(connection, now)?;
        (logs_before, traces_before) = (logs_before.max(oldest), traces_before.max(oldest));
    }
    let rules = [
        Rule {
            delete: "DELETE FROM logs WHERE sequence IN (SELECT sequence FROM logs
                     WHERE project = ?1 AND timestamp < ?2 ORDER BY timestamp LIMIT ?3)",
            before: logs_before,
        },
        Rule {
            delete: "DELETE FROM spans WHERE sequence IN (SELECT sequence FROM spans
                     WHERE project = ?1 AND start_time < ?2 ORDER BY start_time LIMIT ?3)",
            before: traces_before,
        },
        Rule {
            delete: "DELETE FROM traces WHERE project = ?1 AND trace_id IN (SELECT trace_id FROM traces
                     WHERE project = ?1 AND last_activity < ?2 ORDER BY last_activity LIMIT ?3)",
            before: now.minus(retention.traces.max(retention.logs)),
        },
        Rule {
            delete: "DELETE FROM aliases WHERE project = ?1 AND alias IN (SELECT alias FROM aliases
                     WHERE project = ?1 AND created < ?2 ORDER BY created LIMIT ?3)",
            before: now.minus(retention.traces),
        },
        Rule {
            delete: "DELETE FROM idempotency WHERE project = ?1 AND key IN (SELECT key FROM idempotency
                     WHERE project = ?1 AND created < ?2 ORDER BY created LIMIT ?3)",
            before: now.minus(Idempotency::KEPT),
        },
        Rule {
            delete: "DELETE FROM series WHERE sequence IN (SELECT sequence FROM series
                     WHERE project = ?1 AND updated < ?2 LIMIT ?3)",
            before: now.minus(retention.series),
        },
    ];
    let mut expired = Expired::default();
    let projects: Vec<i64> = connection
        .prepare_cached("SELECT project FROM projects")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for project in projects {
        for rule in &rules {
            let deleted = connection.prepare_cached(rule.delete)?.execute(params![
                project,
                rule.before.micros(),
                ROWS
            ])?;
            expired.deleted += deleted as u64;
            expired.more |= deleted as u64 == ROWS.unsigned_abs();
        }
        recount_series(connection, project)?;
    }
    expired.more |= full && expired.deleted > 0;
    Ok(expired)
}

/// Makes room for new series where old ones have gone, and forgets the kind of metrics without any.
fn recount_series(connection: &Connection, project: i64) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE metrics SET series_count = (SELECT count(*) FROM series
         WHERE series.project = metrics.project AND series.name = metrics.name) WHERE project = ?1",
        [project],
    )?;
    connection.execute("DELETE FROM metrics WHERE project = ?1 AND series_count = 0", [project])?;
    Ok(())
}

/// Until when the oldest hundredth of the time lies that logs and spans of all projects reach back: what goes first
/// where there is no room, whatever its age and whosever it is.
fn oldest_part(connection: &Connection, now: Timestamp) -> rusqlite::Result<Timestamp> {
    let first: Option<i64> = connection.query_row(
        "SELECT min(first) FROM (
             SELECT (SELECT min(timestamp) FROM logs WHERE logs.project = projects.project) AS first FROM projects
             UNION ALL
             SELECT (SELECT min(start_time) FROM spans WHERE spans.project = projects.project) FROM projects)",
        [],
        |row| row.get(0),
    )?;
    let first = first.unwrap_or(now.micros());
    let part = ((now.micros() - first) / 100).max(1_000_000);
    Ok(Timestamp::from_micros(first.saturating_add(part)))
}
