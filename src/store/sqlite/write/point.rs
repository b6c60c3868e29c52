//! Adding points to series.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Answer, body, touch_trace};
use crate::model::{
    Labels, MAX_SERIES_PER_METRIC, MAX_SERIES_PER_PROJECT, MetricKind, Point, Series, Written, bucket_bounds,
    bucket_of,
};

pub(super) fn write(connection: &Connection, project: i64, point: &Point) -> Answer {
    let known = metric_kind(connection, project, &point.name)?;
    let kind = known.unwrap_or(point.kind);
    if let Err(problem) = point.check_kind(kind) {
        return Ok(Err(problem));
    }
    if known.is_none() {
        connection.execute(
            "INSERT INTO metrics (project, name, kind) VALUES (?1, ?2, ?3)",
            params![project, point.name, kind.as_str()],
        )?;
    }
    let overflow = !add(connection, project, point, kind, &point.labels, true)?;
    if overflow {
        add(connection, project, point, kind, &Series::overflow_labels(), false)?;
    }
    if let Some(trace_id) = &point.trace_id {
        touch_trace(connection, project, trace_id, point.agent_name(), point.timestamp)?;
    }
    Ok(Ok(Written::Point { kind, overflow }))
}

fn metric_kind(connection: &Connection, project: i64, name: &str) -> rusqlite::Result<Option<MetricKind>> {
    let kind: Option<String> = connection
        .prepare_cached("SELECT kind FROM metrics WHERE project = ?1 AND name = ?2")?
        .query_row(params![project, name], |row| row.get(0))
        .optional()?;
    Ok(kind.and_then(|kind| MetricKind::parse("kind", &kind).ok()))
}

/// Adds the point to the series with `labels`; `false` if that would be a new one and `limited` forbids it.
fn add(
    connection: &Connection,
    project: i64,
    point: &Point,
    kind: MetricKind,
    labels: &Labels,
    limited: bool,
) -> rusqlite::Result<bool> {
    let labels = body(labels)?;
    let found = connection
        .prepare_cached(
            "SELECT sequence, value, buckets FROM series WHERE project = ?1 AND name = ?2 AND labels = ?3",
        )?
        .query_row(params![project, point.name, labels], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?, row.get::<_, Option<String>>(2)?))
        })
        .optional()?;
    if found.is_none() && limited && is_full(connection, project, &point.name)? {
        return Ok(false);
    }
    let (sequence, before, buckets) = match found {
        Some((sequence, value, buckets)) => (Some(sequence), value, buckets),
        None => (None, 0.0, None),
    };
    let value = if kind == MetricKind::Gauge { point.value } else { before + point.value };
    let buckets = (kind == MetricKind::Histogram).then(|| {
        let stored = buckets.and_then(|text| serde_json::from_str::<Vec<u64>>(&text).ok());
        let mut counts = stored.unwrap_or_else(|| vec![0; bucket_bounds(&point.name).len() + 1]);
        counts[bucket_of(&point.name, point.value)] += 1;
        counts
    });
    let buckets = buckets.map(|counts| body(&counts)).transpose()?;
    let updated = point.timestamp.micros();
    if let Some(sequence) = sequence {
        connection
            .prepare_cached("UPDATE series SET value = ?2, buckets = ?3, updated = ?4 WHERE sequence = ?1")?
            .execute(params![sequence, value, buckets, updated])?;
    } else {
        connection
            .prepare_cached(
                "UPDATE metrics SET series_count = series_count + 1 WHERE project = ?1 AND name = ?2",
            )?
            .execute(params![project, point.name])?;
        connection
            .prepare_cached(
                "INSERT INTO series (project, name, labels, value, buckets, updated)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![project, point.name, labels, value, buckets, updated])?;
    }
    Ok(true)
}

fn is_full(connection: &Connection, project: i64, name: &str) -> rusqlite::Result<bool> {
    let (metric, all): (i64, i64) = connection
        .prepare_cached(
            "SELECT coalesce(sum(series_count) FILTER (WHERE name = ?2), 0), coalesce(sum(series_count), 0)
             FROM metrics WHERE project = ?1",
        )?
        .query_row(params![project, name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(metric.unsigned_abs() >= MAX_SERIES_PER_METRIC as u64
        || all.unsigned_abs() >= MAX_SERIES_PER_PROJECT as u64)
}
