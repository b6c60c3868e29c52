//! More label values than series may be (B-10).

use std::sync::Arc;

use serde_json::json;
use watchglass::clock::SystemClock;
use watchglass::model::{
    MetricKind, Point, ProjectId, Record, Series, SeriesValue, Timestamp, Write, Written,
};

use crate::support::bench::Bench;
use crate::support::inside::Inside;

const PER_METRIC: usize = 2_000;
const PER_PROJECT: usize = 20_000;

/// As many metrics as reach the project's limit, and one more.
const METRICS: usize = 11;
/// More than a metric may have.
const POINTS: u16 = 2_200;

fn point(metric: usize, label: u16) -> Write {
    Write::once(Record::Point(Box::new(Point {
        id: format!("{metric}-{label}"),
        timestamp: Timestamp::from_micros(1),
        name: format!("m{metric}_total"),
        labels: [("l".to_owned(), label.to_string())].into(),
        kind: MetricKind::Counter,
        kind_given: false,
        value: 1.0,
        trace_id: None,
    })))
}

fn sum(series: &[Series], name: &str) -> f64 {
    let of_name = series.iter().filter(|series| series.name == name);
    of_name.map(|series| if let SeriesValue::Counter(sum) = series.value { sum } else { f64::NAN }).sum()
}

#[tokio::test]
async fn b_10_what_exceeds_the_limits_is_summed_in_overflow_series() {
    let inside = Inside::new(Arc::new(SystemClock)).await;
    let project = ProjectId::default_project();
    let mut overflowed = 0;
    for metric in 0..METRICS {
        // Twice, so that series that exist go on growing once no new one may be added.
        for _ in 0..2 {
            let answers =
                inside.store.write(&project, (0..POINTS).map(|label| point(metric, label)).collect()).await;
            let over =
                |answer: Result<Written, _>| matches!(answer.unwrap(), Written::Point { overflow: true, .. });
            overflowed += answers.into_iter().filter(|answer| over(answer.clone())).count();
        }
    }
    let series = inside.store.series(&project).await.unwrap();
    let overflow = Series::overflow_labels();
    let regular = series.iter().filter(|series| series.labels != overflow).count();
    assert!(regular <= PER_PROJECT && series.len() <= PER_PROJECT + METRICS, "{} series", series.len());
    for metric in 0..METRICS {
        let name = format!("m{metric}_total");
        let of_metric =
            series.iter().filter(|series| series.name == name && series.labels != overflow).count();
        assert!(of_metric <= PER_METRIC, "{name} has {of_metric} series");
        assert!(
            (sum(&series, &name) - 2.0 * f64::from(POINTS)).abs() < 1e-9,
            "{name} lost or doubled points"
        );
    }
    assert_eq!(
        overflowed,
        2 * (METRICS * usize::from(POINTS) - regular),
        "each answer tells where its point went"
    );
}

#[tokio::test]
async fn b_10_a_call_tells_that_its_point_overflowed() {
    let bench = Bench::start();
    for client in bench.clients().await.into_iter().take(1) {
        let calls: Vec<_> = (0..PER_METRIC + 100)
            .map(|label| {
                let call = json!({ "metric_name": "calls", "value": 1, "labels": { "user": label } });
                client.start("record_metric", &call)
            })
            .collect();
        let mut overflowed = 0;
        for call in calls {
            let recorded = call.await.expect("an answer").ok();
            overflowed += usize::from(recorded["overflow"] == true);
        }
        assert_eq!(overflowed, 100, "{}", client.name);
    }
    assert_eq!(bench.file.rows()["series"], 2_001, "all that may be, and the one for the rest");
    let sum: f64 = bench.file.look_up("SELECT sum(value) FROM series");
    assert!((sum - 2_100.0).abs() < 1e-9, "{sum}");
}
