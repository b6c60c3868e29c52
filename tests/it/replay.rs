//! Recorded runs of real agents, sent to a real server by `watchglass replay` and read back whole.
//!
//! `WATCHGLASS_TEST_RECORDINGS` names a directory with more of them than the project carries.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use watchglass::model::text::visible;
use watchglass::replay;

use crate::support::bench::File;
use crate::support::mcp::{Client, Era};
use crate::support::redis::Redis;
use crate::support::server::{BINARY, Server};
use crate::support::services::{environment, repository};

#[tokio::test]
async fn recorded_runs_come_back_whole_from_sqlite() {
    let file = File::new();
    come_back_whole(&file.store()).await;
}

#[tokio::test]
async fn recorded_runs_come_back_whole_from_redis() {
    let Some(redis) = Redis::start() else { return };
    come_back_whole(&redis.store()).await;
}

async fn come_back_whole(store: &str) {
    let server = Server::start_on(store);
    for file in recordings() {
        let transcripts =
            replay::read(&std::fs::read_to_string(&file).expect("a readable file")).expect("runs");
        let traces = sent(&file, &server);
        // Not before: a connection that is idle for as long as a replay takes is closed.
        let client = Client::http(&server, Era::Initialize).await.expect("the server lives");
        assert_eq!(traces.len(), transcripts.len(), "{}", file.display());
        for (trace_id, transcript) in traces.iter().zip(&transcripts) {
            let stored = Stored::read(&client, trace_id).await;
            let run = replay::Run::of(transcript);
            let started = run.calls.iter().filter(|call| call.tool == "start_span").count();
            assert_eq!(stored.spans.len(), started, "{}", transcript.source);
            assert!(stored.spans.iter().all(|span| span["status"] != "in_progress"), "{}", transcript.source);
            for text in transcript.texts() {
                assert!(stored.holds(text), "{}: {text:?} is gone", transcript.source);
            }
        }
    }
}

/// Sends the runs of `file` and gives their traces.
fn sent(file: &Path, server: &Server) -> Vec<String> {
    let output = Command::new(BINARY)
        .arg("replay")
        .arg(file)
        .args(["--server", &server.url("/mcp")])
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    let trace_id = |line: &str| {
        let told: Value = serde_json::from_str(line).expect("a line of json for each run");
        assert!(told["calls"].as_u64() > Some(0), "{line}");
        told["trace_id"].as_str().expect("a trace").to_owned()
    };
    lines.lines().map(trace_id).collect()
}

fn recordings() -> Vec<PathBuf> {
    let directory =
        environment("WATCHGLASS_TEST_RECORDINGS").map_or_else(|| repository("examples/data"), PathBuf::from);
    let entries = std::fs::read_dir(directory).expect("a readable directory");
    let files = entries.map(|entry| entry.expect("a readable entry").path());
    let files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    assert!(!files.is_empty());
    files
}

/// What a server holds of one trace.
struct Stored {
    spans: Vec<Value>,
    /// Messages of logs, those of one span and type joined.
    messages: Vec<String>,
}

impl Stored {
    async fn read(client: &Client, trace_id: &str) -> Self {
        let spans = pages(client, "get_trace", json!({ "trace_id": trace_id }), "spans").await;
        let mut logs =
            pages(client, "query_logs", json!({ "trace_id": trace_id, "limit": 200 }), "logs").await;
        logs.reverse();
        let mut messages = Vec::new();
        let mut joined = HashMap::<String, String>::new();
        for log in logs {
            let message = log["message"].as_str().expect("a message").to_owned();
            joined.entry(format!("{}{}", log["span_id"], log["event_type"])).or_default().push_str(&message);
            messages.push(message);
        }
        messages.extend(joined.into_values());
        Self { spans, messages }
    }

    fn holds(&self, text: &str) -> bool {
        let text = visible(text);
        self.messages.iter().any(|message| *message == text)
            || self.spans.iter().any(|span| {
                let metadata = &span["metadata"];
                ["input", "output", "result"].iter().any(|key| metadata[key].as_str() == Some(&text))
            })
    }
}

/// Every item of every page.
async fn pages(client: &Client, tool: &str, question: Value, items: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut question = question;
    loop {
        let page = client.call(tool, question.clone()).await.ok();
        all.extend(page[items].as_array().expect("a list").iter().cloned());
        let Some(next) = page.get("next") else {
            assert_eq!(page["total"], all.len(), "{tool} {question}");
            return all;
        };
        question["cursor"] = next.clone();
    }
}
