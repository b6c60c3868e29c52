//! Spans that end twice, never, or in circles (B-21, B-22, B-24, B-25, B-27, B-28).

use serde_json::{Value, json};

use super::case::{check, refuse};
use crate::support::bench::Bench;
use crate::support::mcp::Client;

const INVALID: &str = "INVALID_ARGUMENT";

async fn start(client: &Client, trace_id: &str, span_id: &str, parent: Option<&str>) -> Value {
    let mut span = json!({ "span_name": "step", "trace_id": trace_id, "span_id": span_id });
    if let Some(parent) = parent {
        span["parent_span_id"] = parent.into();
    }
    client.call("start_span", span).await.ok()
}

async fn trace(client: &Client, trace_id: &str) -> Value {
    client.call("get_trace", json!({ "trace_id": trace_id })).await.ok()
}

#[tokio::test]
async fn b_21_a_span_that_ends_twice() {
    let bench = Bench::start();
    for client in bench.callers().await {
        let span = client.call("start_span", json!({ "span_name": "s" })).await.ok();
        let end = |status: &str| json!({ "span_id": span["span_id"], "status": status });
        let first = client.call("end_span", end("failed")).await.ok();
        assert_eq!(first["status"], "error");
        assert!(first.get("already_ended").is_none(), "{}", client.name);

        let mut again = end("error");
        again["metadata"] = json!({ "late": true });
        let second = client.call("end_span", again).await.ok();
        assert_eq!(second["already_ended"], true, "{}", client.name);
        assert_eq!(second["duration_ms"], first["duration_ms"], "{}", client.name);

        let problem = client.call("end_span", end("ok")).await.problem();
        assert_eq!((&problem["code"], &problem["field"]), (&json!("SPAN_ALREADY_ENDED"), &json!("status")));
        assert!(problem["message"].as_str().unwrap().contains("`error`"), "{}: {problem}", client.name);
        let stored = trace(&client, span["trace_id"].as_str().unwrap()).await;
        assert_eq!(
            (&stored["spans"][0]["status"], &stored["spans"][0]["metadata"]),
            (&json!("error"), &json!({}))
        );
    }
}

#[tokio::test]
async fn b_21_statuses_outside_the_list() {
    let end = |status: &str| json!({ "span_id": "a", "status": status });
    let odd = ["", "5", "in_progress", "abandoned", "great"];
    let cases: Vec<_> =
        odd.iter().map(|odd| refuse("end_span", &end(odd), INVALID, "status").says("cancelled")).collect();
    check("B-21", &cases).await;
}

#[tokio::test]
async fn b_22_a_span_that_is_not_there() {
    let bench = Bench::start();
    for client in bench.callers().await {
        let before = bench.file.rows();
        for unknown in ["unknown", "00f067aa0ba902b7"] {
            let outcome = client.call("end_span", json!({ "span_id": unknown })).await;
            assert_eq!(outcome.problem(), json!({ "error": "Span not found" }), "{}", client.name);
        }
        assert_eq!(trace(&client, "unknown").await["spans"], json!([]), "{}", client.name);
        assert_eq!(bench.file.rows(), before, "{}", client.name);
    }
}

#[tokio::test]
async fn b_24_a_parent_that_comes_later() {
    let bench = Bench::start();
    for (index, client) in bench.callers().await.iter().enumerate() {
        let (trace_id, parent, child) = (format!("t{index}"), format!("p{index}"), format!("c{index}"));
        start(client, &trace_id, &child, Some(&parent)).await;
        let alone = trace(client, &trace_id).await;
        assert_eq!(alone["tree"]["roots"][0]["missing_parent"], true, "{}", client.name);
        start(client, &trace_id, &parent, None).await;
        let whole = trace(client, &trace_id).await;
        assert_eq!(whole["tree"]["roots"].as_array().unwrap().len(), 1, "{}", client.name);
        assert_eq!(whole["tree"]["roots"][0]["children"][0]["span_id"], child, "{}", client.name);
    }
}

#[tokio::test]
async fn b_25_spans_that_are_their_own_ancestors() {
    let bench = Bench::start();
    for (index, client) in bench.callers().await.iter().enumerate() {
        let id = |name: &str| format!("{name}{index}");
        start(client, &id("own"), &id("self"), Some(&id("self"))).await;
        let own = trace(client, &id("own")).await;
        assert_eq!(own["tree"]["roots"][0]["cycle"], true, "{}", client.name);
        assert_eq!(own["tree"]["roots"][0]["children"], json!([]), "{}", client.name);

        start(client, &id("pair"), &id("a"), Some(&id("b"))).await;
        start(client, &id("pair"), &id("b"), Some(&id("a"))).await;
        let pair = trace(client, &id("pair")).await;
        let roots = pair["tree"]["roots"].as_array().unwrap();
        assert_eq!(
            (roots.len(), &roots[0]["span_id"], &roots[0]["cycle"]),
            (1, &json!(id("a")), &json!(true))
        );
        assert_eq!(roots[0]["children"][0]["span_id"], id("b"), "{}", client.name);
        client.call("end_span", json!({ "span_id": id("a") })).await.ok();
    }
}

#[tokio::test]
async fn b_27_and_b_28_a_span_id_that_is_taken() {
    let bench = Bench::start();
    for (index, client) in bench.callers().await.iter().enumerate() {
        let (here, there, span_id) = (format!("here{index}"), format!("there{index}"), format!("s{index}"));
        let first = start(client, &here, &span_id, None).await;
        let again = start(client, &here, &span_id, None).await;
        assert_eq!(again, first, "{}: the same start is harmless", client.name);
        let before = bench.file.rows();
        for other in [
            json!({ "span_name": "other", "trace_id": here, "span_id": span_id }),
            json!({ "span_name": "step", "trace_id": there, "span_id": span_id }),
        ] {
            let problem = client.call("start_span", other).await.problem();
            let expected = (&json!("SPAN_CONFLICT"), &json!("span_id"));
            assert_eq!((&problem["code"], &problem["field"]), expected, "{}", client.name);
        }
        assert_eq!(bench.file.rows(), before, "{}", client.name);
        assert_eq!(trace(client, &here).await["total"], 1, "{}", client.name);
        assert_eq!(trace(client, &there).await["total"], 0, "{}", client.name);
        client.call("end_span", json!({ "span_id": span_id })).await.ok();
    }
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_call() {
    let bench = Bench::start();
    for (index, client) in bench.callers().await.iter().enumerate() {
        let key = format!("key-{index}");
        let log = |message: &str| json!({ "event_type": "e", "message": message, "idempotency_key": key });
        let first = client.call("log_event", log("m")).await.ok();
        assert_eq!(client.call("log_event", log("m")).await.ok(), first, "{}", client.name);
        let before = bench.file.rows();
        let metric = json!({ "metric_name": "m", "value": 1, "idempotency_key": key });
        for (tool, other) in [("log_event", log("other")), ("record_metric", metric)] {
            let problem = client.call(tool, other).await.problem();
            assert_eq!(problem["code"], "IDEMPOTENCY_CONFLICT", "{} {problem}", client.name);
            assert_eq!(problem["field"], "idempotency_key", "{} {problem}", client.name);
        }
        assert_eq!(bench.file.rows(), before, "{}", client.name);
    }
}
