//! The life of a key, and of what it opened (S-10, S-11, S-16, S-17, S-18, S-20, S-23).

use std::time::{Duration, Instant};

use assert_cmd::Command;
use reqwest::{Method, StatusCode};
use serde_json::json;
use watchglass::model::ApiKey;

use super::world::{Caller, World, make_key, run};
use crate::support::bench::File;
use crate::support::redis::Server as Redis;
use crate::support::server::{BINARY, Server};

/// What the test waits for at most, where the promise is five seconds.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn from_the_first_key_on_everybody_needs_one() {
    let world = World::new();
    let nobody = Caller::without_key(&world.server);
    assert_eq!(run(&world.file.store(), &["key", "list"]), json!([]), "there is no key of the house");
    nobody.ok("log_event", json!({ "event_type": "e", "message": "before" })).await;
    let writer = world.caller("default", "ingest");
    // Known to the server once it is shown, or within seconds.
    writer.ok("log_event", json!({ "event_type": "e", "message": "after" })).await;
    assert_eq!(nobody.mcp("tools/list", json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(nobody.get("/health").await.status, StatusCode::OK);
    let bare = nobody.get("/ready").await;
    assert_eq!((bare.status, bare.json()), (StatusCode::OK, json!({ "ready": true })));
    assert_eq!(writer.get("/ready").await.json()["durability"], "power_loss");
    // What is done on this machine needs none.
    let logs = run(&world.file.store(), &["call", "query_logs"]);
    assert_eq!(logs["total"], 2);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_nowhere() {
    let redis = Redis::start(&[]);
    let file = File::new();
    let stores = [Some(file.store()), redis.as_ref().map(Redis::url)];
    for store in stores.into_iter().flatten() {
        let server = Server::start_with(&["--store", &store, "--log", "trace", "--echo"]);
        let made = make_key(&store, "default", "ingest,read");
        let key = made["key"].as_str().unwrap().to_owned();
        let caller = Caller::new(&server, &key);
        caller.ok("log_event", json!({ "event_type": "e", "message": "hello" })).await;
        let wrong = key.replace('a', "b");
        assert_eq!(Caller::new(&server, &wrong).get("/sse").await.status, StatusCode::UNAUTHORIZED);
        let in_query = caller.request(Method::GET, &format!("/sse?token={key}")).send().await.unwrap();
        assert_eq!(in_query.status(), StatusCode::BAD_REQUEST);
        let answer = in_query.text().await.unwrap();
        let id = made["id"].as_str().unwrap();
        let listed = run(&store, &["key", "list"]);
        assert_eq!(listed[0]["id"], id);
        let revoked = run(&store, &["key", "revoke", &key]);
        let (_, secret) = key.rsplit_once('_').unwrap();
        let secret = &secret.as_bytes()[..32];
        let mut said = vec![server.stderr(), answer, listed.to_string(), revoked.to_string()];
        said.push(match &redis {
            Some(redis) if store.starts_with("redis") => redis.dump(),
            _ => String::from_utf8_lossy(&file.bytes()).into_owned(),
        });
        assert!(said.iter().any(|text| text.contains(id)), "what is looked through is what was kept");
        for text in said {
            assert!(!text.as_bytes().windows(32).any(|window| window == secret), "the secret is in {text}");
        }
    }
}

#[tokio::test]
async fn a_store_that_has_lost_its_keys_does_not_open_a_running_server() {
    let Some(redis) = Redis::start(&[]) else { return };
    let server = Server::start_on(&redis.url());
    let made = make_key(&redis.url(), "default", "ingest");
    let writer = Caller::new(&server, made["key"].as_str().unwrap());
    writer.ok("log_event", json!({ "event_type": "e", "message": "m" })).await;
    redis.command::<()>(&["FLUSHALL"]);
    // One that is not known has the server ask the store.
    let other = ApiKey::new([1; 8], [2; 32]).reveal();
    assert_eq!(Caller::new(&server, &other).get("/metrics").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(writer.get("/metrics").await.status, StatusCode::UNAUTHORIZED, "it is gone");
    assert_eq!(Caller::without_key(&server).get("/metrics").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_belongs_to_the_key_that_opened_it() {
    let world = World::new();
    let opener = world.caller("default", "ingest,read");
    let other = world.caller("default", "ingest,read");
    let (_stream, path) = opener.open_sse().await;
    let (_other_stream, other_path) = opener.open_sse().await;
    let (_, id) = path.split_once("sessionId=").unwrap();
    assert!(id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "128 bits at least: {path}");
    assert_ne!(path, other_path);
    assert_eq!(other.post(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(Caller::without_key(&world.server).post(&path).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(opener.post(&path).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_every_copy_and_its_streams_end() {
    let redis = Redis::start(&[]);
    let file = File::new();
    for store in [Some(file.store()), redis.as_ref().map(Redis::url)].into_iter().flatten() {
        let (one, two) = (Server::start_on(&store), Server::start_on(&store));
        let made = make_key(&store, "default", "ingest,read");
        let (at_one, at_two) = (
            Caller::new(&one, made["key"].as_str().unwrap()),
            Caller::new(&two, made["key"].as_str().unwrap()),
        );
        let (mut stream, _) = at_one.open_sse().await;
        at_two.ok("log_event", json!({ "event_type": "e", "message": "m" })).await;
        run(&store, &["key", "revoke", made["id"].as_str().unwrap()]);
        let started = Instant::now();
        let end = async { while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {} };
        tokio::time::timeout(PATIENCE, end).await.expect("the stream ends");
        for caller in [&at_one, &at_two] {
            while caller.mcp("ping", json!({})).await.status != StatusCode::UNAUTHORIZED {
                assert!(started.elapsed() < PATIENCE, "a revoked key still opens {store}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_has_expired_or_is_none_is_refused_in_the_same_words() {
    let world = World::new();
    let valid = world.caller("default", "read");
    let store = world.file.store();
    let short = run(&store, &["key", "create", "--scope", "read", "--expires", "1s"]);
    let expired = Caller::new(&world.server, short["key"].as_str().unwrap());
    let started = Instant::now();
    let mut answers = Vec::new();
    let refused = loop {
        let answer = expired.get("/sse").await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        assert!(started.elapsed() < PATIENCE, "the key does not expire");
    };
    answers.push(refused);
    let wrong = valid.key().replace("wg_", "wg-");
    answers.push(Caller::new(&world.server, &wrong).get("/sse").await);
    answers.push(Caller::new(&world.server, "gtz_0123456789abcdef0123456789abcdef").get("/sse").await);
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.challenge.as_deref(), Some("Bearer"), "and no `resource_metadata`");
        assert_eq!(answer.body, answers[0].body);
    }
}

#[test]
fn a_key_in_the_environment_is_no_short_word() {
    let output = Command::new(BINARY)
        .args(["--store", "memory:"])
        .env("WATCHGLASS_INGEST_KEY", "changeme")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{stderr}");
    assert!(stderr.contains("WATCHGLASS_INGEST_KEY") && !stderr.contains("changeme"), "{stderr}");
}
