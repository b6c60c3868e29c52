//! The command line as people meet it: what it prints, what it does at once, and the status it ends with.

use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::support::mcp::{Client, Era};
use crate::support::server::{BINARY, Server};

#[tokio::test]
async fn the_demo_shows_a_living_system() {
    let server = Server::start_with(&["demo"]);
    let announced = server.stderr();
    assert!(announced.contains("agent_request") && announced.contains("└─"), "{announced}");

    let client = Client::http(&server, Era::Stateless).await.expect("the server lives");
    let logs =
        client.call("query_logs", json!({ "event_type": "agent.request.*", "since_minutes": 90 })).await.ok();
    assert!(logs["total"].as_u64().is_some_and(|total| total > 60), "{}", logs["total"]);
    let errors = client
        .call("query_logs", json!({ "min_level": "error", "since_minutes": 90, "limit": 1 }))
        .await
        .ok();
    let failed = errors["logs"][0]["trace_id"].as_str().expect("an error belongs to a trace");
    let trace = client.call("get_trace", json!({ "trace_id": failed })).await.ok();
    assert!(trace["error_count"].as_u64().is_some_and(|errors| errors > 0), "{trace}");
    assert_eq!(trace["spans"][0]["metadata"]["times"], "made up");
    assert!(server.stderr().contains("store  memory:"), "the demo leaves no file behind");

    // And it goes on: a live run begins with a root that has not ended.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let newest =
            client.call("query_logs", json!({ "event_type": "agent.request.start", "limit": 1 })).await.ok();
        let trace_id = newest["logs"][0]["trace_id"].clone();
        let trace = client.call("get_trace", json!({ "trace_id": trace_id })).await.ok();
        if trace["spans"][0]["status"] == "in_progress" {
            break;
        }
        assert!(Instant::now() < deadline, "no run is live: {trace}");
    }
}

#[tokio::test]
async fn every_stored_record_is_echoed_as_a_line_of_json_on_request() {
    let server = Server::start_with(&["serve", "--store", "memory:", "--echo"]);
    let client = Client::http(&server, Era::Initialize).await.expect("the server lives");
    let log = json!({ "event_type": "echo.check", "message": "two\nlines", "metadata": { "agent_name": "a", "k": "\u{9b}2J" } });
    client.call("log_event", log).await.ok();
    let deadline = Instant::now() + Duration::from_secs(10);
    let echoed = loop {
        let stderr = server.stderr();
        if let Some(line) = stderr.lines().find(|line| line.contains("echo.check")) {
            break serde_json::from_str::<Value>(line).expect("the line is json");
        }
        assert!(Instant::now() < deadline, "nothing was echoed: {stderr}");
    };
    assert_eq!((&echoed["message"], &echoed["agent_name"]), (&json!("two\nlines"), &json!("a")));
    assert_eq!(echoed["metadata"]["k"], "\\u{9b}2J", "nothing drives the terminal that shows it");
}

#[test]
fn what_can_not_be_used_ends_with_its_status_and_a_way_out() {
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--store", "postgres://x"], 64, "one of sqlite:PATH"),
        (&["--listen", "0.0.0.0:1"], 64, "--insecure-no-auth"),
        (&["--listen", "nonsense"], 64, "127.0.0.1:8080"),
        (&["--config", "/nowhere.toml"], 64, "/nowhere.toml"),
        (&["frobnicate"], 2, "unrecognized subcommand"),
        (&["doctor", "--scripts-redis", "user:s3cret@nonsense"], 2, "`--scripts-redis` is no address"),
        (&["replay", "/nowhere.jsonl"], 1, "`/nowhere.jsonl` can't be read"),
        (&["serve", "--store", "redis://user:s3cret@127.0.0.1:1"], 1, "can't open the store at 127.0.0.1:1"),
    ];
    for (arguments, status, text) in cases {
        let output = Command::new(BINARY).args(arguments).output().expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
        assert!(stderr.contains(text) && !stderr.contains("s3cret"), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// Where `/dev/full` is: what is written there finds no room.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_can_not_be_written_is_a_failure() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("linux has it");
    for arguments in
        [&["config"][..], &["--store", "memory:", "call", "query_logs"], &["completions", "bash"]]
    {
        let output = std::process::Command::new(BINARY).args(arguments).stdout(full()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("the answer can't be written"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_taken_port_ends_with_the_command_that_picks_another() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = Command::new(BINARY)
        .args(["--store", "memory:", "--listen", &address])
        .output()
        .expect("the binary starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("hint: run the same command with `--listen 127.0.0.1:"), "{stderr}");
}

#[test]
fn the_tools_are_listed_where_none_is_named_and_explained_where_one_is() {
    for (arguments, text) in
        [(&["call"][..], "no tool is named"), (&["call", "log"], "there is no tool `log`")]
    {
        let output = Command::new(BINARY).args(arguments).output().expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{stderr}");
        assert!(
            stderr.contains(text) && stderr.contains("  record_metric  Record a metric value"),
            "{stderr}"
        );
    }
    let help = |arguments: &[&str]| {
        let output = Command::new(BINARY).args(arguments).output().expect("the binary starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(help(&["call", "end_span", "--help"]).contains("--span-id <TEXT>"));
    assert!(help(&["call", "--help"]).contains("  get_trace "));
    for script in ["log-event", "start-span", "end-span", "record-metric", "get-trace", "query-logs"] {
        assert!(help(&[script, "--help"]).contains(&format!("Usage: watchglass {script} ")), "{script}");
    }
}

#[test]
fn settings_stand_before_the_tool_and_arguments_behind_it() {
    let log = ["log_event", "--event-type", "e", "--message", "m"];
    let before = ["--store", "memory:"];
    for words in [[&before[..], &["call"], &log].concat(), [&["call"], &before[..], &log].concat()] {
        let output = Command::new(BINARY).args(&words).output().expect("the binary starts");
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
    let output = Command::new(BINARY).arg("call").args(log).args(before).output().expect("the binary starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("unexpected argument '--store'"), "{stderr}");
}

#[test]
fn the_example_of_the_settings_and_completions_are_printed() {
    let printed = |arguments: &[&str]| {
        let output = Command::new(BINARY).args(arguments).output().expect("the binary starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(printed(&["config"]), watchglass::config::EXAMPLE);
    assert_eq!(printed(&["--config", "/nowhere.toml", "config"]), watchglass::config::EXAMPLE);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(printed(&["completions", shell]).contains("record-metric"), "{shell}");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("watchglass.bash");
    std::fs::write(&file, printed(&["completions", "bash"])).expect("the directory is ours");
    let checked = Command::new("bash").arg("-n").arg(&file).output().expect("bash is there");
    assert!(checked.status.success(), "{checked:?}");
}
