//! A client that does not read costs nobody anything.

use futures::future::join_all;
use serde_json::json;

use super::{Watcher, client};
use crate::support::mcp::in_time;
use crate::support::server::Server;

/// More than the ring and all buffers on the way hold.
const LOGS: usize = 4_000;

/// Calls under way at once, so that the one who reads is never behind by more than the ring holds.
const WINDOW: usize = 100;

#[tokio::test]
async fn one_that_stops_reading_is_cut_while_another_loses_nothing_and_writers_are_answered() {
    let server = Server::start();
    let writer = client(&server).await;
    let mut fast = Watcher::open(&server, "").await;
    let mut slow = Watcher::open(&server, "").await;
    let padding = "x".repeat(8 * 1024);
    for window in 0..LOGS / WINDOW {
        let calls = (0..WINDOW).map(|call| {
            let number = window * WINDOW + call;
            let log = json!({ "event_type": "step", "message": number.to_string(), "metadata": { "padding": padding } });
            writer.start("log_event", &log)
        });
        for answer in in_time("the calls of a window", join_all(calls)).await {
            answer.expect("the server lives").ok();
        }
        let numbers = fast.messages(WINDOW).await;
        let mut numbers: Vec<usize> = numbers.iter().map(|number| number.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (window * WINDOW..(window + 1) * WINDOW).collect::<Vec<_>>());
    }
    // What was on the way to the slow one comes, in order and without a hole, and then the reason.
    let mut received = 0;
    let end = loop {
        let event = slow.next().await.expect("the reason comes before the end");
        if event.kind == "end" {
            break event.data;
        }
        received += 1;
    };
    assert_eq!(end["reason"], "behind");
    let missed = usize::try_from(end["missed"].as_u64().unwrap()).unwrap();
    assert!(missed > 0 && received > 0 && received + missed < LOGS, "{received} received, {missed} missed");
    assert!(slow.next().await.is_none());
    // It comes back to what is still kept, or is told what it must look up.
    let mut back = Watcher::back(&server, &slow.last_id).await;
    assert_eq!(back.next().await.unwrap().kind, "gap");
    // The clients' connections end only while this runtime runs, and the server waits for them.
    drop((fast, slow, back, writer));
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}
