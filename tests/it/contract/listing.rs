//! Lists: spans of all traces, traces, and what a store says of itself.

use serde_json::json;
use watchglass::model::{
    Log, LogQuery, MetricKind, Span, SpanKind, SpanQuery, SpanStatus, SpanTime, Total, TraceId,
    TraceListQuery, TraceSort,
};

use super::world::{
    Engine, MINUTE, SECOND, World, any_log, any_trace, at, empty, end, log, named, point, span, start,
    with_metadata, write_end, write_log, write_point,
};

fn ids(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.span_id.as_str()).collect()
}

pub(super) async fn spans_come_by_either_time(world: World) {
    // Three starts at one instant, and ends in another order.
    let times = [("1", 0, 90), ("2", 5, 50), ("3", 5, 70), ("4", 5, 70), ("5", 8, 10)];
    for (id, started, ended) in times {
        world.start(span(id, id, None, started)).await.unwrap();
        world.end(end(id, SpanStatus::Ok, ended, empty())).await.unwrap();
    }
    world.start(span("t", "open", None, 6)).await.unwrap();
    for limit in [1, 2, 100] {
        let read = async |by, newest_first| world.spans_by(by, newest_first, limit).await;
        assert_eq!(ids(&read(SpanTime::Start, false).await), ["1", "2", "3", "4", "open", "5"]);
        assert_eq!(ids(&read(SpanTime::Start, true).await), ["5", "open", "4", "3", "2", "1"]);
        assert_eq!(ids(&read(SpanTime::End, false).await), ["5", "2", "3", "4", "1"]);
        assert_eq!(ids(&read(SpanTime::End, true).await), ["1", "4", "3", "2", "5"]);
    }
    let window = async |by, since, until, newest_first| {
        let (since, until) = (at(since), at(until));
        let query = SpanQuery { by, since, until, newest_first, limit: 10, after: None };
        world.store.spans(&world.project, &query).await.unwrap().spans
    };
    assert_eq!(ids(&window(SpanTime::Start, 5, 8, false).await), ["2", "3", "4", "open"]);
    assert_eq!(ids(&window(SpanTime::End, 50, 90, true).await), ["4", "3", "2"]);
    assert_eq!(window(SpanTime::End, 91, 1_000, false).await, []);
}

pub(super) async fn open_spans_are_of_every_kind(world: World) {
    world.start(named(span("t", "root", None, 0), "a")).await.unwrap();
    let call = Span { kind: SpanKind::Llm, ..span("t", "call", Some("root"), 5) };
    world.start(call).await.unwrap();
    world.start(span("t", "done", Some("root"), 7)).await.unwrap();
    world.end(end("done", SpanStatus::Ok, 9 * SECOND, empty())).await.unwrap();
    let open = world.store.open_spans(&world.project).await.unwrap();
    let told: Vec<(&str, SpanKind, bool)> =
        open.iter().map(|span| (span.span_id.as_str(), span.kind, span.is_root)).collect();
    assert_eq!(told, [("call", SpanKind::Llm, false), ("root", SpanKind::Other, true)], "newest first");
    assert_eq!((open[0].agent_name.as_deref(), open[0].last_activity), (Some("a"), at(9 * SECOND)));
    assert_eq!((open[1].start_time, open[1].trace_id.as_str(), open[1].name.as_str()), (at(0), "t", "step"));
}

async fn listed(world: &World, query: TraceListQuery) -> Vec<String> {
    world.traces(&query).await.traces.into_iter().map(|row| row.trace_id.into()).collect()
}

pub(super) async fn traces_come_newest_first(world: World) {
    // Pairs that start at one instant.
    let batch =
        (0..25_i64).map(|index| start(span(&format!("t{index:02}"), &index.to_string(), None, index / 2)));
    world.write_all(batch.collect()).await;
    let told = Log { trace_id: Some(TraceId::stored("only-logs")), ..log(3, "e", "m") };
    world.write_all(vec![write_log(told)]).await;
    assert_eq!(world.trace_row("only-logs").await, None, "without a span there is nothing to sum up");
    let whole = listed(&world, any_trace()).await;
    assert_eq!(whole, (0..25).rev().map(|index| format!("t{index:02}")).collect::<Vec<_>>());
    for limit in [1, 4, 25] {
        let mut query = TraceListQuery { limit, ..any_trace() };
        let mut pages = Vec::new();
        loop {
            let page = world.traces(&query).await;
            assert_eq!((page.total, page.complete), (Total { value: 25, exact: true }, true));
            assert!(page.traces.len() <= limit);
            pages.extend(page.traces.into_iter().map(|row| String::from(row.trace_id)));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(pages, whole);
    }
    let window = TraceListQuery { since: at(2), until: at(4), ..any_trace() };
    assert_eq!(listed(&world, window.clone()).await, ["t07", "t06", "t05", "t04"]);
    assert_eq!(world.traces(&window).await.total, Total { value: 4, exact: true });
}

pub(super) async fn a_trace_is_the_sum_of_its_spans(world: World) {
    let root = with_metadata(named(span("t", "1", None, 0), "a"), json!({"session_id": "s"}));
    let call = Span { kind: SpanKind::Llm, name: "llm_call".into(), ..span("t", "2", Some("1"), SECOND) };
    let tool = Span { kind: SpanKind::Tool, ..span("t", "3", Some("1"), SECOND) };
    world.write_all(vec![start(call), start(root), start(tool)]).await;
    let usage = json!({"input_tokens": 10, "output_tokens": 4, "cost_usd": 0.25});
    world.end(end("2", SpanStatus::Ok, 2 * SECOND, usage)).await.unwrap();
    world.end(end("3", SpanStatus::Error, 3 * SECOND, json!({"error": "boom"}))).await.unwrap();
    let row = world.trace_row("t").await.unwrap();
    let summary = &row.summary;
    assert_eq!((row.trace_id.as_str(), row.last_activity), ("t", at(3 * SECOND)));
    assert_eq!(
        (summary.status(false), summary.status(true)),
        (SpanStatus::InProgress, SpanStatus::Abandoned)
    );
    assert_eq!(summary.duration_ms(), Some(3_000.0));
    assert_eq!((summary.agent_name.as_deref(), summary.session_id.as_deref()), (Some("a"), Some("s")));
    let counts = &summary.counts;
    assert_eq!((counts.spans, counts.open, counts.errors), (3, 1, 1));
    assert_eq!((counts.llm_calls, counts.tool_calls, counts.tokens()), (1, 1, 14));
    assert_eq!((counts.cost(), summary.error()), (250_000_000_000, Some("boom")));
    world.end(end("1", SpanStatus::Ok, 5 * SECOND, empty())).await.unwrap();
    let row = world.trace_row("t").await.unwrap();
    assert_eq!((row.summary.status(true), row.summary.duration_ms()), (SpanStatus::Ok, Some(5_000.0)));
    assert_eq!(row.summary.root.as_ref().unwrap().span_id.as_str(), "1");
    assert_eq!(world.traces(&any_trace()).await.traces, [row]);
    assert_eq!(world.trace_row("unknown").await, None);
}

/// Four traces: one that went well, one that failed, one in progress, one of an agent that only a log names.
async fn four(world: &World) {
    let rooted = |id: &str, agent: Option<&str>, session: &str, micros| {
        let root = with_metadata(span(id, id, None, micros), json!({"session_id": session}));
        Span { agent_name: agent.map(str::to_owned), name: format!("Run {id}"), ..root }
    };
    let mut told = Log { trace_id: Some(TraceId::stored("named")), ..log(5, "e", "m") };
    told.agent_name = Some("from-log".into());
    world
        .write_all(vec![
            start(rooted("good", Some("a"), "s1", 0)),
            start(rooted("bad", Some("a"), "s2", SECOND)),
            start(rooted("open", Some("b"), "s1", 2 * SECOND)),
            start(rooted("named", None, "s2", 3 * SECOND)),
            write_log(told),
            write_end(end("good", SpanStatus::Ok, 9 * SECOND, json!({"input_tokens": 1}))),
            write_end(end("bad", SpanStatus::Error, 3 * SECOND, json!({"error": "Out of LUCK"}))),
        ])
        .await;
    let call = Span { kind: SpanKind::Llm, ..span("bad", "call", Some("bad"), 2 * SECOND) };
    world.start(call).await.unwrap();
    let usage = json!({"input_tokens": 100, "cost_usd": 2.0});
    world.end(end("call", SpanStatus::Ok, 3 * SECOND, usage)).await.unwrap();
}

pub(super) async fn traces_are_filtered(world: World) {
    four(&world).await;
    let find = async |query: TraceListQuery| {
        let rows = world.traces(&query).await;
        assert_eq!(
            (rows.total, rows.complete),
            (Total { value: rows.traces.len() as u64, exact: true }, true)
        );
        rows.traces.into_iter().map(|row| row.trace_id.into()).collect::<Vec<String>>()
    };
    let agent = |name: &str| TraceListQuery { agent_name: Some(name.into()), ..any_trace() };
    assert_eq!(find(agent("a")).await, ["bad", "good"]);
    assert_eq!(find(agent("from-log")).await, ["named"]);
    assert_eq!(find(agent("nobody")).await, [""; 0]);
    let session = |id: &str| TraceListQuery { session_id: Some(id.into()), ..any_trace() };
    assert_eq!(find(session("s1")).await, ["open", "good"]);
    assert_eq!(find(TraceListQuery { session_id: Some("s2".into()), ..agent("a") }).await, ["bad"]);
    let status = |status| TraceListQuery { status: Some(status), ..any_trace() };
    assert_eq!(find(status(SpanStatus::Ok)).await, ["good"]);
    assert_eq!(find(status(SpanStatus::Error)).await, ["bad"]);
    assert_eq!(find(status(SpanStatus::InProgress)).await, ["named", "open"]);
    assert_eq!(find(status(SpanStatus::Abandoned)).await, [""; 0]);
    let stale = TraceListQuery { stale: at(MINUTE), ..status(SpanStatus::Abandoned) };
    assert_eq!(find(stale).await, ["named", "open"]);
    let least = |least| TraceListQuery { min_duration_ms: Some(least), ..any_trace() };
    assert_eq!(find(least(2_000.0)).await, ["bad", "good"]);
    assert_eq!(find(least(2_000.5)).await, ["good"]);
    let words = |words: &[&str]| TraceListQuery {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        ..any_trace()
    };
    assert_eq!(find(words(&["run", "luck"])).await, ["bad"]);
    assert_eq!(find(words(&["from-log"])).await, ["named"]);
    assert_eq!(find(words(&["s1"])).await, ["open", "good"]);
    assert_eq!(find(words(&["absent"])).await, [""; 0]);
}

pub(super) async fn traces_are_sorted(world: World) {
    four(&world).await;
    let orders = [
        (TraceSort::Duration, ["good", "bad", "open", "named"]),
        (TraceSort::Cost, ["bad", "open", "named", "good"]),
        (TraceSort::Tokens, ["bad", "open", "named", "good"]),
        (TraceSort::Errors, ["bad", "open", "named", "good"]),
    ];
    for (sort, expected) in orders {
        for limit in [1, 3, 4] {
            let mut query = TraceListQuery { sort, limit, ..any_trace() };
            let mut found = Vec::new();
            loop {
                let page = world.traces(&query).await;
                assert_eq!((page.total, page.complete), (Total { value: 4, exact: true }, true));
                found.extend(page.traces.into_iter().map(|row| String::from(row.trace_id)));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{sort:?} by {limit}");
        }
    }
}

pub(super) async fn logs_end_before_until(world: World) {
    let batch = (0..10_i64).map(|index| write_log(log(index, "e", &index.to_string())));
    world.write_all(batch.collect()).await;
    let query = LogQuery { since: at(2), until: Some(at(5)), limit: 2, ..any_log() };
    let page = world.store.logs(&world.project, &query).await.unwrap();
    assert_eq!(page.total, Total { value: 3, exact: true });
    assert_eq!(world.messages(&query).await, ["4", "3"]);
    assert_eq!(world.messages(&LogQuery { before: page.next, ..query.clone() }).await, ["2"]);
    let worded = LogQuery { words: vec!["4".into()], ..query };
    let page = world.store.logs(&world.project, &worded).await.unwrap();
    assert_eq!(page.total, Total { value: 1, exact: true });
}

pub(super) async fn a_store_tells_its_size(world: World) {
    let none = world.store.size(&world.project).await.unwrap();
    assert_eq!((none.logs.value, none.spans.value, none.traces.value, none.series.value), (0, 0, 0, 0));
    assert_eq!((none.last_log, none.last_span), (None, None));
    let old = -10 * 24 * 60 * MINUTE;
    let of_trace = Log { trace_id: Some(TraceId::stored("logs")), ..log(7, "e", "m") };
    let repeated = write_log(log(9, "e", "m"));
    world
        .write_all(vec![
            write_log(log(old, "e", "m")),
            write_log(of_trace),
            repeated.clone(),
            repeated,
            start(span("old", "1", None, old)),
            start(span("t", "2", None, 5)),
            start(span("t", "3", Some("2"), 8)),
            write_point(point("calls_total", MetricKind::Counter, 1.0, &[])),
        ])
        .await;
    let size = world.store.size(&world.project).await.unwrap();
    let exactly = |value| Total { value, exact: true };
    assert_eq!((size.logs, size.spans, size.traces), (exactly(3), exactly(3), exactly(2)));
    assert_eq!((size.series, size.last_log, size.last_span), (exactly(1), Some(at(9)), Some(at(8))));
    assert!(size.bytes.is_some_and(|bytes| bytes > 0));
    while world.store.expire(at(SECOND)).await.unwrap().more {}
    let size = world.store.size(&world.project).await.unwrap();
    assert_eq!((size.logs, size.spans, size.traces), (exactly(2), exactly(2), exactly(1)));
    assert_eq!(world.store.projects().await.unwrap(), std::slice::from_ref(&world.project));
    let lists = world.store.list_lengths(&["nothing:here".into()]).await.unwrap();
    let is_redis = matches!(world.engine, Engine::Redis | Engine::Cluster);
    assert_eq!(lists, [is_redis.then_some(0)], "an embedded store has no lists of others");
}
