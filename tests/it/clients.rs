//! The six tools as the clients see them that people use: each driver in `tests/clients` runs the same
//! scenario through a real SDK, over each transport and in each protocol era that its SDK speaks.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::access::world::{World, make_key};
use crate::support::server::{BINARY, Server};
use crate::support::services::{repository, require};

const PYTHON_1: &str = "target/tools/venv-mcp1/bin/python";
const PYTHON_2: &str = "target/tools/venv-mcp2/bin/python";
const NODE: &str = "target/tools/node/node";

/// How a driver's client names an era, and the revision that it must report to have agreed on.
type Era = (&'static str, Option<&'static str>);

const LEGACY: Era = ("legacy", Some("2025-11-25"));
const STATELESS: Option<&str> = Some("2026-07-28");

const TOOLS: [&str; 6] = ["end_span", "get_trace", "log_event", "query_logs", "record_metric", "start_span"];

#[test]
fn python_mcp1() {
    let Some(python) = require(PYTHON_1) else { return };
    drive(&python, "python_mcp1.py", &[LEGACY]);
}

#[test]
fn python_mcp2() {
    let Some(python) = require(PYTHON_2) else { return };
    drive(&python, "python_mcp2.py", &[LEGACY, ("auto", STATELESS), ("2026-07-28", STATELESS)]);
}

#[test]
fn typescript_sdk() {
    let Some(node) = require_node() else { return };
    drive(&node, "typescript_sdk.mjs", &[LEGACY]);
}

#[test]
fn typescript_client2() {
    let Some(node) = require_node() else { return };
    drive(&node, "typescript_client2.mjs", &[LEGACY, ("auto", STATELESS)]);
}

#[test]
fn inspector() {
    let Some(node) = require_node() else { return };
    // it takes an era as an order and does not say what was agreed on
    drive(&node, "inspector.mjs", &[("legacy", None), ("modern", None)]);
}

/// Runs `driver` in each of `eras` on each transport, and over a network with a key too.
fn drive(interpreter: &Path, driver: &str, eras: &[Era]) {
    let server = Server::start();
    let (sse, http) = (server.url("/sse"), server.url("/mcp"));
    for (era, revision) in eras {
        for target in
            [&["stdio", BINARY, "stdio", "--store", "memory:"][..], &["sse", &sse], &["http", &http]]
        {
            let seen = observe(interpreter, driver, era, target, None);
            let context = format!("{driver} {era} {}: {seen}", target[0]);
            assert_eq!(seen["tools"], json!(TOOLS), "{context}");
            assert_eq!(seen["protocol"], json!(revision), "{context}");
        }
    }
    drive_with_key(interpreter, driver, eras);
}

/// Where a key is asked for, a client that has one notices nothing of it (S-14): no other way in is looked for.
fn drive_with_key(interpreter: &Path, driver: &str, eras: &[Era]) {
    let world = World::new();
    let key = make_key(&world.file.store(), "default", "ingest,read");
    let (sse, http) = (world.server.url("/sse"), world.server.url("/mcp"));
    // Over SSE nothing of the key hangs on the era.
    let last = eras.last().expect("an era");
    for ((era, revision), target) in [(&eras[0], ["sse", &sse]), (last, ["http", &http])] {
        let seen = observe(interpreter, driver, era, &target, key["key"].as_str());
        assert_eq!(seen["tools"], json!(TOOLS), "{driver} {era} {}", target[0]);
        assert_eq!(seen["protocol"], json!(revision), "{driver} {era} {}", target[0]);
    }
}

/// What the driver says it saw; it fails by itself where that is not what it must see.
fn observe(interpreter: &Path, driver: &str, era: &str, target: &[&str], key: Option<&str>) -> Value {
    let output = Command::new(interpreter)
        .arg(repository("tests/clients").join(driver))
        .arg(era)
        .args(target)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(key.map(|key| ("WATCHGLASS_KEY", key)))
        .output()
        .expect("the driver starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{driver} {era} {target:?}: {}\n{stderr}", output.status);
    serde_json::from_slice(&output.stdout).expect("a driver prints one line of JSON")
}

fn require_node() -> Option<PathBuf> {
    require("tests/clients/node_modules").and_then(|_| require(NODE))
}
