//! Our own metrics as families to be written.

use prometheus::Registry;
use prometheus::proto::{Metric, MetricFamily, MetricType};

use crate::exposition::{Family, Sample, Value};
use crate::model::MetricKind;

/// Every family of `registry` that has a sample, ordered by name.
pub(super) fn gather(registry: &Registry) -> Vec<Family> {
    registry.gather().iter().map(family).collect()
}

fn family(family: &MetricFamily) -> Family {
    let kind = match family.get_field_type() {
        MetricType::COUNTER => MetricKind::Counter,
        MetricType::HISTOGRAM => MetricKind::Histogram,
        _ => MetricKind::Gauge,
    };
    let samples = family.get_metric().iter().map(|metric| sample(metric, kind)).collect();
    Family { name: family.name().to_owned(), help: family.help().to_owned(), kind, samples }
}

fn sample(metric: &Metric, kind: MetricKind) -> Sample {
    let labels = metric.get_label().iter();
    let labels = labels.map(|label| (label.name().to_owned(), label.value().to_owned())).collect();
    let value = match kind {
        MetricKind::Counter => Value::Number(metric.get_counter().get_value()),
        MetricKind::Gauge => Value::Number(metric.get_gauge().get_value()),
        MetricKind::Histogram => {
            let histogram = metric.get_histogram();
            let mut below = 0;
            let buckets = histogram.get_bucket().iter().map(|bucket| {
                let points = bucket.cumulative_count().saturating_sub(below);
                below = bucket.cumulative_count();
                (bucket.upper_bound(), points)
            });
            let (count, sum) = (histogram.get_sample_count(), histogram.get_sample_sum());
            Value::Histogram { buckets: buckets.collect(), count, sum }
        }
    };
    Sample { labels, value }
}
