//! `watchglass doctor`: what it finds, and what it says to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use assert_cmd::Command;
use serde_json::Value;

use crate::support::bench::File;
use crate::support::redis::{Server as Redis, free_port};
use crate::support::server::{BINARY, Server};

/// What is found, and whether a server would work.
struct Visit {
    works: bool,
    findings: Value,
}

impl Visit {
    fn new(arguments: &[&str]) -> Self {
        let nobody = format!("redis://127.0.0.1:{}", free_port());
        let free = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(BINARY);
        command.arg("doctor");
        for (flag, value) in [("--scripts-redis", &nobody), ("--listen", &free)] {
            if !arguments.contains(&flag) {
                command.args([flag, value]);
            }
        }
        let output = command.args(arguments).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { works: output.status.success(), findings: serde_json::from_slice(&output.stdout).unwrap() }
    }

    /// The state, the message and the hint of a check; nothing if there was nothing to say.
    fn finding(&self, check: &str) -> Option<[String; 3]> {
        let all = self.findings.as_array().unwrap();
        let found = all.iter().find(|finding| finding["check"] == check)?;
        Some(["state", "message", "hint"].map(|field| found[field].as_str().unwrap_or_default().to_owned()))
    }

    fn state(&self, check: &str) -> String {
        self.finding(check).unwrap_or_else(|| panic!("nothing of {check}: {}", self.findings))[0].clone()
    }
}

#[test]
fn a_new_installation_is_well() {
    let file = File::new();
    let visit = Visit::new(&["--store", &file.store()]);
    assert!(visit.works, "{}", visit.findings);
    for check in ["settings", "store", "durability", "keys", "port"] {
        assert_eq!(visit.state(check), "ok", "{check}: {}", visit.findings);
    }
    for check in ["files", "tls", "pushgateway", "scripts"] {
        assert!(visit.finding(check).is_none(), "{check}: {}", visit.findings);
    }
}

#[test]
fn what_is_weak_is_a_warning_and_what_does_not_work_a_failure() {
    let file = File::new();
    drop(Visit::new(&["--store", &file.store()]));
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let gateway = format!("http://127.0.0.1:{}", free_port());
    let visit = Visit::new(&["--store", &file.store(), "--pushgateway", &gateway]);
    assert!(visit.works, "{}", visit.findings);
    let [state, _, hint] = visit.finding("files").unwrap();
    assert!(state == "warning" && hint.starts_with("chmod 600 "), "{hint}");
    let [state, message, hint] = visit.finding("pushgateway").unwrap();
    assert!(state == "warning" && message.contains(&gateway) && !hint.is_empty(), "{message}");
    assert_eq!(Visit::new(&["--store", "memory:"]).state("durability"), "warning");

    let store = format!("redis://user:s3cret@127.0.0.1:{}", free_port());
    let visit = Visit::new(&["--store", &store]);
    let [state, message, _] = visit.finding("store").unwrap();
    assert!(!visit.works && state == "failed" && message.contains("can't open the store"), "{message}");
    assert!(!visit.findings.to_string().contains("s3cret"), "{}", visit.findings);

    let visit = Visit::new(&["--store", "memory:", "--listen", "0.0.0.0:0"]);
    let [state, _, hint] = visit.finding("keys").unwrap();
    assert!(!visit.works && state == "failed" && hint.contains("watchglass key create"), "{hint}");
}

#[test]
fn keys_are_counted_and_one_that_is_revoked_opens_nothing_again() {
    let file = File::new();
    let key = |arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        let output = command.args(["key", "--store", &file.store()]).args(arguments).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let [_, message, _] = Visit::new(&["--store", &file.store()]).finding("keys").unwrap();
    assert!(message.contains("everyone on this machine"), "{message}");
    let made = key(&["create", "--scope", "read"]);
    let [state, message, _] = Visit::new(&["--store", &file.store()]).finding("keys").unwrap();
    assert!(state == "ok" && message.contains("1 valid"), "{message}");
    key(&["revoke", made["id"].as_str().unwrap()]);
    let [state, message, hint] = Visit::new(&["--store", &file.store()]).finding("keys").unwrap();
    assert!(state == "warning" && message.contains("every request over HTTP is refused"), "{message}");
    assert!(hint.contains("watchglass key create"), "{hint}");

    let nowhere = format!("redis://127.0.0.1:{}", free_port());
    let [state, message, _] = Visit::new(&["--store", &nowhere]).finding("keys").unwrap();
    assert!(state == "warning" && message.contains("can't be counted"), "{message}");
}

#[test]
fn the_port_is_free_or_ours_or_taken() {
    let server = Server::start();
    let visit = Visit::new(&["--store", "memory:", "--listen", server.address()]);
    let [state, message, _] = visit.finding("port").unwrap();
    assert!(visit.works && state == "ok" && message.contains("a server runs on"), "{message}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let visit = Visit::new(&["--store", "memory:", "--listen", &address]);
    let [state, _, hint] = visit.finding("port").unwrap();
    assert!(!visit.works && state == "failed" && hint.contains("--listen 127.0.0.1:"), "{hint}");
}

#[test]
fn records_of_the_scripts_in_another_redis_are_told_of() {
    let (Some(scripts), Some(other)) = (Redis::start(&[]), Redis::start(&["--appendonly", "yes"])) else {
        return;
    };
    let file = File::new();
    let visit = |store: &str| Visit::new(&["--store", store, "--scripts-redis", &scripts.url()]);
    assert!(visit(&file.store()).finding("scripts").is_none(), "an empty redis is nothing to speak of");
    let member = r#"{"timestamp": "2026-11-22T09:30:00", "event_type": "agent.start", "message": "m"}"#;
    scripts.command::<i64>(&["ZADD", "logs:agent.start", "1795339800", member]);
    for store in [file.store(), other.url()] {
        let [state, message, hint] = visit(&store).finding("scripts").unwrap();
        assert_eq!(state, "warning", "{store}");
        assert!(message.contains("1 kinds of logs") && hint.contains(&scripts.url()), "{message} {hint}");
    }
    assert!(visit(&scripts.url()).finding("scripts").is_none(), "it is in use");
    let localhost = scripts.url().replace("127.0.0.1", "localhost");
    assert!(visit(&localhost).finding("scripts").is_none(), "by another name too");
}
