//! Numbers: what records add to them, how they are read, and that they can be counted anew.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use watchglass::model::{
    Contribution, Dimension, DimensionKind, ErrorGroup, Measure, MetricKind, Point, RollupQuery, Series,
    SeriesQuery, SeriesValue, Span, SpanId, SpanKind, SpanStatus, Sums, Tier, TraceId, bucket_of, changes,
};

use super::world::{
    HOUR, MINUTE, SECOND, World, all_rollups, at, end, named, point, span, start, write_end, write_point,
};

/// A call of a model.
fn call(trace_id: &str, span_id: &str, parent: Option<&str>, micros: i64) -> Span {
    Span {
        kind: SpanKind::Llm,
        name: "llm_call".into(),
        ..named(span(trace_id, span_id, parent, micros), "a")
    }
}

/// The sums that the records which are there add up to.
pub(super) async fn recounted(world: &World, tier: Tier) -> Sums {
    let mut given: Vec<Contribution> = world.spans().await.iter().flat_map(Span::contributions).collect();
    given.extend(world.points().await.iter().filter_map(Point::contribution));
    let mut sums = Sums::new();
    for ((minute, agent, dimension), tally) in changes(&[], &given) {
        *sums.entry((tier.start_of(minute), agent, dimension)).or_default() += &tally;
    }
    sums
}

/// That both tiers say what the records add up to.
pub(super) async fn assert_recounted(world: &World) {
    for tier in Tier::ALL {
        assert_eq!(world.sums(tier).await, recounted(world, tier).await, "{tier:?}");
    }
}

pub(super) async fn requests_count_where_they_start_and_where_they_end(world: World) {
    world
        .write_all(vec![
            start(named(span("t", "1", None, 0), "a")),
            start(named(span("t", "2", Some("1"), SECOND), "a")),
            start(named(span("u", "3", None, 59 * SECOND), "a")),
            write_end(end("2", SpanStatus::Error, 3 * SECOND, json!({"error": "boom"}))),
            write_end(end("1", SpanStatus::Ok, MINUTE + 4 * SECOND, json!({}))),
        ])
        .await;
    let minutes = world.sums(Tier::Minute).await;
    let agent = |micros: i64| minutes[&(at(micros).minute(), "a".into(), Dimension::Agent)].clone();
    assert_eq!((agent(0)[Measure::Started], agent(0).ended()), (2, 0));
    assert_eq!((agent(MINUTE)[Measure::Ok], agent(MINUTE).mean_millis()), (1, Some(64_000.0)));
    assert_eq!(agent(MINUTE).latency.values().sum::<i64>(), 1);
    let steps: Vec<_> = minutes.iter().filter(|((_, _, of), _)| of.kind() == DimensionKind::Step).collect();
    assert_eq!(steps.len(), 2, "one name, two minutes: {steps:?}");
    let failures = minutes.iter().filter(|((_, _, of), _)| of.kind() == DimensionKind::Error);
    assert_eq!(failures.map(|(_, tally)| tally[Measure::Error]).sum::<i64>(), 1);
    assert_recounted(&world).await;
    let before = minutes.len();
    world.end(end("2", SpanStatus::Error, 9 * SECOND, json!({}))).await.unwrap();
    world.end(end("2", SpanStatus::Ok, 9 * SECOND, json!({}))).await.unwrap_err();
    world.start(named(span("t", "1", None, 7), "a")).await.unwrap();
    assert_eq!(world.sums(Tier::Minute).await.len(), before, "repetitions add nothing");
    assert_recounted(&world).await;
}

pub(super) async fn tokens_and_cost_are_those_of_models(world: World) {
    let usage = json!({"input_tokens": 10, "output_tokens": 5, "cost_usd": 0.5});
    world
        .write_all(vec![
            start(named(span("t", "1", None, 0), "a")),
            start(call("t", "2", Some("1"), 1)),
            start(Span { kind: SpanKind::Tool, name: "tool.search".into(), ..call("t", "3", Some("1"), 2) }),
            write_end(end("2", SpanStatus::Ok, SECOND, usage.clone())),
            write_end(end("3", SpanStatus::Error, SECOND, json!({"error": "no"}))),
            write_end(end("1", SpanStatus::Ok, 2 * SECOND, usage)),
        ])
        .await;
    let hours = world.sums(Tier::Hour).await;
    let all = &hours[&(Tier::Hour.start_of(at(0)), "a".into(), Dimension::Agent)];
    let told: BTreeMap<&str, i64> = all.counts().map(|(measure, count)| (measure.as_str(), count)).collect();
    let expected = [
        ("duration_us", 2 * SECOND),
        ("input_tokens", 10),
        ("llm_calls", 1),
        ("ok", 1),
        ("output_tokens", 5),
        ("reported_cost", 500_000_000_000),
        ("started", 1),
        ("tool_calls", 1),
        ("tool_errors", 1),
    ];
    assert_eq!(told, expected.into_iter().collect());
    assert_recounted(&world).await;
}

/// The largest counts that a caller can send: sums stop, and records are not refused for them.
pub(super) async fn sums_stop_where_numbers_end(world: World) {
    for id in ["1", "2", "3"] {
        world.start(call("t", id, None, 0)).await.unwrap();
        world.end(end(id, SpanStatus::Ok, 1, json!({"cost_usd": 8_999_999.0}))).await.unwrap();
        world.write_all(vec![write_point(tokens(0, "input", f64::MAX))]).await;
    }
    let hours = world.sums(Tier::Hour).await;
    let all = &hours[&(Tier::Hour.start_of(at(0)), "a".into(), Dimension::Agent)];
    assert_eq!((all[Measure::LlmCalls], all[Measure::InputTokens]), (3, i64::MAX));
    assert_eq!(all[Measure::ReportedCost], i64::MAX);
    let counts = world.trace_row("t").await.unwrap().summary.counts;
    assert_eq!((counts.llm_calls, counts.reported_cost), (3, i64::MAX));
}

pub(super) async fn rollups_are_read_by_agent_and_bin(world: World) {
    let mut batch = Vec::new();
    for minute in 0..90 {
        let agent = if minute % 3 == 0 { "b" } else { "a" };
        batch.push(start(named(span("t", &minute.to_string(), None, minute * MINUTE), agent)));
    }
    world.write_all(batch).await;
    let minutes = all_rollups(Tier::Minute, DimensionKind::Agent);
    let started = async |query: RollupQuery| -> Vec<(i64, String, i64)> {
        let mut rows = world.rollups(&query).await;
        rows.sort_by(|one, other| (one.bin, &one.agent).cmp(&(other.bin, &other.agent)));
        rows.into_iter()
            .map(|row| {
                let minute = (row.bin.micros() - at(0).minute().micros()) / MINUTE;
                (minute, row.agent, row.tally[Measure::Started])
            })
            .collect()
    };
    let of = |minute: i64, agent: &str, count: i64| (minute, agent.to_owned(), count);
    assert_eq!(started(minutes.clone()).await.len(), 90);
    let (since, until) = (at(10 * MINUTE).minute(), at(13 * MINUTE).minute());
    let window = RollupQuery { since, until, ..minutes.clone() };
    assert_eq!(started(window.clone()).await, [of(10, "a", 1), of(11, "a", 1), of(12, "b", 1)]);
    let one_bin = RollupQuery { bin: None, ..window };
    assert_eq!(started(one_bin.clone()).await, [of(10, "a", 2), of(10, "b", 1)]);
    assert_eq!(started(RollupQuery { agent: Some("b".into()), ..one_bin }).await, [of(10, "b", 1)]);
    let half_hours = RollupQuery { bin: Some(Duration::from_secs(1_800)), ..minutes.clone() };
    assert_eq!(
        started(half_hours).await,
        [of(0, "a", 20), of(0, "b", 10), of(30, "a", 20), of(30, "b", 10), of(60, "a", 20), of(60, "b", 10)]
    );
    let hours = all_rollups(Tier::Hour, DimensionKind::Agent);
    assert_eq!(
        started(hours).await,
        [of(-30, "a", 20), of(-30, "b", 10), of(30, "a", 40), of(30, "b", 20)],
        "an hour begins where the clock's does"
    );
    let steps = RollupQuery { dimension: DimensionKind::Step, ..minutes };
    assert_eq!(started(steps).await, [], "nothing has ended");
}

fn tokens(micros: i64, token_type: &str, value: f64) -> Point {
    let labels = [("agent_name", "a"), ("token_type", token_type)];
    Point { timestamp: at(micros), ..point("agent_tokens_total", MetricKind::Counter, value, &labels) }
}

pub(super) async fn recorded_points_count_and_come_back(world: World) {
    let cost = Point {
        timestamp: at(MINUTE),
        ..point("agent_cost_usd_total", MetricKind::Counter, 0.25, &[("model", "m")])
    };
    let mut points = vec![tokens(0, "input", 7.0), tokens(0, "output", 3.0), tokens(5, "input", 1.0), cost];
    points[1].trace_id = Some(TraceId::stored("t"));
    let mut batch: Vec<_> = points.iter().cloned().map(write_point).collect();
    batch.push(write_point(point("calls_total", MetricKind::Counter, 9.0, &[])));
    world.write_all(batch).await;
    let negative = Point { value: -1.0, ..tokens(9, "input", 0.0) };
    world.write_one(write_point(negative)).await.unwrap_err();
    points.sort_by(|one, other| (one.timestamp, &one.id).cmp(&(other.timestamp, &other.id)));
    assert_eq!(world.points().await, points, "what is not counted, and what was refused, is not kept");
    let read = async |since, until, after, limit| {
        world.store.points(&world.project, at(since), at(until), after, limit).await.unwrap()
    };
    assert_eq!(read(0, 5, None, 10).await, points[..2]);
    let first = read(0, 6, None, 1).await;
    let after = Some((first[0].timestamp, first[0].id.clone()));
    assert_eq!(read(0, 6, after, 10).await, points[1..3]);
    let minutes = world.sums(Tier::Minute).await;
    let of_a = &minutes[&(at(0).minute(), "a".into(), Dimension::Agent)];
    assert_eq!((of_a[Measure::InputTokens], of_a[Measure::OutputTokens]), (8, 3));
    let unnamed = &minutes[&(at(MINUTE).minute(), "unknown".into(), Dimension::Agent)];
    assert_eq!(unnamed[Measure::ReportedCost], 250_000_000_000);
    assert_recounted(&world).await;
}

/// What spans feed is in their own contributions.
pub(super) async fn points_of_spans_count_once(world: World) {
    world.start(call("t", "1", None, 0)).await.unwrap();
    world.end(end("1", SpanStatus::Ok, 1, json!({"input_tokens": 7, "cost_usd": 1.0}))).await.unwrap();
    assert_eq!(world.points().await, []);
    let hours = world.sums(Tier::Hour).await;
    let all = &hours[&(Tier::Hour.start_of(at(0)), "a".into(), Dimension::Agent)];
    assert_eq!(all[Measure::InputTokens], 7);
}

pub(super) async fn failures_are_grouped(world: World) {
    let failures =
        [(5, "1", "no user 12345"), (3, "2", "no user 99"), (9, "3", "no user 7"), (9, "4", "else")];
    for (seconds, id, error) in failures {
        world.start(named(span("t", id, None, 0), "a")).await.unwrap();
        world.end(end(id, SpanStatus::Error, seconds * SECOND, json!({"error": error}))).await.unwrap();
    }
    let spans = world.spans().await;
    let fingerprint = |id: &str| {
        spans.iter().find(|span| span.span_id.as_str() == id).unwrap().error_fingerprint().unwrap()
    };
    let (users, other) = (fingerprint("1"), fingerprint("4"));
    let asked = [users.clone(), "0000000000000000".into(), other.clone()];
    let mut groups = world.store.error_groups(&world.project, &asked).await.unwrap();
    groups.sort_by_key(|group| group.first_seen);
    let expected = ErrorGroup {
        fingerprint: users,
        kind: "other".into(),
        step: "step".into(),
        message: "no user #".into(),
        first_seen: at(3 * SECOND),
        last_seen: at(9 * SECOND),
        sample_trace_id: TraceId::stored("t"),
        sample_span_id: SpanId::stored("3"),
        sample_message: "no user 7".into(),
    };
    assert_eq!(groups[0], expected);
    assert_eq!((groups.len(), groups[1].fingerprint.as_str()), (2, other.as_str()));
}

pub(super) async fn series_go_through_time(world: World) {
    let mut batch = Vec::new();
    // Each at an instant of its own: of one instant, the shards of a cluster know no order.
    for (micros, (minute, value)) in (0..).zip([(0, 1.0), (0, 2.0), (1, 4.0), (10, 8.0), (70, 16.0)]) {
        for (name, kind) in [
            ("calls_total", MetricKind::Counter),
            ("depth", MetricKind::Gauge),
            ("wait_seconds", MetricKind::Histogram),
        ] {
            let point = point(name, kind, value, &[("a", "1")]);
            batch.push(write_point(Point { timestamp: at(minute * MINUTE + micros), ..point }));
        }
    }
    batch.push(write_point(point("calls_total", MetricKind::Counter, 0.5, &[("a", "2")])));
    world.write_all(batch).await;
    let history = async |name: &str, since: i64, until: i64, minutes: u64| {
        let (since, until) = (at(since * MINUTE), at(until * MINUTE));
        let query = SeriesQuery { name: name.into(), since, until, bin: Duration::from_secs(60 * minutes) };
        let mut found = world.store.series_history(&world.project, &query).await.unwrap();
        found.sort_by(|one, other| one.labels.cmp(&other.labels));
        found
    };
    let calls = history("calls_total", 0, 100, 1).await;
    let labels: Vec<&str> = calls.iter().map(|series| series.labels["a"].as_str()).collect();
    assert_eq!((labels, calls[0].kind), (vec!["1", "2"], MetricKind::Counter));
    let sums: Vec<(i64, u64, f64, f64)> = calls[0]
        .bins
        .iter()
        .map(|bin| ((bin.start.micros() - at(0).minute().micros()) / MINUTE, bin.count, bin.sum, bin.last))
        .collect();
    assert_eq!(sums, [(0, 2, 3.0, 2.0), (1, 1, 4.0, 4.0), (10, 1, 8.0, 8.0), (70, 1, 16.0, 16.0)]);
    let depth = history("depth", 0, 60, 30).await;
    assert_eq!((depth[0].bins.len(), depth[0].bins[0].last, depth[0].bins[0].count), (1, 8.0, 4));
    let waits = history("wait_seconds", 0, 60, 30).await;
    let buckets = &waits[0].bins[0].buckets;
    assert_eq!((buckets.iter().sum::<u64>(), buckets[bucket_of("wait_seconds", 4.0)]), (4, 1));
    assert_eq!(history("calls_total", 2, 9, 1).await, [], "nothing was recorded then");
    assert_eq!(history("nothing", 0, 100, 1).await, []);
    world.start(named(span("t", "1", None, 0), "a")).await.unwrap();
    world.end(end("1", SpanStatus::Ok, 2 * SECOND, json!({}))).await.unwrap();
    let fed = history("agent_span_duration_seconds", 0, 1, 1).await;
    assert_eq!((fed.len(), fed[0].bins[0].sum), (1, 2.0), "spans feed them too");
}

pub(super) async fn series_are_dated(world: World) {
    let late = Point { timestamp: at(7), ..point("calls_total", MetricKind::Counter, 2.0, &[]) };
    let early = Point { timestamp: at(3), ..point("depth", MetricKind::Gauge, 1.0, &[]) };
    world.write_all(vec![write_point(early), write_point(late)]).await;
    let series = |name: &str, value| Series { name: name.into(), labels: BTreeMap::new(), value };
    let expected = [
        (series("calls_total", SeriesValue::Counter(2.0)), at(7)),
        (series("depth", SeriesValue::Gauge(1.0)), at(3)),
    ];
    assert_eq!(world.store.dated_series(&world.project).await.unwrap(), expected);
}

pub(super) async fn numbers_outlive_their_records(world: World) {
    let old = -10 * 24 * HOUR;
    world
        .write_all(vec![
            start(call("t", "old", None, old)),
            write_end(end("old", SpanStatus::Error, old + SECOND, json!({"error": "boom"}))),
            write_point(tokens(old, "input", 5.0)),
            start(call("u", "new", None, 0)),
            write_end(end("new", SpanStatus::Ok, SECOND, json!({}))),
        ])
        .await;
    let fingerprint = world.spans().await[0].error_fingerprint().unwrap();
    let hours = world.sums(Tier::Hour).await;
    while world.store.expire(at(SECOND)).await.unwrap().more {}
    assert_eq!(world.spans().await.len(), 1);
    assert_eq!(world.points().await, []);
    assert_eq!(world.sums(Tier::Hour).await, hours, "hours are kept longer than records");
    let kept = 8 * 24 * 60 * MINUTE;
    let minutes = world.sums(Tier::Minute).await;
    assert!(!minutes.is_empty());
    assert!(minutes.keys().all(|(minute, ..)| (at(0).micros() - minute.micros()).abs() < kept));
    let asked = [fingerprint];
    assert_eq!(world.store.error_groups(&world.project, &asked).await.unwrap().len(), 1);
    let query = SeriesQuery {
        name: "agent_tokens_total".into(),
        since: at(old - HOUR),
        until: at(old + HOUR),
        bin: Duration::from_secs(60),
    };
    assert_eq!(world.store.series_history(&world.project, &query).await.unwrap(), []);
    while world.store.expire(at(395 * 24 * HOUR)).await.unwrap().more {}
    let left = world.sums(Tier::Hour).await;
    assert!(!left.is_empty() && left.len() < hours.len(), "of the hours the old one is gone");
    assert_eq!(world.store.error_groups(&world.project, &asked).await.unwrap(), []);
}
