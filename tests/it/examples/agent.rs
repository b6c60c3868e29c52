//! `instrumented_agent.py`: what it records and in which order, and what it does where it can't.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use super::model::FakeApi;
use crate::support::bench::{Bench, File};
use crate::support::mcp::{Client, Era};
use crate::support::reading::all_spans;
use crate::support::redis::{free_port, until};
use crate::support::server::Server;
use crate::support::services::{repository, require};

const PYTHONS: [&str; 2] = ["target/tools/venv-mcp1/bin/python", "target/tools/venv-mcp2/bin/python"];
const PYTHON_WITH_ANTHROPIC: &str = "target/tools/venv-agent/bin/python";

/// What a request records in which the model uses one tool.
const SUCCESS: [&str; 14] = [
    "start agent_request",
    "info agent.request.start",
    "start agent_request / llm_call",
    "end llm_call ok",
    "start agent_request / tool.count_words",
    "end tool.count_words ok",
    "start agent_request / llm_call",
    "end llm_call ok",
    "metric agent_request_duration_seconds",
    "metric agent_tokens_total input",
    "metric agent_tokens_total output",
    "metric agent_tool_calls_total",
    "info agent.request.success",
    "end agent_request ok",
];

/// What a request records in which the model fails.
const FAILURE: [&str; 7] = [
    "start agent_request",
    "info agent.request.start",
    "start agent_request / llm_call",
    "end llm_call error",
    "error agent.request.error",
    "metric agent_request_errors_total ValueError",
    "end agent_request error",
];

#[tokio::test]
async fn each_step_is_recorded_in_its_order_over_every_transport() {
    for python in PYTHONS {
        let Some(python) = require(python) else { return };
        for path in ["/mcp", "/sse"] {
            let bench = echoing();
            let output = finish(start(&python, &bench.server.url(path), "one two three", &[]));
            assert_eq!(said(&output), ("I counted 3 words.\n", ""), "{python:?} {path}");
            assert!(output.status.success());

            let records = records(&bench.server, SUCCESS.len());
            assert_eq!(steps(&records), SUCCESS, "{python:?} {path}");
            assert_eq!(records[1]["message"], "Processing request: one two three");
            check_store(&bench, records[0]["trace_id"].as_str().unwrap()).await;
        }
    }
}

/// The trace is whole, its root has the request's duration, and no token is counted twice.
async fn check_store(bench: &Bench, trace_id: &str) {
    let client = Client::http(&bench.server, Era::Stateless).await.expect("the server lives");
    let spans = all_spans(&client, trace_id).await;
    assert_eq!(spans.len(), 4);
    assert!(spans.iter().all(|span| span["agent_name"] == "word-counter" && span["status"] == "ok"));
    assert!(spans[0]["metadata"]["duration_ms"].is_f64(), "{}", spans[0]);
    let calls: Vec<_> = spans.iter().filter(|span| span["name"] == "llm_call").collect();
    assert!(calls.iter().all(|call| call["model"] == "fake-model"));
    let shown: f64 = calls.iter().filter_map(|call| call["metadata"]["tokens"].as_f64()).sum();
    let counted: f64 = bench.file.look_up("SELECT sum(value) FROM series WHERE name = 'agent_tokens_total'");
    assert!(shown > 0.0 && (shown - counted).abs() < 1e-9, "{shown} tokens shown, {counted} counted");

    let logs = client.call("query_logs", json!({ "trace_id": trace_id })).await.ok();
    assert_eq!(logs["total"], 2);
    assert_eq!(logs["logs"][0]["agent_name"], "word-counter");
}

#[tokio::test]
async fn what_the_model_fails_with_is_recorded_and_raised_again() {
    let Some(python) = require(PYTHONS[0]) else { return };
    let bench = echoing();
    let output = finish(start(&python, &bench.server.url("/mcp"), "", &[]));
    assert_eq!(output.status.code(), Some(1));
    let (stdout, stderr) = said(&output);
    let raised = "ValueError: messages: text content blocks must be non-empty";
    assert!(stdout.is_empty() && stderr.trim_end().ends_with(raised), "{stderr}");

    let records = records(&bench.server, FAILURE.len());
    assert_eq!(steps(&records), FAILURE);
    assert_eq!(records[4]["metadata"]["error_type"], "ValueError");
    for end in [&records[3], &records[6]] {
        assert_eq!(end["metadata"]["error"], "messages: text content blocks must be non-empty");
    }
}

#[tokio::test]
async fn claude_answers_where_there_is_a_key_for_it() {
    let Some(python) = require(PYTHON_WITH_ANTHROPIC) else { return };
    let (bench, api) = (echoing(), FakeApi::start().await);
    let variables = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", api.url())];
    let agent = start(&python, &bench.server.url("/mcp"), "one two three", &variables);
    let output = tokio::task::spawn_blocking(|| finish(agent)).await.unwrap();
    assert_eq!(said(&output), ("There are 3 words.\n", ""));

    let records = records(&bench.server, SUCCESS.len());
    assert_eq!(steps(&records), SUCCESS);
    assert_eq!(records[3]["metadata"], json!({ "model": "claude-of-the-test", "tokens": 25 }));
    assert_eq!((&records[9]["value"], &records[10]["value"]), (&json!(60.0), &json!(20.0)));

    let [first, second] = &api.requests()[..] else { panic!("two turns") };
    assert_eq!(first["messages"][0], json!({ "role": "user", "content": "one two three" }));
    assert_eq!(second["messages"][2]["content"][0]["content"], "3");
}

#[test]
fn without_a_server_the_agent_goes_on_and_says_so_once() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let closed = format!("127.0.0.1:{}", free_port());
    let mut agents = Vec::new();
    for python in PYTHONS {
        let Some(python) = require(python) else { return };
        for address in [&silent, &closed] {
            for path in ["/mcp", "/sse"] {
                let url = format!("http://{address}{path}");
                agents.push((start(&python, &url, "one two three", &[]), url));
            }
        }
    }
    for (agent, url) in agents {
        let output = finish(agent);
        let (stdout, stderr) = said(&output);
        assert_eq!((stdout, output.status.code()), ("I counted 3 words.\n", Some(0)), "{url}: {stderr}");
        assert!(stderr.starts_with(&format!("watchglass: {url} ")), "{url}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{url}: {stderr}");
    }
}

#[test]
fn a_key_lets_the_agent_in_and_a_wrong_one_does_not_stop_it() {
    let key = "the key of an agent in a test";
    let server = Server::start_as(
        &["serve", "--store", "memory:", "--echo", "--listen", "127.0.0.1:0"],
        &[("WATCHGLASS_INGEST_KEY", key)],
    );
    for (count, python) in PYTHONS.into_iter().enumerate() {
        let Some(python) = require(python) else { return };
        for path in ["/mcp", "/sse"] {
            let run = |key| {
                let url = server.url(path);
                finish(start(&python, &url, "one two three", &[("WATCHGLASS_KEY", key)]))
            };
            let refused = run("not the key of an agent");
            let (stdout, stderr) = said(&refused);
            assert_eq!((stdout, refused.status.code()), ("I counted 3 words.\n", Some(0)), "{stderr}");
            let warning = format!("watchglass: {} takes no records", server.url(path));
            assert!(stderr.starts_with(&warning) && stderr.lines().count() == 1, "{stderr}");
            assert_eq!(said(&run(key)), ("I counted 3 words.\n", ""));
        }
        let stored = records(&server, SUCCESS.len() * 2 * (count + 1));
        assert_eq!(stored.len(), SUCCESS.len() * 2 * (count + 1), "nothing came in with the wrong key");
    }
}

/// A server on a file, which says each record that it has stored.
fn echoing() -> Bench {
    let file = File::new();
    let server = Server::start_with(&["serve", "--store", &file.store(), "--echo"]);
    Bench { server, file }
}

fn start(python: &Path, url: &str, task: &str, variables: &[(&str, &str)]) -> Child {
    let script: PathBuf = repository("examples/instrumented_agent.py");
    Command::new(python)
        .arg(script)
        .arg(task)
        // What a developer has set for the real API is not for the test's.
        .env_clear()
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("WATCHGLASS_URL", url)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts")
}

fn finish(agent: Child) -> Output {
    agent.wait_with_output().expect("the agent ends")
}

fn said(output: &Output) -> (&str, &str) {
    (str::from_utf8(&output.stdout).unwrap(), str::from_utf8(&output.stderr).unwrap())
}

/// What the server has stored, in order, once it is as much as expected.
fn records(server: &Server, expected: usize) -> Vec<Value> {
    let stored = || -> Vec<Value> {
        let lines = server.stderr();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line.get("event_type").is_some()).collect()
    };
    until("all records are stored", || stored().len() >= expected);
    stored()
}

/// Each record in a few words.
fn steps(records: &[Value]) -> Vec<String> {
    let name = |id: &Value| {
        let started = records.iter().find(|record| record["span_id"] == *id && record.get("name").is_some());
        started.map_or("?", |record| record["name"].as_str().unwrap())
    };
    let step = |record: &Value| {
        let text = |key: &str| record[key].as_str().unwrap_or("?").to_owned();
        match record["event_type"].as_str().unwrap() {
            "span.start" if record["parent_span_id"].is_null() => format!("start {}", text("name")),
            "span.start" => format!("start {} / {}", name(&record["parent_span_id"]), text("name")),
            "span.end" => format!("end {} {}", name(&record["span_id"]), text("status")),
            "metric" => {
                let labels = &record["labels"];
                assert_eq!(labels["agent_name"], "word-counter");
                let kind = labels.get("token_type").or_else(|| labels.get("error_type"));
                let kind = kind.and_then(Value::as_str).unwrap_or_default();
                format!("metric {} {kind}", text("metric")).trim_end().to_owned()
            }
            event_type => {
                assert_eq!(record["trace_id"], records[0]["trace_id"]);
                format!("{} {event_type}", text("level"))
            }
        }
    };
    records.iter().map(step).collect()
}
