//! What a server holds.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use serde_json::json;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::outcome::Sample;
use crate::payload;
use crate::process::McpServer;
use crate::row::Side;

const CLIENTS: usize = 20;
const SPANS_OF_A_CLIENT: usize = 500;
const SPANS_OF_A_TRACE: usize = 50;

/// How long a server gets to come to rest.
const REST: Duration = Duration::from_millis(300);

/// Starts a server for each round.
pub(crate) type Start = Box<dyn Fn() -> Result<McpServer> + Send>;

/// Resident memory of a server that has just been started.
pub(crate) struct Idle(pub(crate) Start);

#[async_trait]
impl Side for Idle {
    async fn measure(&mut self, _time: Duration) -> Result<Sample> {
        let server = (self.0)()?;
        Ok(Sample { value: at_rest(&server).await?, cpu: None })
    }
}

/// How much more it holds after ten thousand spans have come, each with an end.
pub(crate) struct Grown(pub(crate) Start);

#[async_trait]
impl Side for Grown {
    async fn measure(&mut self, _time: Duration) -> Result<Sample> {
        let server = (self.0)()?;
        let before = at_rest(&server).await?;
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            clients.spawn(spans(server.address, client));
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        Ok(Sample { value: at_rest(&server).await? - before, cpu: None })
    }
}

async fn at_rest(server: &McpServer) -> Result<f64> {
    tokio::time::sleep(REST).await;
    server.process.resident()
}

async fn spans(host: std::net::SocketAddr, client: usize) -> Result<()> {
    let mut connection = Connection::open(host).await?;
    for number in 0..SPANS_OF_A_CLIENT {
        let span_id = format!("{client}-{number}");
        let trace_id = format!("{client}-{}", number / SPANS_OF_A_TRACE);
        let start = json!({ "trace_id": trace_id, "span_name": "llm_call", "span_id": span_id });
        let end = json!({ "span_id": span_id, "metadata": { "input_tokens": 812, "output_tokens": 64 } });
        for (tool, arguments) in [("start_span", start), ("end_span", end)] {
            connection.call(&payload::message(1, &payload::call(tool, &arguments))).await?;
        }
    }
    Ok(())
}
