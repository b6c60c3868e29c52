//! The agents' series as families.

use std::collections::{BTreeMap, BTreeSet};

use super::encode::base;
use super::names::{Names, legal_labels, legal_name};
use super::{Family, Sample, Value};
use crate::model::{MetricKind, Series, SeriesValue, bucket_bounds};

/// The families that every agent has, and what each is.
const PUBLISHED: &[(&str, MetricKind, &str)] = &[
    (
        "agent_active_requests",
        MetricKind::Gauge,
        "Requests that agents are working on: root spans in progress.",
    ),
    (
        "agent_cost_usd_total",
        MetricKind::Counter,
        "What model calls cost in US dollars, as reported or by the price list.",
    ),
    (
        "agent_dead_letters",
        MetricKind::Gauge,
        "Tasks that failed for good: items on the lists that are watched.",
    ),
    (
        "agent_request_duration_seconds",
        MetricKind::Histogram,
        "How long requests to agents took, as agents recorded it.",
    ),
    (
        "agent_request_errors_total",
        MetricKind::Counter,
        "Requests to agents that failed, as agents recorded it.",
    ),
    ("agent_span_duration_seconds", MetricKind::Histogram, "How long spans took that have ended."),
    ("agent_span_errors_total", MetricKind::Counter, "Spans that ended with an error."),
    ("agent_tokens_total", MetricKind::Counter, "Tokens that models read and wrote; the types are disjoint."),
    (
        "agent_unpriced_calls_total",
        MetricKind::Counter,
        "Model calls with tokens and without a known price, which no cost includes.",
    ),
    (
        "watchglass_pushgateway_call_failures_total",
        MetricKind::Counter,
        "Pushes to the Pushgateway of one-shot calls that failed, by reason.",
    ),
];

/// Of what agents recorded under names of their own, nobody knows more.
const RECORDED: &str = "Recorded by agents.";

/// Which kind chooses its names first: sums and rates are built on counters.
const ORDER: [MetricKind; 3] = [MetricKind::Counter, MetricKind::Histogram, MetricKind::Gauge];

/// The samples of one family by their labels.
type Samples = BTreeMap<Vec<(String, String)>, Value>;

/// The families of these series, ordered by name. No two have a name in common, none has one of those that are `taken`
/// where they go, no two samples of one are the same series, and nothing is left out.
pub fn families(series: &[Series], taken: &BTreeSet<String>) -> Vec<Family> {
    let mut groups: BTreeMap<(usize, String), Samples> = BTreeMap::new();
    for one in series {
        let (kind, value) = value(one);
        let mut name = legal_name(&one.name);
        if kind == MetricKind::Counter {
            name = format!("{}_total", base(&name));
        }
        let place = ORDER.iter().position(|other| *other == kind).unwrap_or_default();
        let samples = groups.entry((place, name)).or_default();
        let labels = legal_labels(&one.labels);
        let value = match samples.remove(&labels) {
            Some(other) => both(other, value, kind),
            None => value,
        };
        samples.insert(labels, value);
    }
    let mut names = Names::beside(taken);
    // Whether they have series or not: a name must not change on the day when they get some.
    let published: Vec<String> = PUBLISHED.iter().map(|(name, kind, _)| names.take(name, *kind)).collect();
    let family = |((place, name), samples): ((usize, String), Samples)| {
        let kind = ORDER[place];
        let known = PUBLISHED.iter().position(|(published, its, _)| *published == name && *its == kind);
        let (name, help) = match known {
            Some(known) => (published[known].clone(), PUBLISHED[known].2),
            None => (names.take(&name, kind), RECORDED),
        };
        let samples = samples.into_iter().map(|(labels, value)| Sample { labels, value }).collect();
        Family { name, help: help.to_owned(), kind, samples }
    };
    let mut families: Vec<Family> = groups.into_iter().map(family).collect();
    families.sort_by(|one, other| one.name.cmp(&other.name));
    families
}

fn value(series: &Series) -> (MetricKind, Value) {
    match &series.value {
        SeriesValue::Counter(sum) => (MetricKind::Counter, Value::Number(*sum)),
        SeriesValue::Gauge(last) => (MetricKind::Gauge, Value::Number(*last)),
        SeriesValue::Histogram { buckets, sum } => {
            let count = buckets.iter().fold(0_u64, |count, points| count.saturating_add(*points));
            // The bounds are those of the name that was recorded, whatever the family goes by.
            let bounds = bucket_bounds(&series.name).iter().copied();
            let points = buckets.iter().copied().chain(std::iter::repeat(0));
            let buckets = bounds.zip(points).collect();
            (MetricKind::Histogram, Value::Histogram { buckets, count, sum: *sum })
        }
    }
}

/// Two series that Prometheus can't tell apart, as one: what adds up is added up, of gauges the second counts.
fn both(one: Value, other: Value, kind: MetricKind) -> Value {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if kind == MetricKind::Counter => {
            Value::Number(one + other)
        }
        (
            Value::Histogram { mut buckets, count, sum },
            Value::Histogram { buckets: others, count: further, sum: more },
        ) => {
            for ((_, points), (_, other)) in buckets.iter_mut().zip(others) {
                *points = points.saturating_add(other);
            }
            Value::Histogram { buckets, count: count.saturating_add(further), sum: sum + more }
        }
        (_, other) => other,
    }
}
