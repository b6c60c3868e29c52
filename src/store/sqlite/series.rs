//! Reading series.

use rusqlite::{Connection, params};

use super::ledger::kind_of;
use super::trace::{optional_record, record};
use crate::model::{
    Dated, Labels, MetricKind, Series, SeriesBin, SeriesHistory, SeriesQuery, SeriesValue, Timestamp,
};

/// Every series with the time of its last point, ordered by name and labels.
pub(super) fn all(connection: &Connection, project: i64) -> rusqlite::Result<Vec<Dated>> {
    connection
        .prepare_cached(
            "SELECT name, labels, kind, value, buckets, updated FROM series JOIN metrics USING (project, name)
             WHERE project = ?1 ORDER BY name, labels",
        )?
        .query_map([project], |row| {
            let labels: Labels = record(row, 1)?;
            let kind: String = row.get(2)?;
            let value: f64 = row.get(3)?;
            let value = match MetricKind::parse("kind", &kind) {
                Ok(MetricKind::Counter) => SeriesValue::Counter(value),
                Ok(MetricKind::Histogram) => {
                    SeriesValue::Histogram { buckets: record(row, 4)?, sum: value }
                }
                Ok(MetricKind::Gauge) | Err(_) => SeriesValue::Gauge(value),
            };
            let series = Series { name: row.get(0)?, labels, value };
            Ok((series, Timestamp::from_micros(row.get(5)?)))
        })?
        .collect()
}

/// The series of one metric through time.
pub(super) fn history(
    connection: &Connection,
    project: i64,
    query: &SeriesQuery,
) -> rusqlite::Result<Vec<SeriesHistory>> {
    let Some(kind) = kind_of(connection, project, &query.name)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT labels, minute, count, sum, last, series_minutes.buckets
         FROM series JOIN series_minutes USING (sequence)
         WHERE series.project = ?1 AND name = ?2 AND minute >= ?3 AND minute < ?4 ORDER BY labels, minute",
    )?;
    let parameters = params![project, query.name, query.since.minute().micros(), query.until.micros()];
    let mut rows = statement.query(parameters)?;
    let mut histories: Vec<SeriesHistory> = Vec::new();
    while let Some(row) = rows.next()? {
        let labels: Labels = record(row, 0)?;
        let bin = SeriesBin {
            start: Timestamp::from_micros(row.get(1)?).floor(query.bin),
            count: row.get::<_, i64>(2)?.unsigned_abs(),
            sum: row.get(3)?,
            last: row.get(4)?,
            buckets: optional_record(row, 5)?.unwrap_or_default(),
        };
        match histories.last_mut().filter(|history| history.labels == labels) {
            Some(history) => history.bins.push(bin),
            None => histories.push(SeriesHistory { labels, kind, bins: vec![bin] }),
        }
    }
    for history in &mut histories {
        history.bins.dedup_by(|later, bin| later.start == bin.start && add(bin, later));
    }
    Ok(histories)
}

/// Adds what came later in the same bin.
fn add(bin: &mut SeriesBin, later: &SeriesBin) -> bool {
    bin.count += later.count;
    bin.sum += later.sum;
    bin.last = later.last;
    bin.buckets.iter_mut().zip(&later.buckets).for_each(|(count, more)| *count += more);
    true
}
