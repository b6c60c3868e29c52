//! A thousand clients: what they cost, and that there is an end to how many are let in.

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::Value;

use super::{Watcher, ask, client, log};
use crate::support::server::Server;

const CROWD: usize = 1_000;

/// How many may watch at once.
const MOST: usize = 1_024;

/// What a client may cost.
const BYTES_EACH: u64 = 64 * 1024;

/// Memory of a process that is resident.
#[cfg(target_os = "linux")]
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

async fn watchers(server: &Server, count: usize) -> Vec<Watcher> {
    // Here is the other end of every connection.
    watchglass::server::open_many();
    let mut all = Vec::new();
    while all.len() < count {
        let more = (0..50.min(count - all.len())).map(|_| Watcher::open(server, ""));
        all.extend(join_all(more).await);
    }
    all
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_clients_cost_little_each_and_all_see_what_happens() {
    let server = Server::start();
    // What a first client needs, those after it share.
    let mut first = Watcher::open(&server, "").await;
    log(&client(&server).await, "one").await;
    first.messages(1).await;
    let before = resident(&server);
    let mut crowd = watchers(&server, CROWD).await;
    let waiting = resident(&server);
    let writer = client(&server).await;
    for round in 0..20 {
        log(&writer, &round.to_string()).await;
        for seen in join_all(crowd.iter_mut().map(|watcher| watcher.messages(1))).await {
            assert_eq!(seen, [round.to_string()]);
        }
    }
    let each = |now: u64| now.saturating_sub(before) / CROWD as u64;
    let (waiting, working) = (each(waiting), each(resident(&server)));
    println!("{CROWD} live clients: {waiting} bytes each, and {working} once they have seen 20 events");
    assert!(waiting > 0 && waiting <= BYTES_EACH, "{waiting} bytes each");
    assert!(working <= BYTES_EACH, "{working} bytes each");
}

#[tokio::test]
async fn there_is_an_end_to_how_many_are_let_in() {
    let server = Server::start();
    let mut crowd = watchers(&server, MOST).await;
    let refused = ask(&server, "", None, None).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["limit"]), (&"OVERLOADED".into(), &MOST.into()));
    crowd.pop();
    // The server sees that one has left when it next looks at the connection.
    crate::support::mcp::in_time("a place", async {
        while ask(&server, "", None, None).await.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
