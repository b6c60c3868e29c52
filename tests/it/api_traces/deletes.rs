//! Deleting for good.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, each};

/// Two runs of one agent and one of another, in two conversations, each with a log.
async fn plant(world: &World) {
    for (trace, agent, session, status) in
        [("t1", "planner", "s1", "ok"), ("t2", "planner", "s2", "error"), ("t3", "helper", "s2", "ok")]
    {
        let named = |name: &str| json!({ "span_name": name, "agent_name": agent, "session_id": session });
        let (root, llm) = (format!("{trace}-root"), format!("{trace}-llm"));
        world.begin(trace, &root, None, named("agent_request")).await;
        world.begin(trace, &llm, Some(&root), named("llm_call")).await;
        world.end(&llm, "ok", json!({ "model": "m", "input_tokens": 10, "cost_usd": 0.5 })).await;
        world.end(&root, status, json!({ "error": "boom" })).await;
        let linked = json!({ "agent_name": agent, "session_id": session, "trace_id": trace });
        world.log("info", trace, linked).await;
    }
}

/// Requests, failures and tokens of the last hour, and what traces, logs and agents there are.
async fn told(world: &World) -> Value {
    let overview = world.get("/api/v1/overview?window=1h").await;
    let mut agents = Vec::new();
    for agent in world.get("/api/v1/agents?window=1h&sort=name").await["items"].as_array().unwrap() {
        if agent["requests"] != 0 {
            agents.push(agent["agent"].clone());
        }
    }
    let traces = world.get("/api/v1/traces").await;
    let logs = world.get("/api/v1/logs").await;
    json!({
        "requests": overview["totals"]["requests"],
        "errors": overview["totals"]["errors"],
        "tokens": overview["totals"]["tokens"]["total"],
        "cost": overview["totals"]["cost_usd"],
        "agents": agents,
        "traces": each(&traces["items"], "trace_id"),
        "logs": each(&logs["items"], "message"),
    })
}

pub(super) async fn a_trace_goes_with_its_logs_and_its_numbers(world: &World) {
    plant(world).await;
    let all = told(world).await;
    assert_eq!(
        all,
        json!({
            "requests": 3, "errors": 1, "tokens": 30, "cost": 1.5, "agents": ["helper", "planner"],
            "traces": ["t3", "t2", "t1"], "logs": ["t3", "t2", "t1"],
        })
    );
    let gone = world.delete("/api/v1/traces/t2").await;
    assert_eq!(gone, json!({ "deleted_spans": 2, "deleted_logs": 1, "more": false }));
    assert_eq!(
        told(world).await,
        json!({
            "requests": 2, "errors": 0, "tokens": 20, "cost": 1.0, "agents": ["helper", "planner"],
            "traces": ["t3", "t1"], "logs": ["t3", "t1"],
        })
    );
    assert_eq!(world.refused(Method::GET, "/api/v1/traces/t2").await.0, 404);
    let again = world.delete("/api/v1/traces/t2").await;
    assert_eq!(again, json!({ "deleted_spans": 0, "deleted_logs": 0, "more": false }));
}

pub(super) async fn all_of_an_agent_goes(world: &World) {
    plant(world).await;
    let gone = world.delete("/api/v1/traces?agent=planner").await;
    assert_eq!(gone, json!({ "deleted_spans": 4, "deleted_logs": 2, "more": false }));
    assert_eq!(
        told(world).await,
        json!({
            "requests": 1, "errors": 0, "tokens": 10, "cost": 0.5, "agents": ["helper"],
            "traces": ["t3"], "logs": ["t3"],
        })
    );
}

pub(super) async fn all_of_a_conversation_goes(world: &World) {
    plant(world).await;
    let gone = world.delete("/api/v1/traces?session=s2").await;
    assert_eq!(gone, json!({ "deleted_spans": 4, "deleted_logs": 2, "more": false }));
    assert_eq!(
        told(world).await,
        json!({
            "requests": 1, "errors": 0, "tokens": 10, "cost": 0.5, "agents": ["planner"],
            "traces": ["t1"], "logs": ["t1"],
        })
    );
}

pub(super) async fn just_one_thing_says_what_to_delete(world: &World) {
    plant(world).await;
    for (query, field) in [
        ("", "agent"),
        ("?agent=", "agent"),
        ("?agent=a&session=b", "session"),
        ("?agent=%00", "agent"),
        ("?q=a", "q"),
    ] {
        let refused = world.refused(Method::DELETE, &format!("/api/v1/traces{query}")).await;
        assert_eq!(refused, (400, field.to_owned()), "{query}");
    }
    assert_eq!(world.get("/api/v1/traces").await["total"], 3);
}
