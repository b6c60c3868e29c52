//! `watchglass replay FILE`: sends recorded runs to a running server, as the agents would have.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Failure, on_one_thread, print};
use crate::config::Config;
use crate::model::first_cause;
use crate::replay::{self, Call, Run};

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Args)]
pub(super) struct Replay {
    /// Recorded runs, one a line: tau-bench or Who&When
    file: PathBuf,
    #[expect(clippy::doc_markdown, reason = "this text is the help, which is not Markdown")]
    /// MCP address of the server; a key to it is taken from WATCHGLASS_KEY
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/mcp")]
    server: String,
    /// Play at this speed: 1 is the recorded agents' own; by default as fast as the server takes it
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    speed: Option<f64>,
}

/// Sends every run of the file, one after the other.
pub(super) fn run(config: &Config, arguments: &Replay) -> Result<(), Failure> {
    let runs = read(&arguments.file)?;
    on_one_thread(async {
        let server = Server::new(&arguments.server, config.access.client_key.clone())?;
        for run in &runs {
            server.play(run, arguments.speed).await?;
            let calls = run.calls.len();
            if print::is_read_by_a_person() {
                print::data(&format!("{}  {calls} calls", run.trace_id))?;
            } else {
                print::data(&json!({ "trace_id": run.trace_id, "calls": calls }).to_string())?;
            }
        }
        Ok(())
    })?
}

fn read(file: &Path) -> Result<Vec<Run>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("`{}` can't be read: {error}", file.display())))?;
    let transcripts =
        replay::read(&text).map_err(|error| Failure::new(format!("`{}`: {error:#}", file.display())))?;
    Ok(transcripts.iter().map(Run::of).collect())
}

fn speed(text: &str) -> Result<f64, &'static str> {
    let speed = text.parse().ok().filter(|speed| (0.001..=1_000.0).contains(speed));
    speed.ok_or("it must be a number from 0.001 to 1000")
}

/// A server, spoken to over streamable HTTP.
struct Server {
    client: reqwest::Client,
    address: String,
    key: Option<SecretString>,
}

impl Server {
    fn new(address: &str, key: Option<SecretString>) -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|error| Failure::new(format!("the client can't be made: {error}")))?;
        Ok(Self { client, address: address.to_owned(), key })
    }

    async fn play(&self, run: &Run, speed: Option<f64>) -> Result<(), Failure> {
        let started = tokio::time::Instant::now();
        for call in &run.calls {
            if let Some(speed) = speed {
                tokio::time::sleep_until(started + call.at.div_f64(speed)).await;
            }
            self.call(call).await?;
        }
        Ok(())
    }

    async fn call(&self, call: &Call) -> Result<(), Failure> {
        let request = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": call.tool, "arguments": call.arguments },
        });
        let unreachable = |error: reqwest::Error| Failure::Other {
            message: format!("`{}` does not answer: {}", self.address, first_cause(&error.without_url())),
            hint: Some("start a server with `watchglass serve`, or name another with `--server`".into()),
        };
        let mut post = self.client.post(&self.address);
        if let Some(key) = &self.key {
            post = post.bearer_auth(key.expose_secret());
        }
        let response = post
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .json(&request)
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        let answer: Value = response.json().await.map_err(|error| {
            Failure::new(format!(
                "`{}` answered {status} without json: {}",
                self.address,
                error.without_url()
            ))
        })?;
        let result = &answer["result"];
        if result["isError"] == json!(false) || (result.is_object() && result.get("isError").is_none()) {
            return Ok(());
        }
        let why = result["content"][0]["text"].as_str().map_or_else(|| answer.to_string(), ToOwned::to_owned);
        Err(Failure::new(format!("`{}` was refused: {why}", call.tool)))
    }
}
