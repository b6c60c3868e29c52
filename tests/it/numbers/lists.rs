//! Agents, tools, models and failures, each with their numbers.

use serde_json::{Value, json};
use watchglass::model::{Record, SpanKind};
use watchglass::service::numbers::{AgentView, Ranked};

use super::world::{HOUR, MINUTE, SECOND, World, ago, close, failed, llm, ok, request, step};

async fn agents(world: &World, question: Value) -> Ranked<AgentView> {
    let request = serde_json::from_value(question).unwrap();
    world.service.agents(&world.caller, request).await.unwrap()
}

pub(super) async fn agents_have_their_numbers(world: World) {
    let (first, old) = (request("alpha", 3 * HOUR), request("beta", 10 * HOUR));
    world
        .hold([
            ok(first.clone(), 3 * HOUR - 2 * SECOND),
            failed(request("alpha", 2 * HOUR), 2 * HOUR - 4 * SECOND, "boom"),
            llm(&first, "small", 90 * MINUTE, (40, 2), Some(0.5)),
            ok(old, 10 * HOUR - SECOND),
            ok(request("gone", 30 * HOUR), 30 * HOUR),
        ])
        .await;
    world.write(vec![Record::SpanStart(Box::new(request("gamma", 20 * MINUTE)))]).await;
    let answer = agents(&world, json!({ "window": "24h" })).await;
    let names: Vec<&str> = answer.items.iter().map(|row| row.agent.as_str()).collect();
    assert_eq!(names, ["alpha", "beta", "gamma"]);
    assert_eq!((answer.total, answer.returned, answer.truncated, answer.next.is_none()), (3, 3, false, true));
    let alpha = &answer.items[0];
    assert_eq!((alpha.figures.requests, alpha.figures.errors, alpha.active_traces), (2, 1, 0));
    assert_eq!((alpha.figures.error_rate, alpha.figures.spent.tokens.total), (Some(50.0), 42));
    assert!(close(alpha.figures.p95_latency_ms, Some(4_000.0), 0.01));
    assert_eq!(alpha.figures.spent.cost_usd, Some(0.5));
    assert_eq!(alpha.last_seen.as_deref(), Some(ago(90 * MINUTE).minute().to_rfc3339().as_str()));
    let gamma = &answer.items[2];
    assert_eq!((gamma.active_traces, gamma.figures.requests, gamma.figures.error_rate), (1, 1, None));
    assert_eq!(gamma.last_seen.as_deref(), Some(ago(20 * MINUTE).minute().to_rfc3339().as_str()));

    for (sort, first) in
        [("cost_usd", "alpha"), ("last_seen", "gamma"), ("active_traces", "gamma"), ("name", "alpha")]
    {
        let answer = agents(&world, json!({ "sort": sort })).await;
        assert_eq!((answer.sort.as_str(), answer.items[0].agent.as_str()), (sort, first));
    }
    let sort = serde_json::from_value(json!({ "sort": "height" })).unwrap();
    let problem = world.service.agents(&world.caller, sort).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("sort"));
}

pub(super) async fn tools_tell_their_last_error(world: World) {
    let (first, second) = (request("alpha", HOUR), request("beta", HOUR));
    let last = failed(step(&second, SpanKind::Tool, "tool.search", 10 * MINUTE), 9 * MINUTE, "gone\u{1b}[2J");
    world
        .hold([
            ok(step(&first, SpanKind::Tool, "tool.search", 20 * MINUTE), 20 * MINUTE - SECOND),
            failed(
                step(&first, SpanKind::Tool, "execute_tool search", 19 * MINUTE),
                18 * MINUTE,
                "timeout after 3 s",
            ),
            last.clone(),
            ok(step(&first, SpanKind::Tool, "tool.read", 20 * MINUTE), 20 * MINUTE - SECOND),
            // Not a tool, for all its name.
            ok(step(&first, SpanKind::Other, "search", 20 * MINUTE), 20 * MINUTE - SECOND),
        ])
        .await;
    let ask = async |question: Value| {
        world.service.tools(&world.caller, serde_json::from_value(question).unwrap()).await.unwrap()
    };
    let answer = ask(json!({})).await;
    assert_eq!(answer.total, 2);
    let search = &answer.items[0];
    assert_eq!((search.tool.as_str(), search.calls.calls, search.calls.errors), ("search", 3, 2));
    assert!(close(search.calls.error_rate, Some(200.0 / 3.0), 1e-12));
    assert!(close(search.calls.avg_latency_ms, Some(121_000.0 / 3.0), 1e-12));
    let error = search.last_error.as_ref().unwrap();
    assert_eq!(
        (error.time.as_str(), error.message.as_str()),
        (ago(9 * MINUTE).to_rfc3339().as_str(), "gone\\u{1b}[2J")
    );
    assert_eq!(
        (error.trace_id.as_str(), error.span_id.as_str()),
        (last.trace_id.as_str(), last.span_id.as_str())
    );
    assert_eq!((answer.items[1].tool.as_str(), &answer.items[1].last_error), ("read", &None));
    let alpha = ask(json!({ "agent": "alpha", "sort": "errors" })).await;
    assert_eq!((alpha.items[0].calls.calls, alpha.items[0].calls.errors), (2, 1));
}

pub(super) async fn models_tell_what_they_cost(world: World) {
    let first = request("alpha", HOUR);
    let mut nameless = llm(&first, "", 10 * MINUTE, (3, 0), None);
    nameless.model = None;
    world
        .hold([
            llm(&first, "small", 20 * MINUTE, (100, 10), Some(0.25)),
            llm(&first, "small", 10 * MINUTE, (200, 20), Some(0.5)),
            llm(&first, "large", 10 * MINUTE, (1, 1), None),
            nameless,
            failed(step(&first, SpanKind::Llm, "chat small", 10 * MINUTE), 9 * MINUTE, "overloaded"),
        ])
        .await;
    let request = serde_json::from_value(json!({ "sort": "cost_usd" })).unwrap();
    let answer = world.service.models(&world.caller, request).await.unwrap();
    let small = &answer.items[0];
    assert_eq!((small.model.as_deref(), small.calls.calls, small.spent.llm_calls), (Some("small"), 2, 2));
    assert_eq!((small.spent.tokens.input, small.spent.tokens.output), (300, 30));
    assert_eq!((small.spent.cost_usd, small.spent.unpriced_calls), (Some(0.75), 0));
    let large = answer.items.iter().find(|row| row.model.as_deref() == Some("large")).unwrap();
    assert_eq!((large.spent.cost_usd, large.spent.unpriced_calls), (None, 1));
    let nameless = answer.items.iter().find(|row| row.model.is_none()).unwrap();
    assert_eq!((nameless.calls.calls, nameless.calls.errors, nameless.spent.tokens.total), (2, 1, 3));
    assert_eq!(answer.total, 3);
}

pub(super) async fn failures_that_are_alike_are_one(world: World) {
    let (first, second) = (request("alpha", HOUR), request("beta", HOUR));
    let search = |parent, ended_ago, said: &str| {
        failed(step(parent, SpanKind::Tool, "tool.search", ended_ago + SECOND), ended_ago, said)
    };
    let last = search(&second, 5 * MINUTE, "no user 812 after 2.5 s");
    world
        .hold([
            search(&first, 30 * MINUTE, "no user 17 after 30 s"),
            search(&first, 20 * MINUTE, "no user 18 after 1 s"),
            last.clone(),
            search(&first, 10 * MINUTE, "out of memory"),
            // Before the window, and yet the first.
            search(&first, 3 * HOUR, "no user 1 after 1 s"),
        ])
        .await;
    let ask = async |question: Value| {
        world.service.errors(&world.caller, serde_json::from_value(question).unwrap()).await.unwrap()
    };
    let answer = ask(json!({ "window": "1h" })).await;
    assert_eq!((answer.total, answer.untrusted), (2, true));
    let group = &answer.items[0];
    assert_eq!((group.count, group.message.as_deref()), (3, Some("no user # after # s")));
    assert_eq!((group.kind.as_deref(), group.step.as_deref()), (Some("tool"), Some("search")));
    assert_eq!((group.agents.join(","), group.agents_total), ("alpha,beta".to_owned(), 2));
    assert_eq!(group.first_seen.as_deref(), Some(ago(3 * HOUR).to_rfc3339().as_str()));
    assert_eq!(group.last_seen.as_deref(), Some(ago(5 * MINUTE).to_rfc3339().as_str()));
    assert_eq!(group.sample_message.as_deref(), Some("no user 812 after 2.5 s"));
    assert_eq!(group.sample_span_id.as_deref(), Some(last.span_id.as_str()));
    assert_eq!(group.timeline, None);

    let newest = ask(json!({ "window": "1h", "sort": "first_seen", "include": "timeline" })).await;
    assert_eq!(newest.items[0].message.as_deref(), Some("out of memory"));
    let timeline = newest.items[1].timeline.as_ref().unwrap();
    assert_eq!((timeline.step_seconds, timeline.counts.len()), (60, 61));
    let at: Vec<usize> = (0..61).filter(|minute| timeline.counts[*minute] > 0).collect();
    assert_eq!(at, [30, 40, 55]);
    let beta = ask(json!({ "window": "1h", "agent": "beta" })).await;
    assert_eq!((beta.total, beta.items[0].count), (1, 1));
    let wrong = serde_json::from_value(json!({ "include": "everything" })).unwrap();
    let problem = world.service.errors(&world.caller, wrong).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("include"));
}

pub(super) async fn pages_join(world: World) {
    for number in 0..5_i64 {
        let many = (0..=number).map(|_| ok(request(&format!("agent-{number}"), 30 * MINUTE), 30 * MINUTE));
        world.hold(many).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = agents(&world, json!({ "window": "1h", "limit": 2, "cursor": cursor })).await;
        assert_eq!((page.total, page.limit), (5, 2));
        seen.extend(page.items.into_iter().map(|row| row.agent));
        // What happens meanwhile is not in the window of the first page.
        world.later(SECOND);
        world.hold([request("late", -SECOND)]).await;
        let Some(next) = page.next else { break };
        assert!(page.truncated);
        cursor = Some(next);
    }
    assert_eq!(seen, ["agent-4", "agent-3", "agent-2", "agent-1", "agent-0"]);
    let first = agents(&world, json!({ "window": "1h", "limit": 2 })).await;
    let stale = json!({ "window": "2h", "limit": 2, "cursor": first.next });
    let problem =
        world.service.agents(&world.caller, serde_json::from_value(stale).unwrap()).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("cursor"));
}
