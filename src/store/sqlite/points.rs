//! The points that are counted.

use rusqlite::{Connection, params};

use super::trace::record;
use super::write::body;
use crate::model::{MetricKind, Point, Timestamp, TraceId};

/// Keeps a point; `false` if it is there already.
pub(super) fn keep(connection: &Connection, project: i64, point: &Point) -> rusqlite::Result<bool> {
    let kept = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO counted_points (project, timestamp, id, name, labels, kind, value, trace_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            project,
            point.timestamp.micros(),
            point.id,
            point.name,
            body(&point.labels)?,
            point.kind.as_str(),
            point.value,
            point.trace_id.as_ref().map(TraceId::as_str),
        ])?;
    Ok(kept == 1)
}

/// The points of a window, by time and id, behind the point `after`.
pub(super) fn page(
    connection: &Connection,
    project: i64,
    window: std::ops::Range<Timestamp>,
    after: Option<&(Timestamp, String)>,
    limit: usize,
) -> rusqlite::Result<Vec<Point>> {
    let (after_time, after_id) = after.map_or((i64::MIN, ""), |(time, id)| (time.micros(), id.as_str()));
    connection
        .prepare_cached(
            "SELECT timestamp, id, name, labels, kind, value, trace_id FROM counted_points
             WHERE project = ?1 AND timestamp >= ?2 AND timestamp < ?3 AND (timestamp, id) > (?4, ?5)
             ORDER BY timestamp, id LIMIT ?6",
        )?
        .query_map(
            params![
                project,
                window.start.micros().max(after_time),
                window.end.micros(),
                after_time,
                after_id,
                i64::try_from(limit).unwrap_or(i64::MAX)
            ],
            |row| {
                let kind: String = row.get(4)?;
                Ok(Point {
                    timestamp: Timestamp::from_micros(row.get(0)?),
                    id: row.get(1)?,
                    name: row.get(2)?,
                    labels: record(row, 3)?,
                    // None other is written.
                    kind: MetricKind::parse("kind", &kind).unwrap_or(MetricKind::Counter),
                    kind_given: true,
                    value: row.get(5)?,
                    trace_id: row.get::<_, Option<String>>(6)?.map(TraceId::stored),
                })
            },
        )?
        .collect()
}
