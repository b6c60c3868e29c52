//! Calls of one connection take effect in the order in which they were sent.

use futures::future::join_all;
use serde_json::json;

use crate::support::bench::Bench;
use crate::support::mcp::{Client, in_time};

/// Spans that are started and ended without waiting.
const SPANS: usize = 2_000;
/// Calls that are under way at once: as many as a client writes before it looks at its answers.
const WINDOW: usize = 250;

#[tokio::test]
async fn a_span_is_ended_after_its_start_over_stdio() {
    let bench = Bench::start();
    end_without_waiting(&Client::stdio(&bench.file.store()).await).await;
}

#[tokio::test]
async fn a_span_is_ended_after_its_start_over_sse() {
    let bench = Bench::start();
    end_without_waiting(&Client::sse(&bench.server).await.unwrap()).await;
}

async fn end_without_waiting(client: &Client) {
    for window in 0..SPANS / WINDOW {
        let calls: Vec<_> = (0..WINDOW)
            .flat_map(|span| {
                let span_id = format!("{window}.{span}");
                let start = json!({ "span_name": "s", "trace_id": "t", "span_id": span_id });
                [client.start("start_span", &start), client.start("end_span", &json!({ "span_id": span_id }))]
            })
            .collect();
        for answer in in_time("pipelined spans", join_all(calls)).await {
            answer.expect("the connection lives").ok();
        }
    }
    let trace = client.call("get_trace", json!({ "trace_id": "t" })).await.ok();
    assert_eq!(trace["total"], SPANS);
}

#[tokio::test]
async fn minted_and_w3c_ids_keep_their_order_too() {
    let bench = Bench::start();
    for client in [Client::stdio(&bench.file.store()).await, Client::sse(&bench.server).await.unwrap()] {
        // Ids of this form may stand for others, which the store is asked about first.
        let calls: Vec<_> = (1..=100)
            .flat_map(|span| {
                let span_id = format!("{:0>8x}{span:0>8x}", client.name.len());
                let start = json!({ "span_name": "s", "span_id": span_id });
                [client.start("start_span", &start), client.start("end_span", &json!({ "span_id": span_id }))]
            })
            .collect();
        for answer in in_time("pipelined spans", join_all(calls)).await {
            answer.expect("the connection lives").ok();
        }
    }
}

#[tokio::test]
async fn a_read_sees_what_was_sent_before_it() {
    let bench = Bench::start();
    for client in [Client::stdio(&bench.file.store()).await, Client::sse(&bench.server).await.unwrap()] {
        let mut reads = Vec::new();
        let mut writes = Vec::new();
        let trace_id = format!("t.{}", client.name);
        for round in 1..=50 {
            let start = json!({ "span_name": "s", "trace_id": trace_id });
            writes.push(client.start("start_span", &start));
            writes.push(client.start("log_event", &json!({ "event_type": trace_id, "message": "m" })));
            let trace = client.start("get_trace", &json!({ "trace_id": trace_id, "limit": 1 }));
            let logs = client.start("query_logs", &json!({ "event_type": trace_id, "limit": 1 }));
            reads.push((round, trace, logs));
        }
        for (round, trace, logs) in reads {
            for read in [trace, logs] {
                let found = in_time("a pipelined read", read).await.expect("the connection lives").ok();
                assert!(
                    found["total"].as_u64() >= Some(round),
                    "{} {round}: {}",
                    client.name,
                    found["total"]
                );
            }
        }
        for write in join_all(writes).await {
            write.expect("the connection lives").ok();
        }
    }
}
