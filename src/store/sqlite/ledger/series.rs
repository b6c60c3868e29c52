//! Adding points to series.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, params};

use super::super::trace::optional_record;
use super::super::write::body;
use crate::model::{
    Labels, MAX_SERIES_PER_METRIC, MAX_SERIES_PER_PROJECT, MetricKind, Point, Problem, Series, Timestamp,
    bucket_bounds, bucket_of,
};

/// The metrics that a transaction has touched, by name.
#[derive(Default)]
pub(super) struct Metrics(HashMap<String, Metric>);

struct Metric {
    kind: MetricKind,
    series: HashMap<Labels, Line>,
}

/// A series as it stands, and what has come in each minute.
struct Line {
    sequence: i64,
    value: f64,
    buckets: Option<Vec<u64>>,
    updated: Timestamp,
    minutes: BTreeMap<Timestamp, Minute>,
}

/// What the points of a minute add up to.
#[derive(Default)]
struct Minute {
    count: i64,
    sum: f64,
    last: f64,
    buckets: Option<Vec<u64>>,
}

impl Metrics {
    /// Adds a point to its series, or to the one of what exceeds the limits; `true` for the latter.
    pub(super) fn record(
        &mut self,
        connection: &Connection,
        project: i64,
        point: &Point,
    ) -> rusqlite::Result<Result<(MetricKind, bool), Problem>> {
        let known = match self.0.get(&point.name) {
            Some(metric) => Some(metric.kind),
            None => kind_of(connection, project, &point.name)?,
        };
        let kind = known.unwrap_or(point.kind);
        if let Err(problem) = point.check_kind(kind) {
            return Ok(Err(problem));
        }
        if known.is_none() {
            connection
                .prepare_cached("INSERT INTO metrics (project, name, kind) VALUES (?1, ?2, ?3)")?
                .execute(params![project, point.name, kind.as_str()])?;
        }
        let metric =
            self.0.entry(point.name.clone()).or_insert_with(|| Metric { kind, series: HashMap::new() });
        let overflow = !metric.add(connection, project, point, &point.labels, true)?;
        if overflow {
            metric.add(connection, project, point, &Series::overflow_labels(), false)?;
        }
        Ok(Ok((kind, overflow)))
    }

    /// Writes what has changed.
    pub(super) fn write(&self, connection: &Connection, project: i64) -> rusqlite::Result<()> {
        for line in self.0.values().flat_map(|metric| metric.series.values()) {
            connection
                .prepare_cached(
                    "UPDATE series SET value = ?2, buckets = ?3, updated = ?4 WHERE sequence = ?1",
                )?
                .execute(params![
                    line.sequence,
                    line.value,
                    counts(line.buckets.as_ref())?,
                    line.updated.micros()
                ])?;
            for (start, minute) in &line.minutes {
                minute.write(connection, project, line.sequence, *start)?;
            }
        }
        Ok(())
    }
}

impl Metric {
    /// Adds the point to the series with `labels`; `false` if that would be a new one and `limited` forbids it.
    fn add(
        &mut self,
        connection: &Connection,
        project: i64,
        point: &Point,
        labels: &Labels,
        limited: bool,
    ) -> rusqlite::Result<bool> {
        if !self.series.contains_key(labels) {
            let known = find(connection, project, &point.name, labels)?;
            let line = match known {
                Some(line) => line,
                None if limited && is_full(connection, project, &point.name)? => return Ok(false),
                None => make(connection, project, &point.name, labels)?,
            };
            self.series.insert(labels.clone(), line);
        }
        let (kind, bucket) = (self.kind, bucket_of(&point.name, point.value));
        let count = |buckets: &mut Option<Vec<u64>>| {
            if kind == MetricKind::Histogram {
                let none = || vec![0; bucket_bounds(&point.name).len() + 1];
                if let Some(count) = buckets.get_or_insert_with(none).get_mut(bucket) {
                    *count += 1;
                }
            }
        };
        if let Some(line) = self.series.get_mut(labels) {
            line.value = if kind == MetricKind::Gauge { point.value } else { sum(line.value, point.value) };
            line.updated = point.timestamp;
            count(&mut line.buckets);
            let minute = line.minutes.entry(point.timestamp.minute()).or_default();
            minute.count += 1;
            minute.sum = sum(minute.sum, point.value);
            minute.last = point.value;
            count(&mut minute.buckets);
        }
        Ok(true)
    }
}

impl Minute {
    fn write(
        &self,
        connection: &Connection,
        project: i64,
        sequence: i64,
        start: Timestamp,
    ) -> rusqlite::Result<()> {
        let before = connection
            .prepare_cached(
                "SELECT count, sum, buckets FROM series_minutes WHERE sequence = ?1 AND minute = ?2",
            )?
            .query_row(params![sequence, start.micros()], |row| {
                Ok(Self {
                    count: row.get(0)?,
                    sum: row.get(1)?,
                    last: 0.0,
                    buckets: optional_record(row, 2)?,
                })
            })
            .optional()?
            .unwrap_or_default();
        let buckets = match (&self.buckets, before.buckets) {
            (Some(new), Some(old)) => Some(new.iter().zip(old).map(|(new, old)| new + old).collect()),
            (new, old) => new.clone().or(old),
        };
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO series_minutes (sequence, minute, project, count, sum, last, buckets)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                sequence,
                start.micros(),
                project,
                before.count + self.count,
                sum(before.sum, self.sum),
                self.last,
                counts(buckets.as_ref())?,
            ])?;
        Ok(())
    }
}

/// Infinities of both signs would add up to what is no number, which no row takes.
fn sum(one: f64, other: f64) -> f64 {
    (one + other).clamp(f64::MIN, f64::MAX)
}

fn counts(buckets: Option<&Vec<u64>>) -> rusqlite::Result<Option<String>> {
    buckets.map(body).transpose()
}

/// How a metric adds up, if there is one of that name.
pub(in super::super) fn kind_of(
    connection: &Connection,
    project: i64,
    name: &str,
) -> rusqlite::Result<Option<MetricKind>> {
    let kind: Option<String> = connection
        .prepare_cached("SELECT kind FROM metrics WHERE project = ?1 AND name = ?2")?
        .query_row(params![project, name], |row| row.get(0))
        .optional()?;
    Ok(kind.and_then(|kind| MetricKind::parse("kind", &kind).ok()))
}

fn find(
    connection: &Connection,
    project: i64,
    name: &str,
    labels: &Labels,
) -> rusqlite::Result<Option<Line>> {
    connection
        .prepare_cached(
            "SELECT sequence, value, buckets, updated FROM series
             WHERE project = ?1 AND name = ?2 AND labels = ?3",
        )?
        .query_row(params![project, name, body(labels)?], |row| {
            Ok(Line {
                sequence: row.get(0)?,
                value: row.get(1)?,
                buckets: optional_record(row, 2)?,
                updated: Timestamp::from_micros(row.get(3)?),
                minutes: BTreeMap::new(),
            })
        })
        .optional()
}

fn make(connection: &Connection, project: i64, name: &str, labels: &Labels) -> rusqlite::Result<Line> {
    connection
        .prepare_cached(
            "UPDATE metrics SET series_count = series_count + 1 WHERE project = ?1 AND name = ?2",
        )?
        .execute(params![project, name])?;
    connection
        .prepare_cached(
            "INSERT INTO series (project, name, labels, value, updated) VALUES (?1, ?2, ?3, 0, 0)",
        )?
        .execute(params![project, name, body(labels)?])?;
    Ok(Line {
        sequence: connection.last_insert_rowid(),
        value: 0.0,
        buckets: None,
        updated: Timestamp::from_micros(0),
        minutes: BTreeMap::new(),
    })
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
