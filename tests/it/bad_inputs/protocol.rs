//! Calls and messages of the wrong form (B-34, B-35).

use serde_json::{Value, json};

use super::case::{Case, check, refuse};
use crate::support::bench::{Bench, assert_works};
use crate::support::mcp::Client;

const INVALID: &str = "INVALID_ARGUMENT";

/// What a tool needs, and one argument of a wrong type for it.
const TOOLS: [(&str, &[&str]); 6] = [
    ("log_event", &["event_type", "message"]),
    ("start_span", &["span_name"]),
    ("end_span", &["span_id"]),
    ("record_metric", &["metric_name", "value"]),
    ("get_trace", &["trace_id"]),
    ("query_logs", &[]),
];

fn arguments(needed: &[&str]) -> Value {
    needed.iter().map(|name| (*name, if *name == "value" { json!(1) } else { json!("a") })).collect()
}

#[tokio::test]
async fn b_34_arguments_missing_unknown_or_of_the_wrong_type() {
    let mut cases: Vec<Case> = Vec::new();
    for (tool, needed) in TOOLS {
        for missing in needed {
            let rest: Vec<&str> = needed.iter().copied().filter(|name| name != missing).collect();
            cases.push(refuse(tool, &arguments(&rest), INVALID, missing).says("is missing"));
        }
        for name in needed.iter().filter(|name| **name != "value") {
            for wrong in [json!(5), json!(true), json!(["a"]), json!({ "a": 1 }), json!(null)] {
                let mut call = arguments(needed);
                call[*name] = wrong;
                cases.push(refuse(tool, &call, INVALID, name));
            }
        }
        let mut extra = arguments(needed);
        extra["zzz"] = json!(1);
        cases.push(refuse(tool, &extra, INVALID, "zzz").says("there are"));
    }
    for (tool, typo, meant) in [
        ("log_event", "mesage", "message"),
        ("log_event", "eventType", "event_type"),
        ("end_span", "span", "span_id"),
        ("query_logs", "since_minute", "since_minutes"),
        ("record_metric", "metric", "metric_name"),
    ] {
        let call = json!({ typo: "a" });
        cases.push(refuse(tool, &call, INVALID, typo).says(format!("did you mean `{meant}`")));
    }
    check("B-34", &cases).await;
}

/// A request as text, for `id` and `params` of any form.
fn request(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

const LOG: &str = r#"{"name":"log_event","arguments":{"event_type":"e","message":"m"}}"#;

/// Sends each text and expects this JSON-RPC error, nothing stored, and the next call to work.
async fn check_errors(row: &str, texts: &[(String, i64)]) {
    let bench = Bench::start();
    for mut client in bench.clients().await {
        assert_works(&client, row).await;
        let before = bench.file.rows();
        for (text, code) in texts {
            let answer = client.raw(text.as_bytes()).await;
            let context = format!("{row} {} {text}\n{answer:?}", client.name);
            assert_eq!(answer.body["error"]["code"], *code, "{context}");
            assert!(!answer.body["error"]["message"].as_str().unwrap_or_default().is_empty(), "{context}");
        }
        assert_eq!(bench.file.rows(), before, "{row} {}", client.name);
        bench.reconnect(&mut client).await;
        assert_works(&client, row).await;
    }
}

#[tokio::test]
async fn b_34_positional_params() {
    check_errors(
        "B-34",
        &[
            (request("9001", "tools/call", r#"["log_event",{"event_type":"e","message":"m"}]"#), -32_602),
            (request("9001", "tools/call", r#"{"name":"log_event","arguments":["e","m"]}"#), -32_602),
            (request("9001", "tools/call", r#"{"name":"log_event","arguments":"e"}"#), -32_602),
            (request("9001", "tools/call", r#"{"arguments":{}}"#), -32_602),
        ],
    )
    .await;
}

#[tokio::test]
async fn b_34_a_tool_that_is_not_there() {
    let bench = Bench::start();
    for client in bench.clients().await {
        let outcome = client.call("log_events", json!({})).await;
        assert_eq!(outcome.raw["error"]["code"], -32_602, "{}: {}", client.name, outcome.raw);
        assert!(outcome.raw["error"].to_string().contains("log_event, start_span"), "{}", outcome.raw);
        assert_works(&client, "an unknown tool").await;
    }
}

#[tokio::test]
async fn b_35_messages_that_are_no_requests() {
    let old = request("9001", "tools/call", LOG).replace("\"2.0\"", "\"1.0\"");
    let bare = request("9001", "tools/call", LOG).replace(r#""jsonrpc":"2.0","#, "");
    let batch = format!("[{}]", request("9001", "tools/call", LOG));
    check_errors(
        "B-35",
        &[
            (request("null", "tools/call", LOG), -32_600),
            (request("1.5", "tools/call", LOG), -32_600),
            (request("{}", "tools/call", LOG), -32_600),
            (request("[1]", "tools/call", LOG), -32_600),
            (request("true", "tools/call", LOG), -32_600),
            (request("99999999999999999999", "tools/call", LOG), -32_600),
            (old, -32_600),
            (bare, -32_600),
            (batch, -32_600),
            ("[]".into(), -32_600),
            ("5".into(), -32_600),
            (r#""text""#.into(), -32_600),
            (r#"{"jsonrpc":"2.0","id":9001}"#.into(), -32_600),
            (r#"{"jsonrpc":"2.0","id":9001,"method":5}"#.into(), -32_600),
            (r#"{"jsonrpc":"2.0","id":9001,"method":"tools/call","method":"ping"}"#.into(), -32_600),
        ],
    )
    .await;
}

#[tokio::test]
async fn b_35_messages_that_get_no_answer() {
    let bench = Bench::start();
    for client in bench.clients().await {
        assert_works(&client, "B-35").await;
        let before = bench.file.rows();
        for silent in [
            r#"{"jsonrpc":"2.0","method":"notifications/nobody_knows"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":5}"#,
            r#"{"jsonrpc":"2.0","id":12345,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":12345,"error":{"code":1,"message":"m"}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}"#,
            // A call without an id asks for nothing, so nothing may be stored on the quiet.
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"log_event","arguments":{"event_type":"e","message":"m"}}}"#,
        ] {
            client.send_bytes(silent.as_bytes());
        }
        let outcome = client.call("query_logs", json!({ "event_type": "e" })).await.ok();
        assert_eq!(outcome["total"], 0, "{}", client.name);
        assert_eq!(bench.file.rows(), before, "{}", client.name);
        assert_works(&client, "B-35").await;
    }
}

#[tokio::test]
async fn b_35_an_id_that_is_in_flight() {
    let bench = Bench::start();
    for client in [Client::stdio(&bench.file.store()).await, Client::sse(&bench.server).await.unwrap()] {
        let event_type = format!("e.{}", client.name);
        let twice = request("9001", "tools/call", &LOG.replace(r#""e""#, &format!(r#""{event_type}""#)));
        // The second arrives while the first is at work.
        client.send_bytes(twice.as_bytes());
        let answers = [client.raw(twice.as_bytes()).await.body, client.unaddressed().await];
        let refused = answers.iter().filter(|answer| answer["error"]["code"] == -32_600).count();
        let taken = answers.iter().filter(|answer| answer["result"]["isError"] == false).count();
        assert_eq!((refused, taken), (1, 1), "{}: {answers:?}", client.name);
        let found = client.call("query_logs", json!({ "event_type": event_type })).await.ok();
        assert_eq!(found["total"], 1, "{}", client.name);
    }
}
