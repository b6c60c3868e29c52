//! Records from another store: they keep what they are, and come once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use watchglass::model::{
    Code, Import, MetricKind, Point, ProjectId, Series, SeriesValue, Span, SpanKind, SpanStatus, SpanTime,
    Tier, Timestamp, Written, bucket_bounds,
};

use super::numbers::assert_recounted;
use super::world::{
    MINUTE, SECOND, World, any_trace, at, empty, end, import, named, point, span, start, write_end,
    write_point,
};

async fn is_new(world: &World, record: Import) -> bool {
    match world.write_one(import(record)).await.unwrap() {
        Written::Imported { new } => new,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn spans_come_as_they_were(world: World) {
    let call = Span { kind: SpanKind::Llm, name: "llm_call".into(), ..span("my-trace", "2", Some("1"), 5) };
    world
        .write_all(vec![
            start(named(span("my-trace", "1", None, 0), "a")),
            start(call),
            start(span("my-trace", "3", Some("elsewhere"), 7)),
            write_end(end("2", SpanStatus::Error, SECOND, json!({"error": "boom", "input_tokens": 7}))),
            write_end(end("3", SpanStatus::Cancelled, SECOND, empty())),
        ])
        .await;
    let mut copy = world;
    let spans = copy.spans().await;
    let told = (copy.sums(Tier::Minute).await, copy.traces(&any_trace()).await, copy.trace("my-trace").await);
    let fingerprints = [spans[1].error_fingerprint().unwrap()];
    let groups = copy.store.error_groups(&copy.project, &fingerprints).await.unwrap();
    copy.project = ProjectId::stored(format!("{}-copy", copy.project));
    for span in &spans {
        assert!(is_new(&copy, Import::Span(Box::new(span.clone()))).await);
    }
    assert_eq!(copy.spans().await, spans);
    assert_eq!(copy.sums(Tier::Minute).await, told.0);
    let traces = copy.traces(&any_trace()).await;
    assert_eq!(traces.total, told.1.total);
    assert_eq!(traces.traces[0].summary, told.1.traces[0].summary);
    assert_eq!(copy.trace("my-trace").await.total, told.2.total);
    assert_eq!(copy.store.error_groups(&copy.project, &fingerprints).await.unwrap(), groups);
    assert_eq!(copy.store.series(&copy.project).await.unwrap(), [], "series come for themselves");
    assert_eq!(copy.store.open_spans(&copy.project).await.unwrap().len(), 1);
    assert_eq!(copy.spans_by(SpanTime::End, false, 10).await.len(), 2);
    let alias = spans[0].trace_id.to_w3c();
    assert_eq!(copy.store.resolve(&copy.project, &alias).await.unwrap().as_deref(), Some("my-trace"));
    assert_eq!(copy.store.orphans(&copy.project, at(MINUTE)).await.unwrap().len(), 1);

    let changed = Span { name: "other".into(), ..spans[0].clone() };
    assert!(!is_new(&copy, Import::Span(Box::new(changed))).await, "what is there stays");
    assert_eq!(copy.spans().await, spans);
    assert_recounted(&copy).await;
    copy.end(end("1", SpanStatus::Ok, MINUTE, empty())).await.expect("it goes on where it was");
    assert_recounted(&copy).await;
}

pub(super) async fn a_batch_may_repeat_a_span(world: World) {
    let open = span("t", "1", None, 0);
    let ended =
        Span { status: SpanStatus::Ok, end_time: Some(at(5)), duration_ms: Some(0.005), ..open.clone() };
    let answers = world
        .write(vec![import(Import::Span(Box::new(ended.clone()))), import(Import::Span(Box::new(open)))])
        .await;
    let new: Vec<bool> = answers
        .into_iter()
        .map(|answer| matches!(answer.unwrap(), Written::Imported { new: true }))
        .collect();
    assert_eq!(new, [true, false]);
    assert_eq!(world.spans().await, [ended]);
    assert_recounted(&world).await;
}

pub(super) async fn counted_points_come_once(world: World) {
    let tokens = Point {
        timestamp: at(MINUTE),
        ..point("agent_tokens_total", MetricKind::Counter, 7.0, &[("token_type", "input")])
    };
    world.write_all(vec![write_point(tokens.clone())]).await;
    assert!(!is_new(&world, Import::Point(tokens.clone())).await, "it was recorded here");
    let other = Point { id: "other".into(), ..tokens };
    assert!(is_new(&world, Import::Point(other.clone())).await);
    assert!(!is_new(&world, Import::Point(other)).await);
    assert_eq!(world.points().await.len(), 2);
    let series = world.store.series(&world.project).await.unwrap();
    assert_eq!(
        (series.len(), &series[0].value),
        (1, &SeriesValue::Counter(7.0)),
        "it adds to the numbers alone"
    );
    assert_recounted(&world).await;
}

pub(super) async fn series_keep_the_larger_or_the_newer(world: World) {
    let name = "wait_seconds";
    let histogram = |count: u64, sum| {
        let mut buckets = vec![0; bucket_bounds(name).len() + 1];
        buckets[3] = count;
        SeriesValue::Histogram { buckets, sum }
    };
    let steps = [
        ("calls_total", SeriesValue::Counter(5.0), 10, SeriesValue::Counter(5.0)),
        ("calls_total", SeriesValue::Counter(3.0), 20, SeriesValue::Counter(5.0)),
        ("calls_total", SeriesValue::Counter(8.0), 5, SeriesValue::Counter(8.0)),
        ("depth", SeriesValue::Gauge(5.0), 10, SeriesValue::Gauge(5.0)),
        ("depth", SeriesValue::Gauge(9.0), 5, SeriesValue::Gauge(5.0)),
        ("depth", SeriesValue::Gauge(-1.0), 20, SeriesValue::Gauge(-1.0)),
        (name, histogram(4, 1.0), 10, histogram(4, 1.0)),
        (name, histogram(2, 9.0), 20, histogram(4, 1.0)),
        (name, histogram(6, 2.0), 30, histogram(6, 2.0)),
    ];
    let mut seen = BTreeSet::new();
    for (name, value, micros, expected) in steps {
        let series = Series { name: name.into(), labels: BTreeMap::new(), value };
        let new = is_new(&world, Import::Series { series, updated: at(micros) }).await;
        assert_eq!(new, seen.insert(name), "{name}");
        let held: Vec<(Series, Timestamp)> = world.store.dated_series(&world.project).await.unwrap();
        let (held, _) = held.into_iter().find(|(series, _)| series.name == name).unwrap();
        assert_eq!(held.value, expected);
    }
    let series = Series { name: "depth".into(), labels: BTreeMap::new(), value: SeriesValue::Counter(1.0) };
    let refused = world.write_one(import(Import::Series { series, updated: at(0) })).await.unwrap_err();
    assert_eq!(refused.code, Code::MetricTypeConflict);
    // A series that was imported goes on.
    world.write_all(vec![write_point(point("calls_total", MetricKind::Counter, 1.0, &[]))]).await;
    let held = world.store.series(&world.project).await.unwrap();
    assert_eq!(held[0].value, SeriesValue::Counter(9.0));
}
