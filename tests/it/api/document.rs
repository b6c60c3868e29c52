//! The document is OpenAPI, and what is answered is what it says: schemathesis asks all that it describes.

use std::path::Path;
use std::process::Command;

use super::World;
use crate::support::bench::File;
use crate::support::redis::Server as Redis;
use crate::support::services::{repository, require};

const PYTHON: &str = "target/tools/venv-api/bin/python";
const SCHEMATHESIS: &str = "target/tools/venv-api/bin/st";

/// What is looked for in every answer.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Methods that an address does not take are told of by another test, for all addresses.
const SETTINGS: &str = "[phases.coverage]\nunexpected-methods = []\n";

/// Runs a program to its end; what it said, if that was not well.
fn complaint(program: &Path, arguments: &[&str], directory: &Path) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("SCHEMATHESIS_HOOKS", repository("tests/clients/schemathesis_hooks.py"))
        .current_dir(directory)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn the_document_is_openapi() {
    let Some(python) = require(PYTHON) else { return };
    let document = World::empty_on("memory:").document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("openapi.json"), document.to_string()).unwrap();
    let said = complaint(&python, &["-m", "openapi_spec_validator", "openapi.json"], directory.path());
    assert_eq!(said, None);
}

async fn fuzz(store: &str) {
    let Some(schemathesis) = require(SCHEMATHESIS) else { return };
    let world = World::start_on(store).await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("settings.toml"), SETTINGS).unwrap();
    let address = world.server.url("/api/openapi.json");
    let mut arguments = vec!["--config-file", "settings.toml", "run", &address, "--checks", CHECKS];
    arguments.extend(["--phases", "examples,coverage,fuzzing", "--max-examples", "25", "--seed", "1"]);
    arguments.extend(["--workers", "2", "--request-timeout", "10", "--no-color"]);
    // What has no end is asked by the tests of the live feed.
    let operations = world.operations().await;
    for endless in operations.iter().filter(|operation| operation.answer == "text/event-stream") {
        arguments.extend(["--exclude-path", &endless.path]);
    }
    let said = complaint(&schemathesis, &arguments, directory.path());
    assert!(said.is_none(), "{}", said.unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_answer_from_sqlite_that_the_document_does_not_tell_of() {
    fuzz(&File::new().store()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_answer_from_redis_that_the_document_does_not_tell_of() {
    let Some(redis) = Redis::start(&[]) else { return };
    fuzz(&redis.url()).await;
}
