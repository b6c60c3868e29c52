//! Recorded metrics.

use serde_json::{Value, json};
use watchglass::model::{MetricKind, Point};

use super::world::{HOUR, MINUTE, World, ago, close};
use crate::contract::world::point;

fn taken(name: &str, kind: MetricKind, value: f64, agent: &str, taken_ago: i64) -> Point {
    let mut point = point(name, kind, value, &[("agent_name", agent)]);
    point.timestamp = ago(taken_ago);
    point
}

async fn record(world: &World) {
    for (value, agent, taken_ago) in
        [(1.0, "alpha", 3 * MINUTE), (2.0, "alpha", 3 * MINUTE), (4.0, "alpha", 0), (8.0, "beta", 2 * HOUR)]
    {
        world.count(taken("work_items_total", MetricKind::Counter, value, agent, taken_ago)).await;
    }
    for (value, taken_ago) in [(5.0, 4 * MINUTE), (7.0, 2 * MINUTE)] {
        world.count(taken("work_queue", MetricKind::Gauge, value, "alpha", taken_ago)).await;
    }
    for value in [0.6, 0.7, 0.8, 0.9] {
        world.count(taken("work_duration_seconds", MetricKind::Histogram, value, "alpha", MINUTE)).await;
    }
}

pub(super) async fn metrics_are_listed_with_what_they_stand_at(world: World) {
    record(&world).await;
    let ask = async |question: Value| {
        world.service.list_series(&world.caller, serde_json::from_value(question).unwrap()).await.unwrap()
    };
    let all = ask(json!({ "name": "work_" })).await;
    let names: Vec<(&str, &str, Option<f64>)> =
        all.items.iter().map(|row| (row.name.as_str(), row.kind.as_str(), row.value)).collect();
    assert_eq!(
        names,
        [
            ("work_duration_seconds", "histogram", None),
            ("work_items_total", "counter", Some(7.0)),
            ("work_items_total", "counter", Some(8.0)),
            ("work_queue", "gauge", Some(7.0)),
        ]
    );
    let histogram = all.items[0].histogram.as_ref().unwrap();
    assert_eq!((histogram.count, histogram.p50), (4, Some(0.75)));
    assert!(close(histogram.avg, Some(0.75), 1e-9), "{histogram:?}");
    let beta = ask(json!({ "labels": "{\"agent_name\":\"beta\"}" })).await;
    assert_eq!((beta.total, beta.items[0].value), (1, Some(8.0)));
    let first = ask(json!({ "name": "work_", "limit": 3 })).await;
    assert_eq!((first.returned, first.total, first.truncated), (3, 4, true));
    let rest = ask(json!({ "name": "work_", "limit": 3, "cursor": first.next })).await;
    assert_eq!((rest.items[0].name.as_str(), rest.truncated), ("work_queue", false));
    assert_eq!(ask(json!({ "name": "nothing" })).await.total, 0);
}

pub(super) async fn metrics_are_shown_over_time(world: World) {
    record(&world).await;
    let ask = async |question: Value| {
        world.service.series_values(&world.caller, serde_json::from_value(question).unwrap()).await.unwrap()
    };
    let items = ask(json!({ "name": "work_items_total", "window": "5m" })).await;
    assert_eq!((items.step_seconds, items.times.len()), (60, 6));
    let values: Vec<Option<f64>> = items.items[0].values.iter().map(|bin| bin.value).collect();
    assert_eq!(values, [0.0, 0.0, 3.0, 0.0, 0.0, 4.0].map(Some));
    assert!(close(items.items[0].values[2].per_second, Some(0.05), 1e-12));
    // Five and a half seconds of this minute are over.
    assert!(close(items.items[0].values[5].per_second, Some(4.0 / 5.5), 1e-6));
    let long = ask(json!({ "name": "work_items_total", "labels": { "agent_name": "beta" } })).await;
    assert_eq!((long.total, long.items[0].kind.as_str()), (1, "counter"));
    let grew: f64 = long.items[0].values.iter().filter_map(|bin| bin.value).sum();
    assert!(close(Some(grew), Some(8.0), 1e-12), "{grew}");
    let queue = ask(json!({ "name": "work_queue", "window": "5m" })).await;
    let values: Vec<Option<f64>> = queue.items[0].values.iter().map(|bin| bin.value).collect();
    assert_eq!(values, [None, Some(5.0), None, Some(7.0), None, None]);
    let took = ask(json!({ "name": "work_duration_seconds", "window": "5m", "step": "5m" })).await;
    let bins: Vec<_> = took.items[0].values.iter().filter_map(|bin| bin.histogram.as_ref()).collect();
    assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 4);
    let bin = bins.iter().find(|bin| bin.count == 4).unwrap();
    assert!(close(bin.avg, Some(0.75), 1e-9) && close(bin.p50, Some(0.75), 1e-9), "{bin:?}");
    assert!(bins.iter().filter(|bin| bin.count == 0).all(|bin| bin.p50.is_none() && bin.avg.is_none()));
    assert_eq!(ask(json!({ "name": "nothing" })).await.total, 0);
    for (question, field) in [
        (json!({ "name": "work_queue", "labels": "{" }), "labels"),
        (json!({ "name": "work_queue", "labels": { "a": [1] } }), "labels.a"),
        (json!({ "name": "\u{7}" }), "name"),
        (json!({ "name": "work_queue", "window": "8d" }), "window"),
    ] {
        let request = serde_json::from_value(question.clone()).unwrap();
        let problem = world.service.series_values(&world.caller, request).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some(field), "{question}: {problem}");
    }
}
