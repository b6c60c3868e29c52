//! Secrets of the operator, and what is said when something is wrong with what they open (S-33).

use std::time::Duration;

use assert_cmd::Command;
use reqwest::StatusCode;
use serde_json::json;

use super::world::Caller;
use crate::support::redis::{Server as Redis, free_port, until};
use crate::support::server::{BINARY, Server};

const CANARY: &str = "canary-7f3a9c";

/// A command and the variables that it is given.
struct Attempt {
    arguments: Vec<String>,
    environment: Option<(&'static str, String)>,
}

impl Attempt {
    fn new(arguments: &[&str], environment: Option<(&'static str, String)>) -> Self {
        Self { arguments: arguments.iter().map(|word| (*word).to_owned()).collect(), environment }
    }

    /// Fails, and shows nothing.
    fn check(&self) {
        let Self { arguments, environment } = self;
        let output = Command::new(BINARY)
            .args(["--log", "trace", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
            .timeout(Duration::from_secs(60))
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let said = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "{arguments:?} {environment:?} works: {said}");
        assert!(!said.contains(CANARY), "{arguments:?} {environment:?}: {said}");
    }
}

/// Commands that can't work, each with a secret among what they are given.
fn attempts() -> Vec<Attempt> {
    let nobody = format!("127.0.0.1:{}", free_port());
    let store = |scheme: &str, host: &str| format!("{scheme}://user:{CANARY}@{host}");
    let mut attempts = Vec::new();
    for url in [
        store("redis", &nobody),
        store("rediss", &nobody),
        store("redis+cluster", &nobody),
        store("postgres", "host"),
        store("redis", "127.0.0.1:99999"),
        store("redis", ""),
    ] {
        for command in
            [&["serve"][..], &["stdio"], &["call", "query_logs"], &["key", "list"], &["query-logs"]]
        {
            attempts.push(Attempt::new(command, Some(("WATCHGLASS_STORE", url.clone()))));
            attempts.push(Attempt::new(&[&["--store", &url], command].concat(), None));
        }
    }
    let serve = ["serve", "--store", "memory:"];
    for gateway in [format!("ftp://user:{CANARY}@host"), format!("http://user:{CANARY}@"), CANARY.to_owned()]
    {
        attempts.push(Attempt::new(&serve, Some(("WATCHGLASS_PUSHGATEWAY", gateway))));
    }
    attempts.push(Attempt::new(&serve, Some(("WATCHGLASS_READ_KEY", CANARY.to_owned()))));
    attempts
}

#[test]
fn no_failure_shows_a_secret() {
    let attempts = attempts();
    // Most wait for a server that is not there.
    std::thread::scope(|threads| {
        for some in attempts.chunks(8) {
            threads.spawn(move || some.iter().for_each(Attempt::check));
        }
    });
}

#[tokio::test]
async fn a_running_server_shows_no_secret_whatever_fails() {
    let Some(redis) = Redis::start(&["--requirepass", CANARY]) else { return };
    let store = format!("redis://:{CANARY}@127.0.0.1:{}", redis.port);
    let ingest = format!("{CANARY}-ingest-key");
    let gateway = format!("http://user:{CANARY}@127.0.0.1:{}", free_port());
    let server = Server::start_as(
        &["--listen", "127.0.0.1:0", "--log", "trace"],
        &[
            ("WATCHGLASS_STORE", &store),
            ("WATCHGLASS_INGEST_KEY", &ingest),
            ("WATCHGLASS_PUSHGATEWAY", &gateway),
        ],
    );
    let caller = Caller::new(&server, &ingest);
    let mut said = Vec::new();
    caller.ok("log_event", json!({ "event_type": "e", "message": "m" })).await;
    redis.signal("KILL");
    until("the store is gone", || redis.connect().is_err());
    for answer in [
        caller.call("log_event", json!({ "event_type": "e", "message": "m" })).await,
        caller.get("/ready").await,
        caller.get("/nothing").await,
        Caller::new(&server, &format!("{CANARY}-other")).get("/sse").await,
    ] {
        assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        said.push(answer.body);
    }
    said.push(server.stderr());
    for text in said {
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_secret_in_the_environment_is_not_in_the_list_of_processes() {
    let server = Server::start_as(
        &["--store", "memory:", "--listen", "127.0.0.1:0"],
        &[("WATCHGLASS_INGEST_KEY", "canary-7f3a9c-ingest-key")],
    );
    let listed = std::fs::read_to_string(format!("/proc/{}/cmdline", server.pid())).unwrap();
    assert!(listed.contains("watchglass") && !listed.contains(CANARY), "{listed}");
}
