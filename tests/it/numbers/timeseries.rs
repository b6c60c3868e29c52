//! Numbers over time.

use serde_json::{Value, json};
use watchglass::model::SpanKind;
use watchglass::service::numbers::{Line, TimeseriesAnswer};

use super::world::{HOUR, MINUTE, SECOND, World, ago, failed, llm, ok, request, step};

async fn lines(world: &World, question: Value) -> TimeseriesAnswer {
    let request = serde_json::from_value(question).unwrap();
    world.service.timeseries(&world.caller, request).await.unwrap()
}

/// The line of that number and group.
fn line<'a>(answer: &'a TimeseriesAnswer, metric: &str, group: Option<&str>) -> &'a Line {
    let found = answer.items.iter().find(|line| line.metric == metric && line.group.as_deref() == group);
    found.unwrap_or_else(|| panic!("no {metric} of {group:?} in {answer:?}"))
}

pub(super) async fn gaps_are_zero_or_null(world: World) {
    world
        .hold([
            ok(request("alpha", 4 * MINUTE), 4 * MINUTE - 2 * SECOND),
            failed(request("alpha", 4 * MINUTE), 4 * MINUTE - 4 * SECOND, "boom"),
            ok(request("alpha", MINUTE), 0),
        ])
        .await;
    let metrics = "requests, errors,error_rate,avg_latency_ms";
    let answer = lines(&world, json!({ "window": "5m", "metric": metrics })).await;
    assert_eq!((answer.step_seconds, answer.times.len()), (60, 6));
    assert_eq!(answer.times[0], ago(5 * MINUTE).minute().to_rfc3339());
    assert_eq!((answer.total, answer.returned, answer.truncated), (1, 1, false));
    let values = |metric| line(&answer, metric, None).values.clone();
    assert_eq!(values("requests"), [0.0, 2.0, 0.0, 0.0, 1.0, 0.0].map(Some));
    assert_eq!(values("errors"), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0].map(Some));
    assert_eq!(values("error_rate"), [None, Some(50.0), None, None, None, Some(0.0)]);
    assert_eq!(values("avg_latency_ms"), [None, Some(3_000.0), None, None, None, Some(60_000.0)]);
    assert_eq!(line(&answer, "error_rate", None).overall, Some(100.0 / 3.0));

    let wide = lines(&world, json!({ "window": "7d" })).await;
    assert_eq!((wide.step_seconds, wide.times.len()), (3_600, 169));
    let requests = &line(&wide, "requests", None).values;
    assert_eq!(requests.iter().flatten().filter(|count| **count > 0.0).count(), 1, "all in this hour");
    assert_eq!(line(&wide, "requests", None).overall, Some(3.0));
    let nobody = lines(&world, json!({ "window": "5m", "by": "agent", "agent": "beta" })).await;
    assert_eq!((nobody.total, nobody.items.len()), (0, 0));
}

pub(super) async fn groups_are_ranked_and_the_rest_added_up(world: World) {
    for (agent, count) in [("alpha", 3), ("beta", 5), ("gamma", 2), ("delta", 1)] {
        world.hold((0..count).map(|_| ok(request(agent, 30 * MINUTE), 30 * MINUTE - SECOND))).await;
    }
    let question = json!({ "window": "1h", "by": "agent", "limit": 2, "metric": "requests,p95_latency_ms" });
    let answer = lines(&world, question).await;
    let names: Vec<(Option<&str>, bool, Option<f64>)> = answer
        .items
        .iter()
        .filter(|line| line.metric == "requests")
        .map(|line| (line.group.as_deref(), line.rest, line.overall))
        .collect();
    assert_eq!(
        names,
        [(Some("beta"), false, Some(5.0)), (Some("alpha"), false, Some(3.0)), (None, true, Some(3.0))]
    );
    assert_eq!((answer.total, answer.returned, answer.truncated), (4, 2, true));
    let rest = answer.items.iter().find(|line| line.rest && line.metric == "p95_latency_ms").unwrap();
    assert!((rest.overall.unwrap() - 1_000.0).abs() <= 10.0, "{rest:?}");
}

pub(super) async fn steps_have_lines_of_their_own(world: World) {
    let first = request("alpha", 2 * HOUR);
    world
        .hold([
            llm(&first, "small", HOUR, (10, 1), Some(0.5)),
            llm(&first, "large", HOUR, (70, 3), None),
            llm(&first, "large", 30 * MINUTE, (700, 30), None),
            failed(step(&first, SpanKind::Tool, "tool.search", 3 * MINUTE), MINUTE, "no result"),
            ok(step(&first, SpanKind::Tool, "tool.read_file", 3 * MINUTE), MINUTE),
            ok(step(&first, SpanKind::Tool, "tool.search", 3 * MINUTE), MINUTE),
            ok(step(&first, SpanKind::Other, "plan", 3 * MINUTE), MINUTE),
        ])
        .await;
    let models = lines(&world, json!({ "by": "model", "metric": "tokens,cost_usd" })).await;
    assert_eq!(models.items[0].group.as_deref(), Some("large"));
    assert_eq!(line(&models, "tokens", Some("large")).overall, Some(803.0));
    assert_eq!(line(&models, "cost_usd", Some("large")).overall, None, "no price is not nothing");
    assert_eq!(line(&models, "cost_usd", Some("small")).overall, Some(0.5));
    let tools = lines(&world, json!({ "by": "tool" })).await;
    assert_eq!(line(&tools, "ended", Some("search")).overall, Some(2.0));
    assert_eq!((tools.total, line(&tools, "ended", Some("read_file")).overall), (2, Some(1.0)));
    let spans = lines(&world, json!({ "by": "span", "metric": "ended" })).await;
    assert_eq!((spans.total, line(&spans, "ended", Some("plan")).overall), (4, Some(1.0)));
    let types = lines(&world, json!({ "by": "token_type" })).await;
    assert_eq!(line(&types, "tokens", Some("input")).overall, Some(780.0));
    assert_eq!(line(&types, "tokens", Some("output")).overall, Some(34.0));

    for (question, field) in [
        (json!({ "by": "tool", "metric": "requests" }), "metric"),
        (json!({ "by": "token_type", "metric": "errors" }), "metric"),
        (json!({ "metric": "happiness" }), "metric"),
        (json!({ "metric": "requests,".repeat(9) }), "metric"),
        (json!({ "by": "colour" }), "by"),
        (json!({ "step": "90s" }), "step"),
        (json!({ "window": "30d", "step": "1m" }), "step"),
        (json!({ "limit": 0 }), "limit"),
        (json!({ "agent": "\u{1}" }), "agent"),
    ] {
        let request = serde_json::from_value(question.clone()).unwrap();
        let problem = world.service.timeseries(&world.caller, request).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some(field), "{question}: {problem}");
    }
}
