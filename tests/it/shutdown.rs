//! The end of a server while calls are in flight.

use std::time::Duration;

use serde_json::json;

use crate::support::mcp::{Client, Era, in_time};
use crate::support::redis::Server as Redis;
use crate::support::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_in_flight_is_answered_before_the_server_ends() {
    let Some(redis) = Redis::start(&[]) else { return };
    let server = Server::start_on(&redis.url());
    let client = Client::http(&server, Era::Initialize).await.expect("the server lives");
    client
        .call("log_event", json!({ "event_type": "warm.up", "message": "the connections are there" }))
        .await
        .ok();

    // The store hangs, so the call is surely at work when the server is told to end.
    redis.signal("STOP");
    let pending = client.start("log_event", &json!({ "event_type": "last.words", "message": "stored" }));
    let pending = tokio::spawn(pending);
    tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>()).await.unwrap_err();
    let ended = tokio::task::spawn_blocking(move || drop(server));
    tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>()).await.unwrap_err();
    redis.signal("CONT");

    let answer = in_time("the last answer", pending).await.unwrap().expect("an answer");
    assert_eq!(answer.ok()["logged"], true);
    in_time("the end of the server", ended).await.unwrap();
    let kept: i64 = redis.command(&["ZCARD", "logs:last.words"]);
    assert_eq!(kept, 1);
}
