//! What a key allows: every tool and every scope, over both transports (S-12, S-13, S-14).

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::world::{Caller, World};
use crate::support::server::BINARY;
use crate::support::services::repository;

const WRITES: [&str; 4] = ["log_event", "start_span", "end_span", "record_metric"];
const READS: [&str; 2] = ["get_trace", "query_logs"];
const SCOPES: [&str; 5] = ["ingest", "read", "metrics", "admin", "ingest,read,metrics,admin"];

fn allowed(scopes: &str) -> BTreeSet<&'static str> {
    let has = |scope| scopes.split(',').any(|held| held == scope);
    let writes = WRITES.into_iter().filter(|_| has("ingest"));
    writes.chain(READS.into_iter().filter(|_| has("read"))).collect()
}

fn arguments(tool: &str) -> Value {
    match tool {
        "log_event" => json!({ "event_type": "e", "message": "m" }),
        "start_span" => json!({ "span_name": "s", "span_id": "fixed", "trace_id": "t" }),
        "end_span" => json!({ "span_id": "fixed" }),
        "record_metric" => json!({ "metric_name": "m", "value": 1 }),
        "get_trace" => json!({ "trace_id": "t" }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn a_key_sees_and_calls_what_its_scopes_allow_and_nothing_else() {
    let world = World::new();
    for scopes in SCOPES {
        let caller = world.caller(&scopes.replace(',', "-"), scopes);
        let expected = allowed(scopes);
        let listed = caller.mcp("tools/list", json!({})).await.json()["result"]["tools"].clone();
        let again = caller.mcp("tools/list", json!({})).await.json()["result"]["tools"].clone();
        assert_eq!(listed, again, "the order is always the same");
        let names: BTreeSet<&str> =
            listed.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{scopes}");
        for tool in WRITES.into_iter().chain(READS) {
            let answer = caller.call(tool, arguments(tool)).await;
            if expected.contains(tool) {
                assert_eq!(answer.status, StatusCode::OK, "{scopes} {tool}");
                assert_ne!(answer.json()["result"]["isError"], true, "{scopes} {tool} {}", answer.body);
                continue;
            }
            let scope = if READS.contains(&tool) { "read" } else { "ingest" };
            let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{scopes} {tool}");
            assert_eq!(answer.challenge.as_deref(), Some(challenge.as_str()), "{scopes} {tool}");
            assert_eq!(answer.json()["code"], "INSUFFICIENT_SCOPE", "{scopes} {tool}");
        }
    }
}

#[tokio::test]
async fn metrics_are_for_those_who_may_read_or_scrape() {
    let world = World::new();
    for scopes in SCOPES {
        let caller = world.caller(&scopes.replace(',', "-"), scopes);
        let may = ["read", "metrics"].iter().any(|scope| scopes.split(',').any(|held| held == *scope));
        for path in ["/metrics", "/metrics/process"] {
            let answer = caller.get(path).await;
            let expected = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, expected, "{scopes} {path}");
            let challenge = r#"Bearer error="insufficient_scope", scope="metrics""#;
            assert_eq!(answer.challenge.as_deref(), (!may).then_some(challenge), "{scopes} {path}");
        }
    }
    let nobody = Caller::without_key(&world.server);
    for path in ["/metrics", "/metrics/process"] {
        assert_eq!(nobody.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn what_a_session_over_sse_may_not_do_comes_back_as_a_result() {
    let world = World::new();
    let writer = world.caller("default", "ingest");
    let (mut stream, path) = writer.open_sse().await;
    assert_eq!(writer.post(&path).await.status, StatusCode::ACCEPTED);
    let send = async |message: Value| {
        let sent = writer.request(reqwest::Method::POST, &path).json(&message).send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::ACCEPTED);
    };
    send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    let call = json!({ "name": "query_logs", "arguments": {} });
    send(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call })).await;
    let mut text = String::new();
    while !text.contains(r#""id":2"#) {
        text.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().expect("the stream goes on")));
    }
    assert!(text.contains("INSUFFICIENT_SCOPE") && text.contains(r#""isError":true"#), "{text}");
}

#[tokio::test]
async fn a_batch_is_no_way_around() {
    let world = World::new();
    let writer = world.caller("default", "ingest");
    let call = |id: i64, tool: &str| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments(tool) } })
    };
    let answer = writer
        .request(reqwest::Method::POST, "/mcp")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-03-26")
        .json(&json!([call(1, "log_event"), call(2, "query_logs")]))
        .send()
        .await
        .unwrap();
    let answers: Value = answer.json().await.unwrap();
    assert_ne!(answers[0]["result"]["isError"], true, "{answers}");
    assert!(answers[1].to_string().contains("INSUFFICIENT_SCOPE"), "{answers}");
    assert!(!answers.to_string().contains(r#""logs""#), "{answers}");
}

#[tokio::test]
async fn keys_of_the_environment_allow_what_they_are_named_for() {
    let server = crate::support::server::Server::start_as(
        &["--store", "memory:", "--listen", "127.0.0.1:0"],
        &[
            ("WATCHGLASS_INGEST_KEY", "write-write-write-write"),
            ("WATCHGLASS_READ_KEY", "read-read-read-read"),
        ],
    );
    let (writer, reader) =
        (Caller::new(&server, "write-write-write-write"), Caller::new(&server, "read-read-read-read"));
    assert_eq!(Caller::without_key(&server).mcp("ping", json!({})).await.status, StatusCode::UNAUTHORIZED);
    writer.ok("log_event", arguments("log_event")).await;
    assert_eq!(writer.call("query_logs", json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(reader.ok("query_logs", json!({})).await["total"], 1);
    assert_eq!(reader.call("log_event", arguments("log_event")).await.status, StatusCode::FORBIDDEN);

    // A client command sends the key that its environment names.
    let replay = |key: Option<&str>| {
        let mut command = assert_cmd::Command::new(BINARY);
        command.args(["replay", "examples/data/who_and_when.jsonl", "--server", &server.url("/mcp")]);
        command.current_dir(repository(".")).env_remove("WATCHGLASS_KEY");
        command.envs(key.map(|key| ("WATCHGLASS_KEY", key))).output().unwrap()
    };
    assert!(replay(Some("write-write-write-write")).status.success());
    let refused = replay(None);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("UNAUTHENTICATED"));
}
