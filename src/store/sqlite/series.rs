//! Reading series.

use rusqlite::Connection;

use crate::model::{Labels, MetricKind, Series, SeriesValue};

/// Every series, ordered by name and labels.
pub(super) fn all(connection: &Connection, project: i64) -> rusqlite::Result<Vec<Series>> {
    connection
        .prepare_cached(
            "SELECT name, labels, kind, value, buckets FROM series JOIN metrics USING (project, name)
             WHERE project = ?1 ORDER BY name, labels",
        )?
        .query_map([project], |row| {
            let labels: Labels = super::trace::record(row, 1)?;
            let kind: String = row.get(2)?;
            let value: f64 = row.get(3)?;
            let value = match MetricKind::parse("kind", &kind) {
                Ok(MetricKind::Counter) => SeriesValue::Counter(value),
                Ok(MetricKind::Histogram) => {
                    SeriesValue::Histogram { buckets: super::trace::record(row, 4)?, sum: value }
                }
                Ok(MetricKind::Gauge) | Err(_) => SeriesValue::Gauge(value),
            };
            Ok(Series { name: row.get(0)?, labels, value })
        })?
        .collect()
}
