//! Metrics: how points add up.

#![expect(clippy::float_cmp, reason = "sums of whole numbers are exact")]

use watchglass::model::{
    Code, MAX_SERIES_PER_METRIC, MetricKind, OVERFLOW_LABEL, Point, SeriesValue, Written, bucket_bounds,
};

use super::world::{World, at, point, write_point};

use MetricKind::{Counter, Gauge, Histogram};

async fn values(world: &World) -> Vec<(String, SeriesValue)> {
    let series = world.store.series(&world.project).await.unwrap();
    assert!(series.is_sorted_by(|left, right| (&left.name, &left.labels) < (&right.name, &right.labels)));
    series.into_iter().map(|series| (series.name, series.value)).collect()
}

pub(super) async fn counters_add_up(world: World) {
    let batch =
        (1..=40).map(|value| write_point(point("calls_total", Counter, f64::from(value), &[("a", "1")])));
    world.write_all(batch.collect()).await;
    world.write_all(vec![write_point(point("calls_total", Counter, 0.25, &[("a", "2")]))]).await;
    let series = world.store.series(&world.project).await.unwrap();
    let sums: Vec<_> =
        series.iter().map(|series| (series.labels["a"].as_str(), series.value.clone())).collect();
    assert_eq!(sums, [("1", SeriesValue::Counter(820.0)), ("2", SeriesValue::Counter(0.25))]);
}

pub(super) async fn gauges_keep_the_last(world: World) {
    for (value, micros) in [(1.0, 0), (2.0, 5), (-3.5, 9)] {
        let point = Point { timestamp: at(micros), ..point("queue_depth", Gauge, value, &[]) };
        world.write_all(vec![write_point(point)]).await;
    }
    assert_eq!(values(&world).await, [("queue_depth".into(), SeriesValue::Gauge(-3.5))]);
}

pub(super) async fn histograms_count(world: World) {
    let name = "wait_seconds";
    let batch = [0.003_906_25, 0.007_812_5, 2.0, 10_000.0]
        .map(|value| write_point(point(name, Histogram, value, &[])));
    world.write_all(batch.into()).await;
    let mut buckets = vec![0; bucket_bounds(name).len() + 1];
    (buckets[0], buckets[1], buckets[10]) = (1, 1, 1);
    *buckets.last_mut().unwrap() = 1;
    assert_eq!(bucket_bounds(name)[10], 2.5);
    assert_eq!(
        values(&world).await,
        [(name.into(), SeriesValue::Histogram { buckets, sum: 10_002.011_718_75 })]
    );
}

pub(super) async fn kinds_conflict_or_yield(world: World) {
    world.write_all(vec![write_point(point("load", Gauge, 1.0, &[]))]).await;
    let given = world.write_one(write_point(point("load", Counter, 1.0, &[("a", "1")]))).await.unwrap_err();
    assert_eq!((given.code, given.field.as_deref()), (Code::MetricTypeConflict, Some("kind")));
    let guessed = Point { kind_given: false, timestamp: at(1), ..point("load", Counter, 7.0, &[]) };
    let written = world.write_one(write_point(guessed)).await.unwrap();
    assert_eq!(written, Written::Point { kind: Gauge, overflow: false });
    assert_eq!(values(&world).await, [("load".into(), SeriesValue::Gauge(7.0))]);
    world.write_all(vec![write_point(point("done_total", Counter, 1.0, &[]))]).await;
    let negative = Point { kind_given: false, ..point("done_total", Gauge, -1.0, &[]) };
    assert_eq!(world.write_one(write_point(negative)).await.unwrap_err().code, Code::InvalidNumber);
}

pub(super) async fn overflow_keeps_the_sum(world: World) {
    let count = MAX_SERIES_PER_METRIC + 50;
    let mut overflowed = 0;
    for chunk in (0..count).collect::<Vec<_>>().chunks(500) {
        let points = chunk
            .iter()
            .map(|id| write_point(point("calls_total", Counter, 1.0, &[("id", &format!("{id:05}"))])));
        for answer in world.write(points.collect()).await {
            overflowed += usize::from(answer.unwrap() == Written::Point { kind: Counter, overflow: true });
        }
    }
    assert_eq!(overflowed, 50);
    // A series that had room keeps it.
    let known = world.write_one(write_point(point("calls_total", Counter, 1.0, &[("id", "00000")]))).await;
    assert_eq!(known.unwrap(), Written::Point { kind: Counter, overflow: false });
    let series = world.store.series(&world.project).await.unwrap();
    assert_eq!(series.len(), MAX_SERIES_PER_METRIC + 1);
    let mut sum = 0.0;
    for series in &series {
        let SeriesValue::Counter(value) = series.value else { panic!("{series:?}") };
        sum += value;
        if series.labels.contains_key(OVERFLOW_LABEL) {
            assert_eq!(value, 50.0);
        }
    }
    assert_eq!(sum, f64::from(u32::try_from(count).unwrap()) + 1.0);
}

/// The same point is the same measurement, sent again because an answer was lost.
pub(super) async fn a_repeated_point_counts_once(world: World) {
    if !matches!(world.engine, super::world::Engine::Redis | super::world::Engine::Cluster) {
        // SQLite's transactions either end or don't: nothing there sends a record twice.
        return;
    }
    let point = point("calls_total", Counter, 3.0, &[]);
    world.write_all(vec![write_point(point.clone()), write_point(point.clone())]).await;
    world.write_all(vec![write_point(point)]).await;
    assert_eq!(values(&world).await, [("calls_total".into(), SeriesValue::Counter(3.0))]);
}
