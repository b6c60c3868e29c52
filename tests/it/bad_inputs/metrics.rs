//! Metrics: names, labels and kinds that Prometheus would not take (B-11 … B-14).

use serde_json::{Value, json};

use super::case::{Case, check, refuse};
use crate::support::bench::Bench;

const INVALID: &str = "INVALID_ARGUMENT";
const TOO_LARGE: &str = "FIELD_TOO_LARGE";

fn metric(name: &str, labels: &Value) -> Value {
    json!({ "metric_name": name, "value": 1, "labels": labels })
}

#[tokio::test]
async fn b_11_label_names_that_prometheus_refuses() {
    let label = |name: &str| metric("m", &json!({ name: "x" }));
    let mut cases: Vec<Case> = Vec::new();
    for name in ["a-b", "1a", "", "é", "a b", "a\n", "a\u{202e}"] {
        cases.push(refuse("record_metric", &label(name), INVALID, "labels").says("letter"));
    }
    for name in ["le", "quantile", "job", "instance", "__name__", "__x", "otel_metric_overflow"] {
        cases.push(refuse("record_metric", &label(name), INVALID, "labels").says("Prometheus"));
    }
    cases.push(refuse("record_metric", &label(&"a".repeat(300)), TOO_LARGE, "labels").limit(128));
    let collision = metric("m", &json!({ "a.b": 1, "a_b": 2 }));
    cases.push(refuse("record_metric", &collision, INVALID, "labels").says("a_b"));
    let many: Value = (0..16).map(|label| (format!("l{label}"), json!(label))).collect();
    cases.push(refuse("record_metric", &metric("m", &many), TOO_LARGE, "labels").limit(15));
    check("B-11", &cases).await;
}

#[tokio::test]
async fn b_12_label_values_that_are_no_text_or_too_long() {
    let value = |value: Value| metric("m", &json!({ "l": value }));
    let long = refuse("record_metric", &value("x".repeat(513).into()), TOO_LARGE, "labels.l").limit(512);
    let huge = refuse("record_metric", &value("x".repeat(1 << 20).into()), TOO_LARGE, "labels.l").limit(512);
    let other = [json!(null), json!([]), json!({})]
        .map(|other| refuse("record_metric", &value(other), INVALID, "labels.l"));
    let cases: Vec<Case> = [long, huge].into_iter().chain(other).collect();
    check("B-12", &cases).await;
}

#[tokio::test]
async fn b_12_label_values_are_kept_as_they_are() {
    let bench = Bench::start();
    let values = ["\"", "\\", "a\nb", "\r", "{}", "é", "\u{202e}", "", " "];
    for client in bench.clients().await {
        for value in values {
            client.call("record_metric", metric("m", &json!({ "l": value }))).await.ok();
        }
    }
    assert_eq!(bench.file.rows()["series"], 9);
    for value in values {
        let stored = json!({ "l": value }).to_string().replace('\'', "''");
        let times: f64 = bench.file.look_up(&format!("SELECT value FROM series WHERE labels = '{stored}'"));
        assert!((times - 1.0).abs() < 1e-9, "a gauge keeps the last of four");
    }
    let client = &bench.clients().await[0];
    client.call("record_metric", metric("m", &json!({ "l": "a\0b" }))).await.ok();
    let stored: String = bench.file.look_up("SELECT labels FROM series ORDER BY sequence DESC LIMIT 1");
    assert_eq!(stored, json!({ "l": "a\u{fffd}b" }).to_string(), "NUL is what no reader survives");
}

#[tokio::test]
async fn b_13_one_name_of_two_kinds() {
    let bench = Bench::start();
    let record = |name: &str, kind: &str| json!({ "metric_name": name, "value": 1, "kind": kind });
    for client in bench.clients().await {
        client.call("record_metric", record("queue.depth", "gauge")).await.ok();
        client.call("record_metric", record("jobs_total", "counter")).await.ok();
        let before = bench.file.rows();
        for (name, kind, known) in [
            ("queue.depth", "histogram", "gauge"),
            ("queue_depth", "histogram", "gauge"),
            ("jobs_total", "gauge", "counter"),
            ("jobs.total", "histogram", "counter"),
        ] {
            let problem = client.call("record_metric", record(name, kind)).await.problem();
            assert_eq!(problem["code"], "METRIC_TYPE_CONFLICT", "{} {problem}", client.name);
            assert_eq!(problem["field"], "kind", "{} {problem}", client.name);
            assert!(problem["message"].as_str().unwrap().contains(known), "{} {problem}", client.name);
        }
        assert_eq!(bench.file.rows(), before, "{}", client.name);
        let guessed = client.call("record_metric", metric("queue.depth", &json!({}))).await.ok();
        assert_eq!(guessed["kind"], "gauge", "{}", client.name);
    }
}

#[tokio::test]
async fn b_14_names_become_prometheus_names() {
    let bench = Bench::start();
    for client in bench.clients().await {
        for (name, series, kind) in [
            ("agent.request.duration_ms", "agent_request_duration_seconds", "histogram"),
            ("agent_request_duration_seconds", "agent_request_duration_seconds", "histogram"),
            ("agent.request.errors", "agent_request_errors_total", "counter"),
            ("agent.tokens.input", "agent_tokens_total", "counter"),
            ("agent.tokens.output", "agent_tokens_total", "counter"),
            ("agent.tool_calls", "agent_tool_calls_total", "counter"),
            ("cache-hit/ratio", "cache_hit_ratio", "gauge"),
        ] {
            let recorded = client.call("record_metric", metric(name, &json!({}))).await.ok();
            assert_eq!(recorded["metric"], name, "{}", client.name);
            assert_eq!(
                (&recorded["series"], &recorded["kind"]),
                (&json!(series), &json!(kind)),
                "{}",
                client.name
            );
        }
    }
    let errors: f64 =
        bench.file.look_up("SELECT value FROM series WHERE name = 'agent_request_errors_total'");
    assert!((errors - 4.0).abs() < 1e-9, "each transport added one");
    let seconds: f64 =
        bench.file.look_up("SELECT value FROM series WHERE name = 'agent_request_duration_seconds'");
    assert!((seconds - 4.0 * 1.001).abs() < 1e-9, "milliseconds become seconds, seconds stay: {seconds}");
}

#[tokio::test]
async fn b_14_names_that_can_not_become_any() {
    let bad = |name: &str, way_out: &str| {
        refuse("record_metric", &metric(name, &json!({})), INVALID, "metric_name").says(way_out)
    };
    let long = metric(&"a".repeat(201), &json!({}));
    check(
        "B-14",
        &[
            bad("x y", "try `x_y`"),
            bad("1st.try", "try `st_try`"),
            bad("*", "letter"),
            bad("{}", "letter"),
            bad("", "letter"),
            bad("_", "letter"),
            bad("🌍", "letter"),
            bad("a\"b", "try `a_b`"),
            bad("agent.active_requests", "spans that are open"),
            bad("agent_active_requests", "spans that are open"),
            refuse("record_metric", &long, TOO_LARGE, "metric_name").limit(200),
        ],
    )
    .await;
}
