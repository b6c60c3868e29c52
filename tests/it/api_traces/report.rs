//! One trace as a whole.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, each};

/// An agent that asks a model, uses a tool that fails, and logs.
async fn plant(world: &World) {
    world.begin("t", "root", None, json!({ "span_name": "agent_request", "agent_name": "planner" })).await;
    world.begin("t", "llm", Some("root"), json!({ "span_name": "llm_call" })).await;
    world
        .end("llm", "ok", json!({ "model": "m", "provider": "p", "input_tokens": 5, "cost_usd": 0.5 }))
        .await;
    world.begin("t", "tool", Some("root"), json!({ "span_name": "tool.fetch" })).await;
    world.begin("t", "inner", Some("tool"), json!({ "span_name": "connect" })).await;
    world.end("inner", "error", json!({ "error": "connection refused" })).await;
    world.end("tool", "error", json!({ "error": "no page" })).await;
    world.end("root", "ok", json!({})).await;
    for number in 0..3 {
        world.log("info", &format!("step {number}"), json!({ "trace_id": "t" })).await;
    }
}

pub(super) async fn a_trace_is_shown_as_a_whole(world: &World) {
    plant(world).await;
    let trace = world.get("/api/v1/traces/t?include=logs").await;
    assert_eq!(
        (&trace["trace_id"], &trace["status"], &trace["name"]),
        (&json!("t"), &json!("ok"), &json!("agent_request"))
    );
    assert_eq!(each(&trace["spans"], "span_id"), ["root", "llm", "tool", "inner"]);
    let root = &trace["tree"]["roots"][0];
    assert_eq!(each(&root["children"], "span_id"), ["llm", "tool"]);
    assert_eq!(root["children"][1]["children"][0]["span_id"], "inner");
    let llm = &trace["spans"][1];
    assert_eq!((&llm["provider"], &llm["usage"]), (&json!("p"), &json!({ "input": 5 })));
    assert_eq!((&llm["cost_usd"], &llm["cost_source"]), (&json!(0.5), &json!("reported")));

    let totals = &trace["totals"];
    assert_eq!((&totals["span_count"], &totals["error_count"]), (&json!(4), &json!(2)));
    assert_eq!((&totals["tokens"]["total"], &totals["cost_usd"]), (&json!(5), &json!(0.5)));
    let kinds = trace["kinds"].as_array().unwrap();
    let mut names = each(&trace["kinds"], "kind");
    names.sort_unstable();
    assert_eq!(names, ["agent", "llm", "other", "tool"]);
    let sum = |key: &str| kinds.iter().map(|kind| kind[key].as_f64().unwrap()).sum::<f64>();
    let duration = totals["duration_ms"].as_f64().unwrap();
    assert!((sum("self_ms") - duration).abs() < 1e-6, "steps in a row take no time twice: {trace}");
    assert!(sum("duration_ms") > duration);

    let path = &trace["critical_path"];
    assert_eq!((&path["root_span_id"], &path["ended"]), (&json!("root"), &json!(true)));
    assert_eq!(each(&path["steps"], "span_id"), ["root", "llm", "tool", "inner"]);
    let on_it: f64 =
        path["steps"].as_array().unwrap().iter().map(|step| step["self_ms"].as_f64().unwrap()).sum();
    assert!((on_it - trace["spans"][0]["duration_ms"].as_f64().unwrap()).abs() < 1e-6, "{path}");
    assert_eq!(trace["first_error"]["span_id"], "inner");
    assert_eq!(trace["first_error"]["error"], "connection refused");
    assert_eq!(each(&trace["logs"]["items"], "message"), ["step 2", "step 1", "step 0"]);
}

pub(super) async fn views_leave_out_what_is_not_wanted(world: &World) {
    plant(world).await;
    for (view, spans, tree) in
        [("full", true, true), ("spans", true, false), ("tree", false, true), ("summary", false, false)]
    {
        let trace = world.get(&format!("/api/v1/traces/t?view={view}")).await;
        assert_eq!((trace.get("spans").is_some(), trace.get("tree").is_some()), (spans, tree), "{view}");
        assert!(trace["critical_path"].is_object() && trace.get("logs").is_none(), "{view}");
    }
    for (query, field) in
        [("view=half", "view"), ("include=all", "include"), ("limit=0", "limit"), ("cursor=x", "cursor")]
    {
        let refused = world.refused(Method::GET, &format!("/api/v1/traces/t?{query}")).await;
        assert_eq!(refused, (400, field.to_owned()), "{query}");
    }
}

pub(super) async fn ids_resolve_and_unknown_ones_are_refused(world: &World) {
    world.run("a1b2c3d4", "a", "ok", json!({})).await;
    let trace = world.get("/api/v1/traces/000000000000000000000000a1b2c3d4").await;
    assert_eq!((&trace["trace_id"], &trace["total"]), (&json!("a1b2c3d4"), &json!(1)));
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(world.refused(method, "/api/v1/traces/a%20b").await, (400, "trace_id".to_owned()));
    }
    let unknown = world.send(world.request(Method::GET, "/api/v1/traces/nowhere")).await;
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("TRACE_NOT_FOUND")));
    assert_eq!(
        world.get("/api/traces/nowhere").await["spans"],
        json!([]),
        "the published route answers as it did"
    );

    world.log("info", "alone", json!({ "trace_id": "only-logs" })).await;
    let silent = world.get("/api/v1/traces/only-logs?include=logs").await;
    assert_eq!((&silent["spans"], &silent["critical_path"]), (&json!([]), &Value::Null));
    assert_eq!(each(&silent["logs"]["items"], "message"), ["alone"]);
}

pub(super) async fn logs_of_the_trace_go_on_at_their_own_address(world: &World) {
    world.run("t", "a", "ok", json!({})).await;
    let logs: Vec<Value> = (0..130)
        .map(|number| json!({ "event_type": "e", "message": format!("{number}"), "metadata": { "trace_id": "t" } }))
        .collect();
    world.post("/api/v1/logs", &logs.into()).await;
    world.log("info", "of another", json!({ "trace_id": "u" })).await;
    let trace = world.get("/api/v1/traces/t?include=logs").await;
    let mut messages: Vec<String> =
        each(&trace["logs"]["items"], "message").into_iter().map(ToOwned::to_owned).collect();
    let next = trace["logs"]["next"].as_str().unwrap();
    let rest = world.get(&format!("/api/v1/logs?trace_id=t&cursor={next}")).await;
    assert_eq!((&trace["logs"]["total"], &rest["next"]), (&json!(130), &Value::Null));
    messages.extend(each(&rest["items"], "message").into_iter().map(ToOwned::to_owned));
    assert_eq!(messages, (0..130).rev().map(|number| number.to_string()).collect::<Vec<_>>());
}
