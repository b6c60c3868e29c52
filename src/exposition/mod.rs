//! Prometheus's exposition formats: families of samples as text.
//!
//! One encoder for both formats. The crate `prometheus` writes 0.0.4 alone, and OpenMetrics differs from it in the
//! name that a counter's family has and in its last line: two encoders would be the same lines twice. So our own
//! metrics, which that crate counts, come through here too.

mod agents;
mod encode;
mod format;
mod names;

pub use agents::families;
pub use encode::encode;
pub use format::Format;

use crate::model::MetricKind;

/// A metric: what it is, and its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Its name in the text format: a counter's ends in `_total`.
    pub name: String,
    /// What it is, in one line without a quote or a backslash.
    pub help: String,
    /// How its points add up.
    pub kind: MetricKind,
    /// Its series, each with labels of its own.
    pub samples: Vec<Sample>,
}

/// One series at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Names and values of its labels, in the order of the names.
    pub labels: Vec<(String, String)>,
    /// What it stands at.
    pub value: Value,
}

/// What a series stands at.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Histogram {
        /// Upper bounds, increasing and finite, each with the number of points in its bucket alone.
        buckets: Vec<(f64, u64)>,
        /// The number of all points, those past the last bound included.
        count: u64,
        /// The sum of all points.
        sum: f64,
    },
}

#[cfg(test)]
mod tests;
