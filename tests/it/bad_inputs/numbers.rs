//! Numbers that are none, do not fit, or make no sense (B-06 … B-09).

use serde_json::{Value, json};

use super::case::{Case, check, refuse, refuse_text};
use super::parsing::assert_unreadable;
use crate::support::bench::Bench;

const NUMBER: &str = "INVALID_NUMBER";

/// A measurement whose value is this text of JSON.
fn metric(value: &str) -> String {
    format!(r#"{{"metric_name":"m","value":{value}}}"#)
}

#[tokio::test]
async fn b_06_values_that_are_no_numbers() {
    let values = [r#""NaN""#, r#""Infinity""#, r#""5""#, r#""""#, "null", "true", "[1]", "{}"];
    // The last two are numbers of JSON's, past every float.
    let values = values.into_iter().chain(["1e400", "-1e400"]);
    let cases: Vec<Case> =
        values.map(|value| refuse_text("record_metric", metric(value), NUMBER, "value")).collect();
    check("B-06", &cases).await;
}

#[tokio::test]
async fn b_06_values_that_are_no_json() {
    for value in ["NaN", "Infinity", "-Infinity", "0x10", "1_000", "01", ".5"] {
        let params = format!(r#"{{"name":"record_metric","arguments":{}}}"#, metric(value));
        let message = format!(r#"{{"jsonrpc":"2.0","id":9001,"method":"tools/call","params":{params}}}"#);
        assert_unreadable("B-06", message.as_bytes()).await;
    }
}

#[tokio::test]
async fn b_07_integers_that_do_not_fit() {
    let log = |number: &str| format!(r#"{{"event_type":"e","message":"m","metadata":{{"n":{number}}}}}"#);
    let mut cases = Vec::new();
    for number in ["9223372036854775808", "18446744073709551616", "-9223372036854775809", &"9".repeat(40)] {
        cases.push(refuse_text("record_metric", metric(number), NUMBER, "value"));
        cases.push(refuse_text("log_event", log(number), NUMBER, "metadata.n"));
        let as_text =
            json!({ "event_type": "e", "message": "m", "metadata": format!(r#"{{"n":{number}}}"#) });
        cases.push(refuse("log_event", &as_text, NUMBER, "metadata.n"));
    }
    check("B-07", &cases).await;
}

#[tokio::test]
async fn b_07_numbers_at_the_edge_are_kept() {
    let bench = Bench::start();
    for client in bench.clients().await {
        for value in [-0.0_f64, 5e-324, 1.797_693_134_862_315_7e308, -2.5] {
            let recorded =
                client.call("record_metric", json!({ "metric_name": "g", "value": value })).await.ok();
            let kept = recorded["value"].as_f64().unwrap();
            assert_eq!(kept.to_bits(), value.to_bits(), "{} {value}", client.name);
        }
        let metadata = json!({ "a": (1_i64 << 53) + 1, "b": i64::MAX, "c": i64::MIN, "d": 5e-324 });
        let log = json!({ "event_type": "e", "message": "m", "metadata": metadata });
        client.call("log_event", log).await.ok();
        let found = client.call("query_logs", json!({ "event_type": "e", "limit": 1 })).await.ok();
        assert_eq!(found["logs"][0]["metadata"], metadata, "{}", client.name);
    }
}

#[tokio::test]
async fn b_08_counters_that_would_fall() {
    let fall = |name: &str, more: Value| {
        let mut arguments = json!({ "metric_name": name, "value": -1 });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refuse("record_metric", &arguments, NUMBER, "value").says("counter")
    };
    check(
        "B-08",
        &[
            fall("agent.tool_calls", json!({})),
            fall("agent.tokens.input", json!({ "labels": { "agent_name": "a" } })),
            fall("agent.request.errors", json!({})),
            fall("depth", json!({ "kind": "counter" })),
        ],
    )
    .await;
}

#[tokio::test]
async fn b_09_durations_that_are_negative() {
    let negative =
        |name: &str| refuse("record_metric", &json!({ "metric_name": name, "value": -1 }), NUMBER, "value");
    check("B-09", &[negative("agent.request.duration_ms"), negative("tool.wait_seconds")]).await;
}
