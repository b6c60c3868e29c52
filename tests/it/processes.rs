//! Ten processes on one SQLite file, as desktop clients start them: one for each window.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use crate::support::bench::{Bench, File};
use crate::support::ledger::Ledger;
use crate::support::mcp::{Client, Era, Pending};
use crate::support::reading::all_logs;

const STDIO: usize = 9;
/// Processes that are killed half-way.
const VICTIMS: usize = 2;
/// Calls that each client has under way at once.
const WINDOW: usize = 25;
/// Bytes of ballast with each window, in all more than the write-ahead log may hold.
const BALLAST: usize = 4 * 200 * 1024;
/// Calls that each client makes in all.
const CALLS: usize = 250;
/// For all ten together, on two cores.
const PATIENCE: Duration = Duration::from_secs(120);
const WAL_LIMIT: u64 = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_processes_write_to_one_file_and_two_are_killed() {
    let bench = Bench::start();
    let store = bench.file.store();
    let mut clients = join_all((0..STDIO).map(|_| Client::stdio(&store))).await;
    clients.push(Client::http(&bench.server, Era::Stateless).await.unwrap());

    let writers = clients.into_iter().enumerate().map(|(number, client)| {
        let is_victim = (1..=VICTIMS).contains(&number);
        let file = &bench.file;
        async move { write(client, file, &format!("p{number}"), is_victim).await }
    });
    let mut ledger = Ledger::default();
    let written = tokio::time::timeout(PATIENCE, join_all(writers)).await;
    for written in written.expect("ten processes end") {
        ledger.extend(written);
    }
    assert!(ledger.acked() >= (STDIO + 1 - VICTIMS) * CALLS, "only {} calls were answered", ledger.acked());

    assert_eq!(bench.file.integrity(), "ok");
    let reader = Client::http(&bench.server, Era::Stateless).await.unwrap();
    ledger.check(&reader).await;
}

/// Writes logs, a window at a time; a victim's process is killed in its middle window.
async fn write(mut client: Client, file: &File, name: &str, is_victim: bool) -> Ledger {
    let mut ledger = Ledger::default();
    for window in 0..CALLS / WINDOW {
        let calls: Vec<(String, Pending)> =
            (0..WINDOW).map(|call| ledger.send(&client, name, &format!("{name}.{window}.{call}"))).collect();
        let ballast = json!({ "event_type": "ballast", "message": "x".repeat(BALLAST / 4) });
        let ballast: Vec<Pending> = (0..4).map(|_| client.start("log_event", &ballast)).collect();
        let mut calls = calls.into_iter();
        if is_victim && window == CALLS / WINDOW / 2 {
            // One answer says that the window has reached the store; the rest is at work.
            let (message, call) = calls.next().unwrap();
            ledger.settle(message, call.await);
            client.process().kill();
        }
        for (message, call) in calls {
            ledger.settle(message, call.await);
        }
        if is_victim && window == CALLS / WINDOW / 2 {
            break;
        }
        for answer in join_all(ballast).await {
            answer.expect("the process lives").ok();
        }
        assert!(file.wal_bytes() < WAL_LIMIT, "the log has grown to {} bytes", file.wal_bytes());
    }
    assert_eq!(ledger.refusals(), &[] as &[String], "{name}: a lock reached a caller");
    ledger
}

#[tokio::test]
async fn the_end_of_the_input_ends_the_process_once_all_is_written() {
    let file = File::new();
    let mut client = Client::stdio(&file.store()).await;
    let calls = 500;
    for message in 0..calls {
        drop(client.start("log_event", &json!({ "event_type": "e", "message": message.to_string() })));
    }
    client.process().end_input();
    let ended = Instant::now();
    let status = client.process().wait().await;
    assert!(ended.elapsed() < Duration::from_secs(5), "it took {:?}", ended.elapsed());
    assert!(status.success(), "{status}");
    let reader = Client::stdio(&file.store()).await;
    assert_eq!(all_logs(&reader, "e").await.len(), calls);
}

#[tokio::test]
async fn an_idle_process_ends_with_its_input() {
    let file = File::new();
    let mut client = Client::stdio(&file.store()).await;
    client.process().end_input();
    let ended = Instant::now();
    assert!(client.process().wait().await.success());
    assert!(ended.elapsed() < Duration::from_secs(5), "it took {:?}", ended.elapsed());
}
