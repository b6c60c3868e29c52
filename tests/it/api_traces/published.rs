//! The published routes, as the published dashboard reads them.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, each};

async fn plant(world: &World) {
    world.run("t1", "planner", "ok", json!({ "step": 1 })).await;
    world.begin("t2", "t2-root", None, json!({ "span_name": "agent_request" })).await;
    let metadata = json!({ "agent_name": "planner", "trace_id": "t1", "duration_s": 1.5, "level": "mine" });
    world.post("/api/v1/logs", &json!({ "level": "info", "event_type": "agent.request.start", "message": "Processing", "metadata": metadata })).await;
    world
        .post(
            "/api/v1/logs",
            &json!({ "level": "error", "event_type": "agent.request.error", "message": "failed" }),
        )
        .await;
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// `traces.map(t => [t.trace_id, t.spans.length, t.duration_ms.toFixed(0)])`: each must be there and of its type.
pub(super) async fn the_dashboard_reads_traces(world: &World) {
    assert_eq!(world.get("/api/traces").await, json!([]));
    plant(world).await;
    let traces = world.get("/api/traces").await;
    assert_eq!(each(&traces, "trace_id"), ["t2", "t1"]);
    for trace in traces.as_array().unwrap() {
        assert_eq!(keys(trace)[..3], ["trace_id", "spans", "duration_ms"]);
        assert_eq!(trace["spans"].as_array().unwrap().len(), 1);
        assert!(trace["duration_ms"].as_f64().unwrap() > 0.0, "an open one has a duration so far: {trace}");
    }
    assert_eq!((&traces[0]["status"], &traces[1]["status"]), (&json!("in_progress"), &json!("ok")));
    for number in 0..55 {
        world.run(&format!("more{number}"), "a", "ok", json!({})).await;
    }
    assert_eq!(world.get("/api/traces").await.as_array().unwrap().len(), 50, "the last 50");
}

/// `trace.spans.forEach(s => …)` over the fields of the published hashes, and `trace.tree`.
pub(super) async fn the_dashboard_reads_a_trace(world: &World) {
    plant(world).await;
    let trace = world.get("/api/traces/t1").await;
    assert_eq!(keys(&trace)[..3], ["trace_id", "spans", "tree"]);
    let span = &trace["spans"][0];
    for key in ["span_id", "trace_id", "name", "start_time", "end_time", "status"] {
        assert!(span[key].is_string(), "{key}: {span}");
    }
    assert_eq!((&span["parent_span_id"], &span["metadata"]), (&Value::Null, &json!({ "step": 1 })));
    assert!(span["duration_ms"].is_number() && trace["tree"].is_object());
    assert_eq!(world.get("/api/traces/unknown").await["spans"], json!([]));
}

/// `logs.map(l => [l.timestamp, l.event_type, l.message, l.level, l.agent_name])`, metadata beside them.
pub(super) async fn the_dashboard_reads_logs(world: &World) {
    assert_eq!(world.get("/api/logs").await, json!([]));
    plant(world).await;
    let logs = world.get("/api/logs?event_type=*&level=&limit=100").await;
    assert_eq!(each(&logs, "message"), ["failed", "Processing"]);
    let log = &logs[1];
    assert_eq!(keys(log)[..3], ["timestamp", "event_type", "message"]);
    for (key, expected) in [
        ("level", json!("info")),
        ("agent_name", json!("planner")),
        ("trace_id", json!("t1")),
        ("duration_s", json!(1.5)),
    ] {
        assert_eq!(log[key], expected, "{key}: {log}");
    }
    assert_eq!(log["metadata"], json!({ "level": "mine" }), "what bears a field's name is not lost");
    for (query, expected) in [
        ("level=error", &["failed"] as &[&str]),
        ("event_type=agent.request.*", &["failed", "Processing"]),
        ("event_type=agent.request.start", &["Processing"]),
        ("limit=1", &["failed"]),
        ("event_type=tool.*", &[]),
    ] {
        assert_eq!(each(&world.get(&format!("/api/logs?{query}")).await, "message"), expected, "{query}");
    }
    for (query, field) in [
        ("limit=abc", "limit"),
        ("include=histogram", "include"),
        ("level=loud", "level"),
        ("event_type=%5Ba", "event_type"),
    ] {
        let refused = world.refused(Method::GET, &format!("/api/logs?{query}")).await;
        assert_eq!(refused, (400, field.to_owned()), "{query}");
    }
}

pub(super) async fn links_lead_through_all_pages(world: &World) {
    for number in 0..7 {
        world.run(&format!("t{number}"), "a b", "ok", json!({})).await;
        world.log("info", &format!("m{number}"), json!({ "agent_name": "a b" })).await;
    }
    for (path, key) in
        [("/api/traces?limit=3&agent=a+b", "trace_id"), ("/api/logs?limit=3&agent=a%20b", "message")]
    {
        let mut items = Vec::new();
        let mut address = Some(path.to_owned());
        while let Some(path) = address {
            let answer = world.send(world.request(Method::GET, &path)).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            items.extend(answer.body.as_array().unwrap().iter().cloned());
            address = answer.next();
        }
        let letter = if key == "message" { 'm' } else { 't' };
        assert_eq!(
            each(&items.into(), key),
            (0..7).rev().map(|number| format!("{letter}{number}")).collect::<Vec<_>>()
        );
    }
}
