//! Secrets that are planted in every field of every call are stored nowhere and answered nowhere.

use serde_json::{Value, json};

use crate::support::bench::{Bench, File};
use crate::support::mcp::{Client, Era};
use crate::support::prometheus::get;
use crate::support::redis::{Server as Redis, until};
use crate::support::server::Server;

/// A part of every secret here, and of nothing else.
const CANARY: &str = "C4n4ryC4n4ryC4n4ryC4n4ry";

/// A secret that is known by its form.
fn secret() -> String {
    format!("ghp_{CANARY}{CANARY}")
}

/// Metadata with a secret wherever one can be.
fn metadata() -> Value {
    let secret = secret();
    json!({
        "password": CANARY,
        "headers": [{ "X-Api-Key": CANARY }, { "cookie": [CANARY, { "value": CANARY }] }],
        "url": format!("postgres://user:{CANARY}@db.example/app"),
        "deep": { "er": [[{ "text": format!("it is {secret}, keep it") }]] },
        "arguments": json!({ "city": "Rome", "client_secret": CANARY }).to_string(),
        "error": format!("401 for {secret}"),
        "model": secret,
        "agent_name": secret,
        "session_id": secret,
        secret: "a key can be one too",
    })
}

/// Calls with a secret in every argument that can be rewritten.
async fn plant(client: &Client) -> String {
    let (name, secret) = (client.name, secret());
    let mut log = json!({ "event_type": "redaction.log", "message": format!("{name}: Bearer {CANARY}"), "metadata": metadata() });
    client.call("log_event", log.clone()).await.ok();
    // An id in metadata that can't be kept is no reason to lose the log.
    log["metadata"]["trace_id"] = json!(secret);
    log["metadata"]["span_id"] = json!(secret);
    log["metadata"] = log["metadata"].to_string().into();
    client.call("log_event", log).await.ok();
    let span = json!({
        "span_name": format!("call {secret}"), "kind": "llm", "agent_name": secret, "session_id": secret,
        "metadata": metadata(),
    });
    let started = client.call("start_span", span).await.ok();
    assert_eq!(started["name"], "call [REDACTED:github_token]", "{name}");
    let mut end = metadata();
    end["input_tokens"] = 12.into();
    let end = json!({ "span_id": started["span_id"], "status": "error", "metadata": end });
    client.call("end_span", end).await.ok();
    let labels = json!({ "agent_name": secret, "api_key": CANARY, "token_type": "input" });
    client
        .call("record_metric", json!({ "metric_name": "redaction.calls", "value": 1, "labels": labels }))
        .await
        .ok();
    started["trace_id"].as_str().unwrap().to_owned()
}

/// Calls with a secret in an argument by which a record is found; they are refused.
async fn plant_in_names(client: &Client) {
    let secret = secret();
    for (tool, field, arguments) in [
        ("log_event", "event_type", json!({ "message": "m" })),
        ("log_event", "idempotency_key", json!({ "event_type": "redaction.log", "message": "m" })),
        ("start_span", "trace_id", json!({ "span_name": "s" })),
        ("start_span", "span_id", json!({ "span_name": "s" })),
        ("start_span", "parent_span_id", json!({ "span_name": "s" })),
        ("start_span", "idempotency_key", json!({ "span_name": "s" })),
        ("record_metric", "metric_name", json!({ "value": 1 })),
        ("record_metric", "idempotency_key", json!({ "metric_name": "m", "value": 1 })),
        ("record_metric", "labels", json!({ "metric_name": "m", "value": 1 })),
    ] {
        let mut arguments = arguments;
        arguments[field] = if field == "labels" { json!({ &secret: "x" }) } else { json!(secret) };
        let problem = client.call(tool, arguments).await.problem();
        let told = (&problem["code"], &problem["field"]);
        assert_eq!(told, (&json!("INVALID_ARGUMENT"), &json!(field)), "{}: {tool}: {problem}", client.name);
        assert!(!problem.to_string().contains(CANARY), "{}: {tool}: {problem}", client.name);
    }
    // Refused for another reason, and no more stored than the others.
    for (tool, arguments) in [
        ("log_event", json!({ "event_type": "redaction.log", "message": "m", "level": secret })),
        ("start_span", json!({ "span_name": "s", "kind": secret })),
        ("end_span", json!({ "span_id": secret })),
        ("end_span", json!({ "span_id": "s", "status": secret })),
        ("record_metric", json!({ "metric_name": "m", "value": 1, "kind": secret })),
    ] {
        assert!(client.call(tool, arguments).await.is_error, "{}: {tool}", client.name);
    }
}

/// Reads back what [`plant`] has written.
async fn assert_answers_are_clean(client: &Client, trace_id: &str) {
    let logs = client.call("query_logs", json!({ "event_type": "redaction.*" })).await;
    let trace = client.call("get_trace", json!({ "trace_id": trace_id })).await;
    for answer in [&logs, &trace] {
        assert!(!answer.raw.to_string().contains(CANARY), "{}: {}", client.name, answer.raw);
    }
    let (logs, trace) = (logs.ok(), trace.ok());
    let (lifted, plain) = (&logs["logs"][0], &logs["logs"][1]);
    assert_eq!(plain["message"], format!("{}: Bearer [REDACTED:bearer]", client.name));
    assert_eq!(plain["metadata"]["deep"]["er"][0][0]["text"], "it is [REDACTED:github_token], keep it");
    assert_eq!(plain["metadata"]["url"], "postgres://[REDACTED:url_credentials]@db.example/app");
    let arguments = r#"{"city":"Rome","client_secret":"[REDACTED:secret]"}"#;
    assert_eq!(plain["metadata"]["arguments"], arguments);
    let marks = plain["redacted"].as_array().unwrap();
    for mark in
        ["message", "metadata.password", "metadata.headers[1].cookie", "metadata.[REDACTED:github_token]"]
    {
        assert!(marks.contains(&mark.into()), "{}: {mark}: {marks:?}", client.name);
    }
    assert!(lifted.get("trace_id").is_none() && lifted.get("span_id").is_none(), "{lifted}");
    let span = &trace["spans"][0];
    assert_eq!(span["agent_name"], "[REDACTED:github_token]", "{}", client.name);
    assert_eq!(span["error"], "401 for [REDACTED:github_token]");
    assert_eq!(span["usage"], json!({ "input": 12 }));
    let marks = span["redacted"].as_array().unwrap();
    let expected =
        ["name", "agent_name", "session_id", "error", "model", "metadata.password", "metadata.arguments"];
    assert!(expected.iter().all(|mark| marks.contains(&json!(mark))), "{}: {marks:?}", client.name);
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_a_file_an_answer_or_the_log() {
    let file = File::new();
    let server = Server::start_with(&["serve", "--echo", "--store", &file.store()]);
    let bench = Bench { server, file };
    for client in bench.clients().await {
        let trace_id = plant(&client).await;
        plant_in_names(&client).await;
        assert_answers_are_clean(&client, &trace_id).await;
    }
    let (_, scraped) = get(&bench.server.url("/metrics"), "text/plain").await;
    assert!(scraped.contains("redaction_calls_total{") && scraped.contains("[REDACTED:"), "{scraped}");
    assert!(!scraped.contains(CANARY), "{scraped}");
    // While the server lives, what was written last is in the write-ahead log alone.
    assert!(bench.file.wal_bytes() > 0);
    let stored = bench.file.bytes();
    assert!(!contains(&stored, CANARY));
    assert!(contains(&stored, "[REDACTED:github_token]") && contains(&stored, "keep it"));
    until("the last record is echoed", || bench.server.stderr().contains("http 2026-07-28: Bearer"));
    let stderr = bench.server.stderr();
    assert!(stderr.contains("[REDACTED:github_token]") && stderr.contains("[REDACTED:url_credentials]"));
    assert!(!stderr.contains(CANARY), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_redis() {
    let Some(redis) = Redis::start(&[]) else { return };
    let server = Server::start_with(&["serve", "--store", &redis.url()]);
    for client in [
        Client::stdio(&redis.url()).await,
        Client::sse(&server).await.unwrap(),
        Client::http(&server, Era::Initialize).await.unwrap(),
        Client::http(&server, Era::Stateless).await.unwrap(),
    ] {
        let trace_id = plant(&client).await;
        plant_in_names(&client).await;
        assert_answers_are_clean(&client, &trace_id).await;
    }
    let stored = redis.dump();
    assert!(!stored.contains(CANARY), "{stored}");
    assert!(stored.contains("[REDACTED:github_token]") && stored.contains("keep it"));
}

/// An `llm` span as `OTel` instrumentations of three generations, `OpenInference` and our own names tell of it.
fn genai() -> Value {
    json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "claude",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.prompt": CANARY,
        "gen_ai.completion.0.content": CANARY,
        "gen_ai.input.messages": [{ "role": "user", "parts": [{ "type": "text", "content": CANARY }] }],
        "gen_ai.output.messages": json!([{ "role": "assistant", "content": CANARY }]).to_string(),
        "gen_ai.system_instructions": CANARY,
        "gen_ai.tool.definitions": [{ "name": CANARY }],
        "gen_ai.tool.call.arguments": { "city": CANARY },
        "gen_ai.tool.call.result": CANARY,
        "llm.input_messages.0.message.content": CANARY,
        "input.value": CANARY,
        "output.value": CANARY,
        "retrieval.documents.0.document.content": CANARY,
        "retrieval.documents.0.document.score": 0.5,
        "tool.parameters": CANARY,
        "prompt": CANARY,
        "result": { "text": CANARY },
        "api_key": "hunter2",
        "error": "overloaded",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_policy_says_what_is_kept() {
    let kept = |policy: &str| (policy != "metadata_only", policy == "full");
    for policy in ["full", "redacted", "metadata_only"] {
        let file = File::new();
        let settings = file.path().with_file_name("watchglass.toml");
        std::fs::write(&settings, format!("content = \"{policy}\"\n")).unwrap();
        let settings = settings.display().to_string();
        let server = Server::start_with(&["serve", "--config", &settings, "--store", &file.store()]);
        let client = Client::http(&server, Era::Stateless).await.unwrap();
        let started =
            client.call("start_span", json!({ "span_name": "chat claude", "metadata": genai() })).await.ok();
        let end =
            json!({ "span_id": started["span_id"], "metadata": { "output": CANARY, "secret": "hunter2" } });
        client.call("end_span", end).await.ok();
        let log = json!({ "event_type": "llm", "message": "called", "metadata": genai() });
        client.call("log_event", log).await.ok();

        let trace = client.call("get_trace", json!({ "trace_id": started["trace_id"] })).await.ok();
        let logs = client.call("query_logs", json!({ "event_type": "llm" })).await.ok();
        let answers = format!("{trace}{logs}");
        let stored = file.bytes();
        let (content, secrets) = kept(policy);
        assert_eq!((answers.contains(CANARY), answers.contains("hunter2")), (content, secrets), "{policy}");
        assert_eq!((contains(&stored, CANARY), contains(&stored, "hunter2")), (content, secrets), "{policy}");
        let span = &trace["spans"][0];
        assert_eq!((&span["model"], &span["error"]), (&json!("claude"), &json!("overloaded")), "{policy}");
        assert_eq!(span["usage"], json!({ "input": 12, "output": 7 }), "{policy}");
        assert_eq!(span["metadata"]["retrieval.documents.0.document.score"], 0.5, "{policy}");
        let marks = span["redacted"].as_array().map_or(0, Vec::len);
        let expected = [("full", 0), ("redacted", 2), ("metadata_only", 18)];
        assert!(expected.contains(&(policy, marks)), "{policy}: {}", span["redacted"]);
        if policy == "metadata_only" {
            assert_eq!(span["metadata"]["gen_ai.input.messages"], "[REDACTED:content]");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_content_can_be_asked_for_on_the_command_line() {
    let server = Server::start_with(&["serve", "--no-content", "--store", "memory:"]);
    let client = Client::http(&server, Era::Stateless).await.unwrap();
    let log = json!({ "event_type": "llm", "message": "called", "metadata": { "prompt": CANARY, "model": "claude" } });
    client.call("log_event", log).await.ok();
    let logs = client.call("query_logs", json!({})).await.ok();
    assert_eq!(logs["logs"][0]["metadata"], json!({ "prompt": "[REDACTED:content]", "model": "claude" }));
}
