//! What runs without a client: the calls with curl, and the system's service.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::text;
use crate::support::mcp::{Client, Era};
use crate::support::redis::free_port;
use crate::support::server::{BINARY, Server};
use crate::support::services::{repository, require};

fn curl_sh(url: &str, key: &str) -> Output {
    let mut command = Command::new("bash");
    command.arg(repository("examples/curl.sh")).arg(url).env("WATCHGLASS_KEY", key);
    command.output().expect("bash starts")
}

#[tokio::test]
async fn curl_calls_in_both_eras() {
    let Some(_) = require("curl") else { return };
    let server = Server::start();
    let output = curl_sh(&server.url(""), "");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<Value> = stdout
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [stateless, hello, called, health, ready] = &answers[..] else { panic!("{stdout}") };
    assert_eq!(stateless["result"]["resultType"], "complete");
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(called["result"]["structuredContent"]["logged"], true);
    assert_eq!((&health["status"], &ready["ready"]), (&json!("ok"), &json!(true)));

    let client = Client::http(&server, Era::Stateless).await.expect("the server lives");
    let logs = client.call("query_logs", json!({ "event_type": "curl.hello" })).await.ok();
    assert_eq!(logs["logs"][1]["message"], "from a stateless call");
    assert_eq!(logs["logs"][0]["message"], "from a call after initialize");
}

#[test]
fn curl_fails_where_there_is_no_server() {
    let Some(_) = require("curl") else { return };
    let output = curl_sh(&format!("http://127.0.0.1:{}", free_port()), "");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("connect"), "{output:?}");
}

#[test]
fn curl_shows_its_key_where_one_is_asked_for() {
    let Some(_) = require("curl") else { return };
    let key = "the key of curl in a test";
    let server = Server::start_as(
        &["serve", "--store", "memory:", "--listen", "127.0.0.1:0"],
        &[("WATCHGLASS_INGEST_KEY", key)],
    );
    let output = curl_sh(&server.url(""), key);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let refused = curl_sh(&server.url(""), "");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("UNAUTHENTICATED"), "{refused:?}");
}

/// The unit with the binary that is being tested.
fn unit(directory: &std::path::Path) -> PathBuf {
    let unit = text("examples/watchglass.service");
    assert!(unit.contains("ExecStart=/usr/local/bin/watchglass serve\n"));
    let path = directory.join("watchglass.service");
    fs::write(&path, unit.replace("/usr/local/bin/watchglass serve", &format!("{BINARY} serve"))).unwrap();
    path
}

/// There is no systemd on other systems, so there this can't be asked for.
#[cfg(target_os = "linux")]
#[test]
fn systemd_takes_the_service_and_finds_little_that_it_may_do() {
    let Some(analyze) = require("systemd-analyze") else { return };
    let directory = tempfile::tempdir().unwrap();
    let unit = unit(directory.path());
    for arguments in [&["verify"][..], &["security", "--offline=true", "--threshold=15", "--no-pager"]] {
        let output = Command::new(&analyze).args(arguments).arg(&unit).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stdout}{stderr}");
    }
}

#[test]
fn the_service_starts_on_a_store_in_its_directory() {
    let unit = text("examples/watchglass.service");
    let setting = |name: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        line.trim_start_matches('=').to_owned()
    };
    let state = format!("/var/lib/{}", setting("StateDirectory"));
    let store = setting("Environment=WATCHGLASS_STORE");
    let directory = tempfile::tempdir().unwrap();
    let here = store.replace(&state, &directory.path().display().to_string());
    assert_ne!(store, here, "the store is in the only directory that the service may write");
    let _server = Server::start_on(&here);
    assert!(directory.path().join("watchglass.db").is_file());
}
