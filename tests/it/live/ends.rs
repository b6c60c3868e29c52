//! How a stream ends: with its key, and with its server.

use serde_json::json;

use super::Watcher;
use crate::access::world::{World, make_key, run};
use crate::support::server::Server;

#[tokio::test]
async fn a_stream_ends_with_its_key_and_says_so() {
    let world = World::new();
    let store = world.file.store();
    // One key more, so that keys are asked for all along.
    let reader = make_key(&store, "default", "read");
    let writer = world.caller("default", "ingest");
    let mut watcher = Watcher::open_with(&world.server, reader["key"].as_str().unwrap()).await;
    writer.ok("log_event", json!({ "event_type": "step", "message": "seen" })).await;
    assert_eq!(watcher.messages(1).await, ["seen"]);
    run(&store, &["key", "revoke", reader["id"].as_str().unwrap()]);
    let end = watcher.next().await.unwrap();
    assert_eq!((end.kind.as_str(), &end.data), ("end", &json!({ "reason": "revoked" })));
    assert!(watcher.next().await.is_none());
    assert!(watcher.response.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_ends_with_the_server_and_does_not_hold_it() {
    let server = Server::start();
    let mut watcher = Watcher::open(&server, "").await;
    // Fails if the server takes too long to end.
    let ended = tokio::task::spawn_blocking(move || drop(server));
    let end = watcher.next().await.unwrap();
    assert_eq!((end.kind.as_str(), &end.data), ("end", &json!({ "reason": "shutdown" })));
    assert!(watcher.next().await.is_none());
    ended.await.unwrap();
}
