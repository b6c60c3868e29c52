//! Thirty-two clients on each transport at once, none of which waits for an answer before it goes on.
//!
//! Afterwards nothing is lost, doubled or out of order.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};
use watchglass::clock::SystemClock;

use crate::support::bench::File;
use crate::support::inside::Inside;
use crate::support::mcp::{Client, Era, Pending, in_time};
use crate::support::reading::{all_logs, all_spans, text};
use crate::support::redis::Redis;
use crate::support::server::Server;

const CLIENTS: usize = 32;
/// Rounds of span start, log, metric and span end that each client sends.
const ROUNDS: u8 = 8;

#[derive(Debug, Clone, Copy)]
enum Transport {
    Stdio,
    Sse,
    Http(Era),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    let file = File::new();
    hammer(&file.store()).await;
    assert_eq!(file.integrity(), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis() {
    let Some(redis) = Redis::start() else { return };
    hammer(&redis.store()).await;
}

/// One transport after the other: a hundred processes at once would measure the machine.
async fn hammer(store: &str) {
    let server = Server::start_on(store);
    let inside = Inside::on(store, Arc::new(SystemClock)).await;
    let transports =
        [Transport::Stdio, Transport::Sse, Transport::Http(Era::Initialize), Transport::Http(Era::Stateless)];
    for (index, transport) in transports.into_iter().enumerate() {
        let names: Vec<String> = (0..CLIENTS).map(|number| format!("t{index}.c{number}")).collect();
        let blows = names.iter().map(|name| async {
            let client = transport.connect(store, &server).await;
            blow(&client, name).await;
        });
        in_time("32 clients", join_all(blows)).await;
        let reader = Client::http(&server, Era::Stateless).await.expect("the server lives");
        for name in &names {
            check(&reader, name).await;
            let counted = inside.sum("hammer_blows_total", "client", name).await;
            assert!((counted - f64::from(ROUNDS)).abs() < 1e-9, "{transport:?} {name}: {counted} points");
        }
    }
}

impl Transport {
    async fn connect(self, store: &str, server: &Server) -> Client {
        let client = match self {
            Self::Stdio => Some(Client::stdio(store).await),
            Self::Sse => Client::sse(server).await,
            Self::Http(era) => Client::http(server, era).await,
        };
        client.expect("the server lives")
    }
}

/// Sends every round at once, then waits for the answers.
async fn blow(client: &Client, name: &str) {
    let rounds: Vec<Pending> = (0..ROUNDS).flat_map(|round| send(client, name, round)).collect();
    for answer in join_all(rounds).await {
        answer.expect("the connection lives").ok();
    }
}

fn send(client: &Client, name: &str, round: u8) -> [Pending; 4] {
    let span_id = format!("{name}.{round}");
    let labels = json!({ "client": name });
    [
        client.start("start_span", &json!({ "span_name": "blow", "trace_id": name, "span_id": span_id })),
        client.start("log_event", &json!({ "event_type": name, "message": round.to_string() })),
        client.start(
            "record_metric",
            &json!({ "metric_name": "hammer.blows.total", "value": 1, "labels": labels }),
        ),
        client.start("end_span", &json!({ "span_id": span_id })),
    ]
}

async fn check(reader: &Client, name: &str) {
    let logs = all_logs(reader, name).await;
    let messages: Vec<&str> = logs.iter().map(|log| text(log, "message")).collect();
    let expected: Vec<String> = (0..ROUNDS).map(|round| round.to_string()).collect();
    assert_eq!(messages, expected, "{name}: the logs of one connection keep its order");

    let spans = all_spans(reader, name).await;
    let ids: Vec<&str> = spans.iter().map(|span| text(span, "span_id")).collect();
    let expected: Vec<String> = (0..ROUNDS).map(|round| format!("{name}.{round}")).collect();
    assert_eq!(ids, expected, "{name}: the spans of one connection keep its order");
    for span in &spans {
        assert_eq!(span["status"], "ok", "{span}");
        assert!(
            span["clock_skew"] == Value::Null && text(span, "start_time") <= text(span, "end_time"),
            "{span}"
        );
    }
}
