//! Secrets of the operator, and what is said when something is wrong with what they open (S-33).

use assert_cmd::Command;
use reqwest::StatusCode;
use serde_json::json;

use super::world::Caller;
use crate::support::redis::{Server as Redis, free_port, until};
use crate::support::server::{BINARY, Server};

const CANARY: &str = "canary-7f3a9c";

/// Commands that can't work, each with a secret among what they are given.
fn failing_commands() -> Vec<(Vec<String>, Vec<(&'static str, String)>)> {
    let nobody = free_port();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let store = |scheme: &str, host: &str| format!("{scheme}://user:{CANARY}@{host}");
    let at_nobody = format!("127.0.0.1:{nobody}");
    let mut commands = Vec::new();
    for url in [
        store("redis", &at_nobody),
        store("rediss", &at_nobody),
        store("redis+cluster", &at_nobody),
        store("postgres", "host"),
        store("redis", "127.0.0.1:99999"),
        format!("redis://user:{CANARY}@"),
    ] {
        for command in
            [&["serve"][..], &["stdio"], &["call", "query_logs"], &["key", "list"], &["query-logs"]]
        {
            commands.push((words(command), vec![("WATCHGLASS_STORE", url.clone())]));
            commands.push(([words(command), words(&["--store", &url])].concat(), vec![]));
        }
    }
    for gateway in [format!("ftp://user:{CANARY}@host"), format!("http://user:{CANARY}@"), CANARY.to_owned()]
    {
        commands.push((words(&["serve", "--store", "memory:"]), vec![("WATCHGLASS_PUSHGATEWAY", gateway)]));
    }
    commands.push((
        words(&["serve", "--store", "memory:"]),
        vec![("WATCHGLASS_READ_KEY", "canary-7f3a9c".into())],
    ));
    commands
}

#[test]
fn no_failure_shows_a_secret() {
    for (arguments, environment) in failing_commands() {
        let output = Command::new(BINARY)
            .args(&arguments)
            .args(["--log", "trace", "--listen", "127.0.0.1:0"])
            .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
            .timeout(std::time::Duration::from_secs(30))
            .output()
            .unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "{arguments:?} {environment:?} works: {said}");
        assert!(!said.contains(CANARY), "{arguments:?} {environment:?}: {said}");
    }
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
