//! Retention: deleting what is older than it is kept, a little at a time.

use rusqlite::{Connection, params};

use super::ledger::{Held, kind_number, tier_number};
use super::size::used_bytes;
use crate::model::{DimensionKind, Idempotency, Tier, Timestamp};
use crate::store::{Expired, Retention};

/// Rows that one slice deletes, and those among them of one table: far below the 50 ms for which a slice may hold the
/// writer.
const SLICE: i64 = 3_000;
const ROWS: i64 = 500;

/// One table's rule: which rows, of one project, are too old. The statement returns of each row whether it counts among
/// the records that are held.
struct Rule {
    delete: &'static str,
    before: Timestamp,
    held: fn(i64) -> Held,
}

impl Rule {
    /// The rule of what is not counted.
    fn uncounted(delete: &'static str, before: Timestamp) -> Self {
        Self { delete, before, held: |_| Held::default() }
    }

    /// Deletes at most `most` of one project's rows; answers how many there were.
    fn apply(&self, connection: &Connection, project: i64, most: i64) -> rusqlite::Result<i64> {
        let mut statement = connection.prepare_cached(self.delete)?;
        let mut rows = statement.query(params![project, self.before.micros(), most])?;
        let (mut deleted, mut counted) = (0, 0);
        while let Some(row) = rows.next()? {
            deleted += 1;
            counted += i64::from(row.get::<_, bool>(0)?);
        }
        (self.held)(-counted).write(connection, project)?;
        Ok(deleted)
    }
}

/// Deletes a slice of each table, in every project.
pub(super) fn slice(
    connection: &Connection,
    retention: &Retention,
    now: Timestamp,
) -> rusqlite::Result<Expired> {
    let full = used_bytes(connection)? > retention.max_bytes;
    let oldest = if full { oldest_part(connection, now)? } else { Timestamp::from_micros(i64::MIN) };
    let rules = rules(retention, now, oldest);
    let mut slice = Slice { deleted: 0, more: false };
    let projects: Vec<i64> = connection
        .prepare_cached("SELECT project FROM projects")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for project in projects {
        for rule in &rules {
            slice.take(|most| rule.apply(connection, project, most))?;
        }
        for (tier, kept) in [(Tier::Minute, retention.traces), (Tier::Hour, retention.rollups)] {
            let before = tier.start_of(now.minus(kept)).micros();
            for kind in DimensionKind::ALL {
                let (tier, kind) = (tier_number(tier), kind_number(kind));
                for statement in [ROLLUPS, LATENCIES] {
                    slice.take(|most| {
                        let deleted = connection
                            .prepare_cached(statement)?
                            .execute(params![project, tier, kind, before, most])?;
                        Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
                    })?;
                }
            }
        }
        recount_series(connection, project)?;
    }
    let deleted = slice.deleted.unsigned_abs();
    Ok(Expired { deleted, more: slice.more || full && deleted > 0 })
}

/// How much a slice has deleted, and whether it has left something.
struct Slice {
    deleted: i64,
    more: bool,
}

impl Slice {
    /// Deletes from one table what there is room for.
    fn take(&mut self, delete: impl FnOnce(i64) -> rusqlite::Result<i64>) -> rusqlite::Result<()> {
        let most = (SLICE - self.deleted).clamp(0, ROWS);
        let deleted = delete(most)?;
        self.deleted += deleted;
        // Where there is no room at all nobody has looked.
        self.more |= deleted >= most;
        Ok(())
    }
}

/// The rows of roll-ups that began before a time, and with the last of them all that began when it did.
const ROLLUPS: &str = "DELETE FROM rollups WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start <=
    (SELECT max(start) FROM (SELECT start FROM rollups
     WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start < ?4 ORDER BY start LIMIT ?5))";
const LATENCIES: &str =
    "DELETE FROM rollup_latency WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start <=
    (SELECT max(start) FROM (SELECT start FROM rollup_latency
     WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start < ?4 ORDER BY start LIMIT ?5))";

/// The rules of the other tables. Of logs and spans also what is before `oldest` goes.
fn rules(retention: &Retention, now: Timestamp, oldest: Timestamp) -> [Rule; 9] {
    let logs_before = now.minus(retention.logs).max(oldest);
    let traces_before = now.minus(retention.traces).max(oldest);
    let series_before = now.minus(retention.series);
    [
        Rule {
            delete: "DELETE FROM logs WHERE sequence IN (SELECT sequence FROM logs
                     WHERE project = ?1 AND timestamp < ?2 ORDER BY timestamp LIMIT ?3) RETURNING 1",
            before: logs_before,
            held: |logs| Held { logs, ..Held::default() },
        },
        Rule {
            delete: "DELETE FROM spans WHERE sequence IN (SELECT sequence FROM spans
                     WHERE project = ?1 AND start_time < ?2 ORDER BY start_time LIMIT ?3) RETURNING 1",
            before: traces_before,
            held: |spans| Held { spans, ..Held::default() },
        },
        Rule {
            delete: "DELETE FROM traces WHERE project = ?1 AND trace_id IN (SELECT trace_id FROM traces
                     WHERE project = ?1 AND last_activity < ?2 ORDER BY last_activity LIMIT ?3)
                     RETURNING start_time IS NOT NULL",
            before: traces_before.min(logs_before),
            held: |traces| Held { traces, ..Held::default() },
        },
        Rule::uncounted(
            "DELETE FROM aliases WHERE project = ?1 AND alias IN (SELECT alias FROM aliases
             WHERE project = ?1 AND created < ?2 ORDER BY created LIMIT ?3) RETURNING 0",
            now.minus(retention.traces),
        ),
        Rule::uncounted(
            "DELETE FROM idempotency WHERE project = ?1 AND key IN (SELECT key FROM idempotency
             WHERE project = ?1 AND created < ?2 ORDER BY created LIMIT ?3) RETURNING 0",
            now.minus(Idempotency::KEPT),
        ),
        Rule::uncounted(
            "DELETE FROM counted_points WHERE project = ?1 AND timestamp <=
                (SELECT max(timestamp) FROM (SELECT timestamp FROM counted_points
                 WHERE project = ?1 AND timestamp < ?2 ORDER BY timestamp LIMIT ?3)) RETURNING 0",
            series_before,
        ),
        Rule::uncounted(
            "DELETE FROM series_minutes WHERE (sequence, minute) IN
                (SELECT sequence, minute FROM series_minutes
                 WHERE project = ?1 AND minute < ?2 ORDER BY minute LIMIT ?3) RETURNING 0",
            series_before.minute(),
        ),
        // A series that has minutes would leave them to the next one of its number.
        Rule::uncounted(
            "DELETE FROM series WHERE sequence IN (SELECT sequence FROM series
             WHERE project = ?1 AND updated < ?2 AND NOT EXISTS
                (SELECT 1 FROM series_minutes WHERE series_minutes.sequence = series.sequence) LIMIT ?3)
             RETURNING 0",
            series_before,
        ),
        Rule::uncounted(
            "DELETE FROM error_groups WHERE project = ?1 AND fingerprint IN
                (SELECT fingerprint FROM error_groups
                 WHERE project = ?1 AND last_seen < ?2 ORDER BY last_seen LIMIT ?3) RETURNING 0",
            now.minus(retention.rollups),
        ),
    ]
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
