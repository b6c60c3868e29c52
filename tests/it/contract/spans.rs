//! Spans: their rules, their traces, what they feed.

use serde_json::json;
use watchglass::model::{
    Code, Log, MAX_SPANS_PER_TRACE, MetricKind, Point, SeriesValue, Span, SpanId, SpanKind, SpanStatus,
    TraceId, TraceQuery, Written,
};

use super::world::{
    World, at, empty, end, log, named, point, span, start, with_metadata, write_end, write_log, write_point,
};

pub(super) async fn a_span_starts_and_ends(world: World) {
    let mut root = with_metadata(named(span("t", "1", None, 0), "a"), json!({"step": 1, "session_id": "s"}));
    root.redacted = vec!["name".into()];
    let started = world.start(root.clone()).await.unwrap();
    assert_eq!(started, root);
    assert_eq!(world.trace("t").await.spans, [root]);
    let metadata = json!({"error": "boom", "input_tokens": 7, "cost_usd": 0.25});
    let mut told = end("1", SpanStatus::Error, 2_500_000, metadata);
    told.redacted = vec!["metadata.error".into()];
    let (ended, already) = world.end(told).await.unwrap();
    assert!(!already);
    assert_eq!(ended.redacted, ["name", "metadata.error"]);
    assert_eq!((ended.duration_ms, ended.error.as_deref()), (Some(2_500.0), Some("boom")));
    assert_eq!((ended.usage.input, ended.reported_cost_pico_usd), (Some(7), Some(250_000_000_000)));
    let page = world.trace("t").await;
    assert_eq!((page.spans, page.total), (vec![ended], 1));
    assert_eq!((page.agent_name.as_deref(), page.last_activity), (Some("a"), Some(at(2_500_000))));
    let unknown = world.trace("unknown").await;
    assert_eq!((unknown.spans.len(), unknown.total, unknown.last_activity), (0, 0, None));
}

pub(super) async fn starts_repeat_or_conflict(world: World) {
    let first = world.start(span("t", "1", None, 0)).await.unwrap();
    let again = world.start(span("t", "1", None, 5)).await.unwrap();
    assert_eq!(first, again, "the same content is answered as it was stored");
    let other = world.start(span("other", "1", None, 0)).await.unwrap_err();
    assert_eq!((other.code, other.field.as_deref()), (Code::SpanConflict, Some("span_id")));
    let both = world.write(vec![start(span("t", "2", None, 0)), start(span("u", "2", None, 0))]).await;
    assert!(both[0].is_ok());
    assert_eq!(both[1].as_ref().unwrap_err().code, Code::SpanConflict);
    assert_eq!((world.trace("t").await.total, world.trace("other").await.total), (2, 0));
}

pub(super) async fn ends_are_final(world: World) {
    let unknown = world.end(end("1", SpanStatus::Ok, 1, empty())).await.unwrap_err();
    assert_eq!(unknown.code, Code::SpanNotFound);
    world.start(span("t", "1", None, 0)).await.unwrap();
    let (first, already) = world.end(end("1", SpanStatus::Ok, 1_000, json!({"a": 1}))).await.unwrap();
    assert!(!already);
    let (again, already) = world.end(end("1", SpanStatus::Ok, 2_000, json!({"a": 2}))).await.unwrap();
    assert!(already);
    assert_eq!(first, again);
    let other = world.end(end("1", SpanStatus::Error, 3_000, empty())).await.unwrap_err();
    assert_eq!(other.code, Code::SpanAlreadyEnded);
    assert_eq!(world.trace("t").await.spans, [first]);
}

pub(super) async fn agents_are_inherited(world: World) {
    world.start(named(span("t", "root", None, 0), "planner")).await.unwrap();
    let child = world.start(span("t", "child", Some("root"), 1)).await.unwrap();
    assert_eq!(child.agent_name.as_deref(), Some("planner"));
    let own = world.start(named(span("t", "own", Some("root"), 2), "worker")).await.unwrap();
    assert_eq!(own.agent_name.as_deref(), Some("worker"));

    let mut told = log(0, "e", "m");
    (told.trace_id, told.agent_name) = (Some(TraceId::stored("u")), Some("from-log".into()));
    let batch = world.write(vec![write_log(told), start(span("u", "2", None, 1))]).await;
    let Ok(Written::SpanStarted(second)) = &batch[1] else { panic!("{batch:?}") };
    assert_eq!(second.agent_name.as_deref(), Some("from-log"));

    let value = Point {
        trace_id: Some(TraceId::stored("v")),
        ..point("calls_total", MetricKind::Counter, 1.0, &[("agent_name", "from-point")])
    };
    let late = world.start(span("v", "3", None, 0)).await.unwrap();
    assert_eq!(late.agent_name, None);
    world.write_all(vec![write_point(value)]).await;
    let (late, _) = world.end(end("3", SpanStatus::Ok, 9, empty())).await.unwrap();
    assert_eq!(late.agent_name.as_deref(), Some("from-point"));
    assert_eq!(world.trace("v").await.agent_name.as_deref(), Some("from-point"));
}

pub(super) async fn a_parent_that_is_here_is_not_remote(world: World) {
    let remote = |id: &str, parent: &str| Span { parent_remote: true, ..span("t", id, Some(parent), 1) };
    world.start(span("t", "root", None, 0)).await.unwrap();
    assert!(!world.start(remote("local", "root")).await.unwrap().parent_remote);
    assert!(world.start(remote("entry", "elsewhere")).await.unwrap().parent_remote);
    let spans = world.trace("t").await.spans;
    let flags: Vec<(&str, bool)> =
        spans.iter().map(|span| (span.span_id.as_str(), span.parent_remote)).collect();
    assert_eq!(flags, [("root", false), ("entry", true), ("local", false)]);
}

pub(super) async fn aliases_resolve(world: World) {
    let root = world.start(span("my-trace", "my-span", None, 0)).await.unwrap();
    let aliases: Vec<(String, String)> =
        root.w3c_aliases().map(|(alias, id)| (alias, id.to_owned())).collect();
    assert_eq!(aliases.len(), 2);
    for (alias, id) in aliases {
        assert_eq!(world.store.resolve(&world.project, &alias).await.unwrap(), Some(id));
    }
    assert_eq!(world.store.resolve(&world.project, "0000000000000001").await.unwrap(), None);
}

pub(super) async fn a_span_is_found_by_its_id(world: World) {
    let held = world.start(span("t", "held", None, 0)).await.unwrap();
    let (held, _) =
        world.end(end("held", SpanStatus::Error, 5, json!({ "error": held.name }))).await.unwrap();
    let find = async |id: &str| world.store.span(&world.project, &SpanId::stored(id)).await.unwrap();
    assert_eq!(find("held").await, Some(held));
    assert_eq!(find("other").await, None);
}

pub(super) async fn large_traces_come_in_pages(world: World) {
    let mut batch = vec![start(span("t", "root", None, 0))];
    // Two spans at each instant.
    batch.extend((0..1_199).map(|index| start(span("t", &format!("{index:04}"), Some("root"), index / 2))));
    world.write_all(batch).await;
    let mut query = TraceQuery { trace_id: TraceId::stored("t"), limit: 500, after: None };
    let mut ids = Vec::new();
    loop {
        let page = world.store.trace(&world.project, &query).await.unwrap();
        assert_eq!(page.total, 1_200);
        assert!(page.spans.is_sorted_by_key(Span::position));
        ids.extend(page.spans.into_iter().map(|span| span.span_id));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 1_200);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1_200);
}

pub(super) async fn a_trace_has_a_limit(world: World) {
    let limit = usize::try_from(MAX_SPANS_PER_TRACE).unwrap();
    for chunk in 0..limit / 500 {
        let ids = chunk * 500..(chunk + 1) * 500;
        world.write_all(ids.map(|id| start(span("t", &format!("{id:05}"), None, 0))).collect()).await;
    }
    let problem = world.start(span("t", "one-more", None, 0)).await.unwrap_err();
    assert_eq!((problem.code, problem.limit), (Code::TraceTooLarge, Some(MAX_SPANS_PER_TRACE)));
    world.start(span("t", "00000", None, 0)).await.expect("a repetition is no further span");
    world.start(span("u", "other-trace", None, 0)).await.unwrap();
}

pub(super) async fn one_batch_may_start_and_end(world: World) {
    let answers = world
        .write(vec![
            start(named(span("t", "1", None, 0), "a")),
            start(span("t", "2", Some("1"), 1)),
            start(span("t", "3", Some("2"), 2)),
            write_end(end("3", SpanStatus::Ok, 3_000, empty())),
            write_end(end("2", SpanStatus::Ok, 4_000, empty())),
            write_end(end("1", SpanStatus::Error, 5_000, empty())),
            write_end(end("1", SpanStatus::Ok, 6_000, empty())),
        ])
        .await;
    assert!(answers[..6].iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(answers[6].as_ref().unwrap_err().code, Code::SpanAlreadyEnded);
    let spans = world.trace("t").await.spans;
    assert!(spans.iter().all(|span| span.agent_name.as_deref() == Some("a") && span.end_time.is_some()));
}

pub(super) async fn roots_are_open_until_they_end(world: World) {
    world.start(named(span("t", "1", None, 0), "a")).await.unwrap();
    world.start(span("t", "2", Some("1"), 5)).await.unwrap();
    let entry = Span { parent_remote: true, ..span("u", "3", Some("elsewhere"), 1) };
    world.start(entry).await.unwrap();
    let mut told = Log { trace_id: Some(TraceId::stored("u")), ..log(9, "e", "m") };
    told.agent_name = Some("b".into());
    world.write_all(vec![write_log(told)]).await;
    let open = async || {
        let mut roots = world.store.open_spans(&world.project).await.unwrap();
        roots.retain(|span| span.is_root);
        roots.sort_by_key(|root| root.last_activity);
        roots
    };
    let now = open().await;
    let agents: Vec<_> = now.iter().map(|root| root.agent_name.as_deref().unwrap()).collect();
    assert_eq!(agents.len(), 2, "{now:?}");
    assert!(agents.contains(&"a") && agents.contains(&"b"));
    world.end(end("1", SpanStatus::Ok, 2_000_010, empty())).await.unwrap();
    let now = open().await;
    assert_eq!(now[0].agent_name.as_deref(), Some("b"));
    assert_eq!(now.len(), 1);
    world.end(end("3", SpanStatus::Ok, 20, empty())).await.unwrap();
    assert_eq!(open().await, []);
}

pub(super) async fn ended_spans_feed_metrics(world: World) {
    for (id, status) in [("1", SpanStatus::Ok), ("2", SpanStatus::Error)] {
        let mut call = named(span("t", id, None, 0), "a");
        (call.kind, call.name) = (SpanKind::Llm, "llm_call".into());
        world.start(call).await.unwrap();
        let metadata = json!({"input_tokens": 10, "output_tokens": 5, "model": "m", "cost_usd": 0.5});
        world.end(end(id, status, 2_000_000, metadata)).await.unwrap();
        world.end(end(id, status, 3_000_000, empty())).await.unwrap();
    }
    let series = world.store.series(&world.project).await.unwrap();
    let value = |name: &str, label: (&str, &str)| {
        let found = series.iter().find(|series| {
            series.name == name && series.labels.get(label.0).is_some_and(|value| value == label.1)
        });
        found.unwrap_or_else(|| panic!("{name}: {series:?}")).value.clone()
    };
    assert_eq!(value("agent_tokens_total", ("token_type", "input")), SeriesValue::Counter(20.0));
    assert_eq!(value("agent_tokens_total", ("token_type", "output")), SeriesValue::Counter(10.0));
    assert_eq!(value("agent_cost_usd_total", ("model", "m")), SeriesValue::Counter(1.0));
    assert_eq!(value("agent_span_errors_total", ("span_name", "llm_call")), SeriesValue::Counter(1.0));
    let SeriesValue::Histogram { buckets, sum } = value("agent_span_duration_seconds", ("span_kind", "llm"))
    else {
        panic!("{series:?}");
    };
    assert_eq!((buckets.iter().sum::<u64>(), sum), (2, 4.0));
}
