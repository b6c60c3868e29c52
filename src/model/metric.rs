//! Metrics: points that add up to series.

use std::collections::BTreeMap;

use super::text::quoted;
use super::{Code, Problem, Timestamp, TraceId};
use serde::{Deserialize, Serialize};

/// Labels of one series; ordered, so that equal sets are equal texts.
pub type Labels = BTreeMap<String, String>;

/// Labels that one series may have.
pub const MAX_LABELS: usize = 15;
/// Bytes of one label's value.
pub const MAX_LABEL_VALUE_BYTES: usize = 512;
/// Series that one metric may have before further ones share its overflow series.
pub const MAX_SERIES_PER_METRIC: usize = 2_000;
/// Series that one project may have before further ones share their metric's overflow series.
pub const MAX_SERIES_PER_PROJECT: usize = 20_000;
/// The label of an overflow series, as the OpenTelemetry SDK specification names it.
pub const OVERFLOW_LABEL: &str = "otel_metric_overflow";

/// Upper bounds of duration histograms, in seconds: the published ones, and on to ten minutes, since
/// agents take longer than web servers.
const DURATION_BOUNDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 120.0,
    300.0, 600.0,
];
/// Upper bounds of every other histogram: those of the `OTel` `GenAI` conventions for tokens.
const SIZE_BOUNDS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// How the points of a metric add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Points add to a sum that only grows.
    Counter,
    /// The last point counts.
    Gauge,
    /// Points are counted by size.
    Histogram,
}

impl MetricKind {
    /// Reads a kind from the argument `field`, in any case.
    pub fn parse(field: &str, text: &str) -> Result<Self, Problem> {
        [Self::Counter, Self::Gauge, Self::Histogram]
            .into_iter()
            .find(|kind| text.trim().eq_ignore_ascii_case(kind.as_str()))
            .ok_or_else(|| {
                Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))
                    .hint("one of counter, gauge, histogram")
            })
    }

    /// The word that is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Unique in the project, by which a repeated write is told from a further one.
    pub id: String,
    /// When the server took it.
    pub timestamp: Timestamp,
    /// The Prometheus name of its metric.
    pub name: String,
    /// The labels of its series.
    pub labels: Labels,
    /// How it adds up.
    pub kind: MetricKind,
    /// Whether the caller said so; a guessed kind gives way to the metric's own.
    pub kind_given: bool,
    /// The measurement, in the base unit of its name.
    pub value: f64,
    /// The trace in which it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
}

/// Upper bounds of a histogram's buckets, the endless last one left out.
pub fn bucket_bounds(name: &str) -> &'static [f64] {
    if ["_seconds", "_duration", "_latency"].iter().any(|suffix| name.ends_with(suffix)) {
        DURATION_BOUNDS
    } else {
        SIZE_BOUNDS
    }
}

/// The bucket that `value` falls into, as an index into the bounds; one past the last for the endless one.
pub fn bucket_of(name: &str, value: f64) -> usize {
    bucket_bounds(name).partition_point(|bound| *bound < value)
}

impl Point {
    /// Whether the point may go into a metric of this kind: a kind that the caller gave must be the metric's, and a
    /// counter only grows.
    pub fn check_kind(&self, kind: MetricKind) -> Result<(), Problem> {
        if self.kind_given && self.kind != kind {
            let (name, given, kind) = (&self.name, self.kind.as_str(), kind.as_str());
            let message = format!("`{name}` is a {kind}, it can't be recorded as a {given}");
            return Err(Problem::new(Code::MetricTypeConflict, message)
                .at("kind")
                .hint(format!("leave `kind` out or give `{kind}`; another kind needs another name")));
        }
        if kind == MetricKind::Counter && self.value < 0.0 {
            let message = "a counter can't grow by a negative value";
            return Err(Problem::new(Code::InvalidNumber, message).at("value"));
        }
        Ok(())
    }

    /// The agent that the point names, to whom its trace may belong.
    pub fn agent_name(&self) -> Option<&str> {
        self.labels.get("agent_name").map(String::as_str).filter(|name| *name != "unknown")
    }
}

/// One line of a metric through time: what its points have added up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The Prometheus name of its metric.
    pub name: String,
    /// What tells it from the metric's other series.
    pub labels: Labels,
    /// The sum so far.
    pub value: SeriesValue,
}

/// What the points of a series add up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesValue {
    /// The sum of all points.
    Counter(f64),
    /// The last point.
    Gauge(f64),
    /// Points by size: a count for each of [`bucket_bounds`] and for the endless bucket, not cumulative.
    Histogram {
        /// Points by bucket.
        buckets: Vec<u64>,
        /// The sum of all points.
        sum: f64,
    },
}

impl SeriesValue {
    /// How its points add up.
    pub const fn kind(&self) -> MetricKind {
        match self {
            Self::Counter(_) => MetricKind::Counter,
            Self::Gauge(_) => MetricKind::Gauge,
            Self::Histogram { .. } => MetricKind::Histogram,
        }
    }

    /// What this lacks of `other`, which is a later state of the same series: nothing where `other` is not larger.
    #[must_use]
    pub fn missing(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Counter(held), Self::Counter(sum)) => (sum > held).then(|| Self::Counter(sum - held)),
            (Self::Histogram { buckets: held, sum: held_sum }, Self::Histogram { buckets, sum }) => {
                let is_larger = buckets.iter().sum::<u64>() > held.iter().sum();
                let lacking =
                    || buckets.iter().zip(held).map(|(count, held)| count.saturating_sub(*held)).collect();
                is_larger.then(|| Self::Histogram { buckets: lacking(), sum: sum - held_sum })
            }
            _ => None,
        }
    }
}

impl Series {
    /// The labels of the series that takes what exceeds a limit.
    pub fn overflow_labels() -> Labels {
        Labels::from([(OVERFLOW_LABEL.to_owned(), "true".to_owned())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_reach_ten_minutes() {
        let name = "agent_request_duration_seconds";
        assert_eq!(bucket_bounds(name).last(), Some(&600.0));
        assert_eq!(bucket_of(name, 0.005), 0);
        assert_eq!(bucket_of(name, 0.006), 1);
        assert_eq!(bucket_of(name, 601.0), bucket_bounds(name).len());
    }
}
