//! The protocol's own conformance suite against `/mcp`, once for each era.
//!
//! The baselines in `tests/clients` name every check that a product cannot or does not mean to pass, and
//! why. A new failure fails the test, and so does an entry that has come to pass.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::server::Server;
use crate::support::services::{repository, require};

#[test]
fn initialize_era() {
    conforms("2025-11-25");
}

#[test]
fn stateless_era() {
    conforms("2026-07-28");
}

fn conforms(revision: &str) {
    let (Some(node), Some(suite)) =
        (require("target/tools/node/node"), require("tests/clients/node_modules/.bin/conformance"))
    else {
        return;
    };
    let server = Server::start();
    let results = tempfile::tempdir().expect("a temporary directory");
    let run = Command::new(node)
        .arg(suite)
        .args(["server", "--url", &server.url("/mcp"), "--requirements", revision, "--expected-failures"])
        .arg(repository(&format!("tests/clients/conformance-{revision}.yml")))
        .arg("--output-dir")
        .arg(results.path())
        .output()
        .expect("the suite starts");
    let report = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{report}\n{}", String::from_utf8_lossy(&run.stderr));

    let wire = wire_checks(results.path());
    assert!(wire.len() > 20, "the suite looked at only {} exchanges\n{report}", wire.len());
    for check in wire {
        assert_eq!(check["status"], "SUCCESS", "{check:#}");
    }
}

/// The verdicts on whether what the server sent keeps to the specification's JSON schema: one for each
/// scenario, in its `checks.json`.
fn wire_checks(results: &Path) -> Vec<Value> {
    let scenarios = std::fs::read_dir(results).expect("the suite wrote its results");
    scenarios
        .flat_map(|scenario| {
            let path = scenario.expect("a readable directory").path().join("checks.json");
            let checks = std::fs::read(path).expect("each scenario has checks");
            serde_json::from_slice::<Vec<Value>>(&checks).expect("checks are JSON")
        })
        .filter(|check| check["id"] == "wire-schema-valid")
        .collect()
}
