//! The protocol's own conformance suite against `/mcp`, once for each era.
//!
//! The baselines in `tests/clients` name every check that a product cannot or does not mean to pass, and
//! why. A new failure fails the test, and so does an entry that has come to pass.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::server::Server;
use crate::support::services::{repository, require};

/// The scenario that calls with hosts and origins that are not ours.
const REBINDING: &str = "dns-rebinding-protection";

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
    // S-02: a page that has pointed its own name at this machine.
    let rebinding = checks(results.path()).into_iter().filter(|(scenario, _)| scenario.contains(REBINDING));
    let verdicts: Vec<Value> = rebinding.map(|(_, check)| check["status"].clone()).collect();
    assert!(
        verdicts.contains(&"SUCCESS".into()) && !verdicts.contains(&"FAILURE".into()),
        "{verdicts:?}\n{report}"
    );
}

/// The verdicts on whether what the server sent keeps to the specification's JSON schema: one for each
/// scenario, in its `checks.json`.
fn wire_checks(results: &Path) -> Vec<Value> {
    let all = checks(results).into_iter().map(|(_, check)| check);
    all.filter(|check| check["id"] == "wire-schema-valid").collect()
}

/// Every verdict, with the name of its scenario.
fn checks(results: &Path) -> Vec<(String, Value)> {
    let scenarios = std::fs::read_dir(results).expect("the suite wrote its results");
    scenarios
        .flat_map(|scenario| {
            let scenario = scenario.expect("a readable directory");
            let name = scenario.file_name().to_string_lossy().into_owned();
            let checks =
                std::fs::read(scenario.path().join("checks.json")).expect("each scenario has checks");
            let checks: Vec<Value> = serde_json::from_slice(&checks).expect("checks are JSON");
            checks.into_iter().map(move |check| (name.clone(), check))
        })
        .collect()
}
