//! The numbers at a glance.

use watchglass::model::{MetricKind, Record, SpanKind, SpanStatus};
use watchglass::service::Caller;
use watchglass::service::numbers::Overview;

use super::world::{
    Engine, HOUR, MINUTE, NOW, Question, RECENT, SECOND, World, ago, close, ended, failed, json, llm, ok,
    request, step, text,
};
use crate::contract::world::{end, point};

pub(super) async fn each_number_is_the_one_counted_by_hand(world: World) {
    let first = request("alpha", 5 * MINUTE);
    let before = request("alpha", 5 * MINUTE + 1);
    let third = request("beta", 2 * MINUTE);
    world
        .hold([
            // Begins with the window; 1 s.
            ok(first.clone(), 4 * MINUTE + 59 * SECOND),
            // Begins before it, ends in it; 3 min and a microsecond.
            failed(before.clone(), 2 * MINUTE, "boom"),
            // 2 s.
            ended(third.clone(), SpanStatus::Cancelled, MINUTE + 58 * SECOND),
            // In progress.
            request("beta", MINUTE),
            llm(&first, "small", 4 * MINUTE, (1_000, 200), Some(0.25)),
            // In the last hour, and before the window.
            llm(&before, "small", 5 * MINUTE + 1, (10, 1), None),
            llm(&before, "small", HOUR, (500, 0), Some(0.5)),
            // Before the last hour.
            llm(&before, "small", HOUR + 1, (7_000, 0), Some(9.0)),
            failed(step(&first, SpanKind::Tool, "tool.search", 4 * MINUTE), 3 * MINUTE, "no result"),
            ok(step(&first, SpanKind::Tool, "tool.search", 4 * MINUTE), 3 * MINUTE),
        ])
        .await;

    let all = world.overview(RECENT).await;
    assert!(close(Some(all.requests_per_minute), Some(3.0 / 5.0), 1e-12), "{all:?}");
    assert!(close(all.error_rate, Some(100.0 / 3.0), 1e-12));
    assert!(close(all.avg_latency_ms, Some((1_000.0 + 180_000.001 + 2_000.0) / 3.0), 1e-12));
    assert_eq!((all.active_traces, all.active_traces_exact), (1, true));
    assert_eq!((all.tokens_per_hour, all.unpriced_calls), (1_711, 1));
    assert!(close(all.cost_usd, Some(0.75), 1e-12));
    assert!(close(all.p50_latency_ms, Some(2_000.0), 0.01));
    assert!(close(all.p95_latency_ms, Some(180_000.0), 0.01));
    assert!(close(all.p99_latency_ms, Some(180_000.0), 0.01));
    let totals = &all.totals;
    assert_eq!((totals.requests, totals.ended), (3, 3));
    assert_eq!((totals.successes, totals.errors, totals.cancelled), (1, 1, 1));
    assert_eq!((totals.tool_calls, totals.tool_errors, totals.spent.llm_calls), (2, 1, 1));
    assert_eq!((totals.spent.tokens.total, totals.spent.tokens.output), (1_200, 200));
    assert_eq!((totals.spent.cost_usd, totals.spent.unpriced_calls), (Some(0.25), 0));
    assert!(all.window.exact && close(Some(all.window.seconds), Some(300.0), 1e-12));
    assert_eq!(all.freshness.last_span.as_deref(), Some(ago(MINUTE).to_rfc3339().as_str()));
    assert_eq!(all.freshness.age_seconds, Some(60.0));

    let alpha = world.overview(Question { agent: "alpha", ..RECENT }).await;
    assert_eq!((alpha.totals.requests, alpha.totals.ended, alpha.active_traces), (1, 2, 0));
    assert_eq!((alpha.error_rate, alpha.tokens_per_hour), (Some(50.0), 1_711));
    let beta = world.overview(Question { agent: "beta", ..RECENT }).await;
    assert_eq!((beta.totals.requests, beta.totals.cancelled, beta.active_traces), (2, 1, 1));
    assert_eq!((beta.error_rate, beta.tokens_per_hour, beta.cost_usd), (Some(0.0), 0, Some(0.0)));
}

pub(super) async fn nothing_is_null_or_zero(world: World) {
    let answer = json(world.overview(RECENT).await);
    for (name, expected) in [
        ("requests_per_minute", json(0.0)),
        ("error_rate", json(None::<f64>)),
        ("avg_latency_ms", json(None::<f64>)),
        ("active_traces", json(0)),
        ("tokens_per_hour", json(0)),
        ("cost_usd", json(0.0)),
        ("unpriced_calls", json(0)),
        ("p50_latency_ms", json(None::<f64>)),
        ("p95_latency_ms", json(None::<f64>)),
        ("p99_latency_ms", json(None::<f64>)),
    ] {
        assert_eq!(answer[name], expected, "{name}");
    }
    let keys: Vec<&String> = answer.as_object().unwrap().keys().take(5).collect();
    assert_eq!(
        keys,
        ["requests_per_minute", "error_rate", "avg_latency_ms", "active_traces", "tokens_per_hour"],
        "the published ones come first"
    );
    assert_eq!(answer["freshness"]["age_seconds"], json(None::<f64>));
    assert_eq!(answer["freshness"]["as_of"], NOW.to_rfc3339());
}

pub(super) async fn running_requests_count_and_have_no_outcome(world: World) {
    let running = request("alpha", 2 * MINUTE);
    let step = step(&running, SpanKind::Tool, "tool.search", MINUTE);
    // At the very time of the question.
    world.hold([running, step, request("alpha", 0)]).await;
    let answer = world.overview(RECENT).await;
    assert_eq!((answer.totals.requests, answer.totals.ended, answer.active_traces), (2, 0, 2));
    assert_eq!((answer.error_rate, answer.avg_latency_ms, answer.p99_latency_ms), (None, None, None));
    assert_eq!((answer.totals.tool_calls, answer.tokens_per_hour), (0, 0));
}

pub(super) async fn what_is_abandoned_is_not_active(world: World) {
    let (stuck, busy) = (request("alpha", MINUTE), request("alpha", MINUTE));
    world.write(vec![Record::SpanStart(Box::new(stuck)), Record::SpanStart(Box::new(busy.clone()))]).await;
    assert_eq!(world.overview(RECENT).await.active_traces, 2);
    world.later(HOUR - MINUTE);
    // The last instant at which something happened an hour ago.
    assert_eq!(world.overview(RECENT).await.active_traces, 2);
    let alive = step(&busy, SpanKind::Tool, "tool.search", MINUTE - HOUR);
    world.write(vec![Record::SpanStart(Box::new(alive))]).await;
    world.later(1);
    let answer = world.overview(Question { window: "2h", ..RECENT }).await;
    assert_eq!((answer.active_traces, answer.totals.requests), (1, 2));
    assert_eq!(world.overview(RECENT).await.totals.requests, 0);
}

pub(super) async fn recorded_tokens_and_costs_count(world: World) {
    let counted = |name: &str, value, labels: &[(&str, &str)], ago_micros| {
        let mut point = point(name, MetricKind::Counter, value, labels);
        point.timestamp = ago(ago_micros);
        point
    };
    let input = [("agent_name", "alpha"), ("token_type", "input")];
    world.count(counted("agent_tokens_total", 120.0, &input, 5 * MINUTE)).await;
    world.count(counted("agent_tokens_total", 30.0, &input, 5 * MINUTE + 1)).await;
    let output = [("agent_name", "beta"), ("token_type", "output")];
    world.count(counted("agent_tokens_total", 7.0, &output, MINUTE)).await;
    let cost = [("agent_name", "alpha"), ("model", "small")];
    world.count(counted("agent_cost_usd_total", 0.125, &cost, MINUTE)).await;
    world.count(counted("agent_tool_calls_total", 99.0, &[("agent_name", "alpha")], MINUTE)).await;
    let all = world.overview(RECENT).await;
    assert_eq!((all.tokens_per_hour, all.totals.spent.tokens.total), (157, 127));
    assert_eq!((all.totals.spent.tokens.input, all.totals.spent.tokens.output), (120, 7));
    assert_eq!((all.cost_usd, all.last_hour.reported_cost_usd), (Some(0.125), 0.125));
    assert_eq!((all.totals.tool_calls, all.totals.spent.llm_calls, all.totals.requests), (0, 0, 0));
    let beta = world.overview(Question { agent: "beta", ..RECENT }).await;
    assert_eq!((beta.tokens_per_hour, beta.cost_usd), (7, Some(0.0)));
}

pub(super) async fn a_request_is_of_the_agent_it_ends_with(world: World) {
    let mut nobodys = request("", 2 * MINUTE);
    nobodys.agent_name = None;
    let span_id = nobodys.span_id.to_string();
    world.write(vec![Record::SpanStart(Box::new(nobodys))]).await;
    assert_eq!(world.overview(Question { agent: "unknown", ..RECENT }).await.totals.requests, 1);
    let mut told = end(&span_id, SpanStatus::Ok, 0, json(serde_json::json!({ "agent_name": "alpha" })));
    told.end_time = ago(MINUTE);
    world.write(vec![Record::SpanEnd(Box::new(told))]).await;
    let alpha = world.overview(Question { agent: "alpha", ..RECENT }).await;
    assert_eq!((alpha.totals.requests, alpha.totals.successes), (1, 1));
    let unknown = world.overview(Question { agent: "unknown", ..RECENT }).await;
    assert_eq!((unknown.totals.requests, unknown.totals.ended), (0, 0));
    assert_eq!(world.overview(RECENT).await.totals.requests, 1);
}

pub(super) async fn a_window_can_be_compared_with_the_one_before(world: World) {
    world
        .hold([
            ok(request("alpha", MINUTE), 0),
            ok(request("alpha", 6 * MINUTE), 5 * MINUTE),
            failed(request("alpha", 10 * MINUTE), 5 * MINUTE + 1, "boom"),
            ok(request("alpha", 10 * MINUTE + 1), 10 * MINUTE + 1),
        ])
        .await;
    let request = Overview { compare: text("previous"), ..Overview::default() };
    let answer = world.service.overview(&world.caller, request).await.unwrap();
    let previous = answer.previous.unwrap();
    // One ended at the instant between the two: it is in the later one.
    assert_eq!((answer.totals.requests, answer.totals.ended), (1, 2));
    assert_eq!((previous.totals.requests, previous.totals.ended), (2, 1));
    assert_eq!(previous.totals.error_rate, Some(100.0));
    assert!(close(Some(previous.requests_per_minute), Some(0.4), 1e-12));
    assert_eq!(previous.window.until, answer.window.since);
}

pub(super) async fn dead_letters_are_told_or_null(world: World) {
    assert_eq!(world.overview(RECENT).await.dead_letters, None, "another project than the default has none");
    let answer = world.service.overview(&Caller::local(), Overview::default()).await.unwrap();
    let expected = matches!(world.engine, Engine::Redis | Engine::Cluster);
    assert_eq!(answer.dead_letters.is_some(), expected, "{:?}", answer.dead_letters);
}
