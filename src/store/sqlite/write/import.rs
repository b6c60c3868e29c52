//! Writing what another store held.

use rusqlite::params;

use super::super::ledger::{Ledger, kind_of};
use super::super::trace::{find, optional_record};
use super::{Answer, body, point, span};
use crate::model::{Import, MetricKind, Point, Series, SeriesValue, Span, Timestamp, Written};

pub(super) fn write(ledger: &mut Ledger<'_>, record: &Import) -> Answer {
    match record {
        Import::Span(span) => write_span(ledger, span),
        Import::Point(point) => Ok(Ok(Written::Imported { new: point::count(ledger, point)? })),
        Import::Series { series, updated } => write_series(ledger, series, *updated),
    }
}

fn write_span(ledger: &mut Ledger<'_>, span: &Span) -> Answer {
    if let Some(held) = find(ledger.connection, ledger.project, &span.span_id)? {
        return Ok(Written::known_span(&held, span));
    }
    if let Err(problem) = span::check_room(ledger, &span.trace_id)? {
        return Ok(Err(problem));
    }
    span::insert(ledger, span)?;
    Ok(Ok(Written::Imported { new: true }))
}

/// The limits of series do not hold for what comes from a store that had them itself.
fn write_series(ledger: &mut Ledger<'_>, series: &Series, updated: Timestamp) -> Answer {
    let (kind, value, buckets) = match &series.value {
        SeriesValue::Counter(value) => (MetricKind::Counter, *value, None),
        SeriesValue::Gauge(value) => (MetricKind::Gauge, *value, None),
        SeriesValue::Histogram { buckets, sum } => (MetricKind::Histogram, *sum, Some(buckets)),
    };
    let (connection, project) = (ledger.connection, ledger.project);
    if let Some(known) = kind_of(connection, project, &series.name)?
        && let Err(problem) = as_point(series, kind, value, updated).check_kind(known)
    {
        return Ok(Err(problem));
    }
    // What the transaction has of its own would be written over what is written here.
    ledger.settle_series()?;
    connection
        .prepare_cached("INSERT OR IGNORE INTO metrics (project, name, kind) VALUES (?1, ?2, ?3)")?
        .execute(params![project, series.name, kind.as_str()])?;
    let labels = body(&series.labels)?;
    let text = buckets.map(body).transpose()?;
    let new = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO series (project, name, labels, value, buckets, updated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![project, series.name, labels, value, text, updated.micros()])?
        == 1;
    if new {
        connection
            .prepare_cached(
                "UPDATE metrics SET series_count = series_count + 1 WHERE project = ?1 AND name = ?2",
            )?
            .execute(params![project, series.name])?;
        return Ok(Ok(Written::Imported { new }));
    }
    let (held, held_buckets, held_updated): (f64, Option<Vec<u64>>, i64) = connection
        .prepare_cached(
            "SELECT value, buckets, updated FROM series WHERE project = ?1 AND name = ?2 AND labels = ?3",
        )?
        .query_row(params![project, series.name, labels], |row| {
            Ok((row.get(0)?, optional_record(row, 1)?, row.get(2)?))
        })?;
    let total = |buckets: Option<&Vec<u64>>| buckets.map_or(0, |buckets| buckets.iter().sum::<u64>());
    let is_kept = match kind {
        MetricKind::Counter => value > held,
        MetricKind::Gauge => updated.micros() > held_updated,
        MetricKind::Histogram => total(buckets) > total(held_buckets.as_ref()),
    };
    if is_kept {
        connection
            .prepare_cached(
                "UPDATE series SET value = ?4, buckets = ?5, updated = max(updated, ?6)
                 WHERE project = ?1 AND name = ?2 AND labels = ?3",
            )?
            .execute(params![project, series.name, labels, value, text, updated.micros()])?;
    }
    Ok(Ok(Written::Imported { new }))
}

/// The series as a point whose kind is given, which a metric takes or doesn't.
fn as_point(series: &Series, kind: MetricKind, value: f64, timestamp: Timestamp) -> Point {
    Point {
        id: String::new(),
        timestamp,
        name: series.name.clone(),
        labels: series.labels.clone(),
        kind,
        kind_given: true,
        value,
        trace_id: None,
    }
}
