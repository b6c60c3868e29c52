//! Writes, one or many.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, each};

pub(super) async fn a_batch_is_answered_record_by_record_in_order(world: &World) {
    let batch = json!([
        { "trace_id": "t", "span_id": "root", "span_name": "agent_request" },
        { "trace_id": "t", "span_id": "bad id", "span_name": "step" },
        { "trace_id": "t", "span_id": "step", "span_name": "step", "parent_span_id": "root" },
        { "trace_id": "t", "span_id": "root", "span_name": "another" },
    ]);
    let answer = world.send(world.request(Method::POST, "/api/v1/spans").json(&batch)).await;
    assert_eq!(
        (answer.status, &answer.body["returned"], &answer.body["failed"]),
        (200, &json!(4), &json!(2))
    );
    let items = &answer.body["items"];
    assert_eq!(items[0]["result"]["span_id"], "root");
    assert_eq!(items[1]["error"]["field"], "span_id");
    assert_eq!(items[2]["result"]["parent_span_id"], "root");
    assert_eq!(items[3]["error"]["code"], "SPAN_CONFLICT");
    let ends = json!([{ "status": "ok" }]);
    assert_eq!(world.post("/api/v1/spans/step/end", &ends).await["items"][0]["result"]["status"], "ok");
    let trace = world.get("/api/v1/traces/t").await;
    assert_eq!(each(&trace["spans"], "span_id"), ["root", "step"]);

    let logs: Vec<Value> =
        (0..300).map(|number| json!({ "event_type": "e", "message": format!("{number}") })).collect();
    world.post("/api/v1/logs", &logs.into()).await;
    let kept = world.pages("/api/v1/logs?limit=200", async || ()).await;
    assert_eq!(
        each(&kept.into(), "message"),
        (0..300).rev().map(|number| number.to_string()).collect::<Vec<_>>()
    );

    let points = json!([
        { "metric_name": "agent.tool_calls", "value": 2, "labels": { "agent_name": "a" } },
        { "metric_name": "agent.tool_calls", "value": "many" },
        { "metric_name": "agent.tool_calls", "value": 3, "labels": { "agent_name": "a" } },
    ]);
    let answer = world.send(world.request(Method::POST, "/api/v1/metrics").json(&points)).await;
    assert_eq!((answer.status, &answer.body["failed"]), (200, &json!(1)), "{}", answer.body);
    assert_eq!(answer.body["items"][1]["error"]["field"], "value");
    let series = world.send(world.request(Method::POST, "/api/v1/metrics").json(&points[0])).await;
    assert_eq!(series.body["series"], "agent_tool_calls_total");
}

pub(super) async fn a_retry_writes_nothing_twice(world: &World) {
    let log = json!({ "event_type": "e", "message": "once" });
    let send = async |body: &Value, key: &str| {
        world
            .send(world.request(Method::POST, "/api/v1/logs").header("Idempotency-Key", key).json(body))
            .await
    };
    let (first, again) = (send(&log, "k1").await, send(&log, "k1").await);
    assert_eq!((first.status, &first.body["id"]), (200, &again.body["id"]));
    assert_eq!(world.get("/api/v1/logs").await["total"], 1);
    let other = send(&json!({ "event_type": "e", "message": "other" }), "k1").await;
    assert_eq!((other.status, &other.body["code"]), (409, &json!("IDEMPOTENCY_CONFLICT")), "{}", other.body);
    let batch = send(&json!([log, log]), "k2").await;
    assert_eq!((batch.status, &batch.body["field"]), (400, &json!("Idempotency-Key")));
    let keyed = json!({ "event_type": "e", "message": "keyed", "idempotency_key": "mine" });
    assert_eq!(send(&keyed, "yours").await.status, 400, "two keys name two calls");
    assert_eq!(send(&keyed, "mine").await.status, 200);
    let twice = json!([keyed, keyed, { "event_type": "e", "message": "free" }]);
    let answer = world.post("/api/v1/logs", &twice).await;
    assert_eq!(answer["items"][0]["result"]["id"], answer["items"][1]["result"]["id"]);
    assert_eq!(world.get("/api/v1/logs").await["total"], 3);
}

pub(super) async fn a_traceparent_is_the_calls_context(world: &World) {
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let within =
        |path: &str| world.request(Method::POST, path).header("traceparent", format!("00-{trace}-{span}-01"));
    let started = world.send(within("/api/v1/spans").json(&json!({ "span_name": "step" }))).await.body;
    assert_eq!((&started["trace_id"], &started["parent_span_id"]), (&json!(trace), &json!(span)));
    world.send(within("/api/v1/logs").json(&json!([{ "event_type": "e", "message": "m" }]))).await;
    let shown = world.get(&format!("/api/v1/traces/{trace}?include=logs")).await;
    assert_eq!((&shown["spans"][0]["parent_remote"], &shown["logs"]["total"]), (&json!(true), &json!(1)));
    let broken = world.request(Method::POST, "/api/v1/spans").header("traceparent", "nonsense");
    let started = world.send(broken.json(&json!({ "span_name": "step" }))).await;
    assert_eq!(
        (started.status, &started.body["parent_span_id"]),
        (200, &Value::Null),
        "it is an aid, no demand"
    );
}
