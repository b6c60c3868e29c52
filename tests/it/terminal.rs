//! What people read, at a terminal and in logs: nothing in it drives the terminal, hides, or begins a line of its own
//! (S-25).

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::command::run;
use crate::support::http::{self, Connection};
use crate::support::mcp::{Client, Era, in_time};
use crate::support::redis::{free_port, until};
use crate::support::server::{BINARY, Server};
use crate::support::services::require;

/// A link (OSC 8), the clipboard (OSC 52), the window's title, a line written over another, a cleared screen, C1, text
/// that runs backwards, and what has no form.
const HOSTILE: &str = "\u{1b}]8;;https://evil.example\u{7}click\u{1b}]8;;\u{7} \u{1b}]52;c;ZXZpbA==\u{7} \u{1b}]0;t\u{9c} \
                       \rERROR \u{1b}[2J \u{9b}2J \u{202e}txt.exe\u{2066} \u{200b}\u{feff}\u{e0041}";

/// What of [`HOSTILE`] a name may hold: names take no control characters.
const HOSTILE_NAME: &str = "boss\u{202e}txt.exe\u{2066} \u{200b}\u{feff}\u{e0041}";

/// Runs its arguments at a terminal, and prints what that was sent.
const AT_A_TERMINAL: &str = "
import os, pty, sys
def read(fd):
    return os.read(fd, 65536)
status = pty.spawn(sys.argv[1:], read, lambda fd: b'')
sys.exit(os.waitstatus_to_exitcode(status))
";

fn is_hidden(character: char) -> bool {
    character.is_control() && character != '\n' && character != '\t'
        || ('\u{200b}'..='\u{200f}').contains(&character)
        || ('\u{202a}'..='\u{202e}').contains(&character)
        || ('\u{2060}'..='\u{206f}').contains(&character)
        || character == '\u{feff}'
        || ('\u{e0000}'..='\u{e0fff}').contains(&character)
}

/// Nothing is hidden in `text`, whose lines a terminal ends with a carriage return too.
fn assert_visible(what: &str, text: &str) {
    let found: Vec<char> =
        text.replace("\r\n", "\n").chars().filter(|character| is_hidden(*character)).collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text:?}");
}

/// What a person at a terminal sees of the command, standard error too.
fn seen(store: &str, words: &[&str]) -> Option<String> {
    let python = require("python3")?;
    let output = Command::new(python)
        .args(["-c", AT_A_TERMINAL, BINARY, "--store", store])
        .args(words)
        .env("TERM", "xterm")
        // Colours are the commands' own; that nobody else's get through is seen without them.
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    Some(text(&output))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A store with hostile texts wherever they can be.
fn hostile() -> File {
    let file = File::new();
    let metadata = json!({ HOSTILE: HOSTILE, "agent_name": HOSTILE_NAME });
    let log = json!({ "event_type": "e", "message": HOSTILE, "metadata": metadata });
    run(&file.store(), &["call", "log_event", &log.to_string()]).ok();
    let span = json!({ "trace_id": "t", "span_id": "s", "span_name": HOSTILE_NAME, "metadata": { "error": HOSTILE } });
    run(&file.store(), &["call", "start_span", &span.to_string()]).ok();
    run(&file.store(), &["key", "create", "--scope", "read", "--name", HOSTILE_NAME]).ok();
    file
}

#[test]
fn at_a_terminal_nothing_acts_and_nothing_hides() {
    let file = hostile();
    let gateway = format!("http://127.0.0.1:{}/{HOSTILE_NAME}", free_port());
    let nowhere = format!("/nowhere/{HOSTILE}.toml");
    let listen = format!("127.0.0.1:{}", free_port());
    let commands: [(&[&str], &str); 16] = [
        (&["call", "query_logs"], "\\u{1b}]52"),
        (&["call", "get_trace", r#"{"trace_id":"t"}"#], "boss\\u{202e}txt.exe"),
        (&["logs", "--full"], "\\u{1b}]52"),
        (&["traces"], "\\u{202e}txt"),
        (&["trace", "t"], "boss\\u{202e}txt.exe"),
        (&["key", "list"], "boss\\u{202e}txt.exe\\u{2066} \\u{200b}"),
        (&["--listen", &listen, "--pushgateway", &gateway, "doctor"], "pushgateway"),
        (&["--config", &nowhere, "doctor"], "\\u{1b}"),
        (&["call", "query_logs", &json!({ HOSTILE: 1 }).to_string()], "\\u{1b}]8"),
        (&["call", "query_logs", &json!({ "level": HOSTILE }).to_string()], "\\u{1b}]8"),
        (&["call", HOSTILE], "there is no tool"),
        (&["call", "query_logs", "--level", HOSTILE], "\\u{1b}]8"),
        (&[HOSTILE], "\\u{202e}"),
        (&["query-logs", HOSTILE], "\\u{1b}]8"),
        (&["end-span", HOSTILE], "\\u{1b}]8"),
        (&["replay", &nowhere], "\\u{1b}"),
    ];
    for (words, shown) in commands {
        let Some(seen) = seen(&file.store(), words) else { return };
        assert_visible(&format!("{words:?}"), &seen);
        assert!(seen.contains(shown), "{words:?}: nothing of {shown} in {seen}");
    }
}

#[test]
fn drop_ins_print_ascii_alone() {
    let file = hostile();
    for words in
        [&["query-logs", "e"][..], &["get-trace", "t"], &["query-logs", HOSTILE], &["end-span", HOSTILE_NAME]]
    {
        let finished = run(&file.store(), words);
        assert_visible(&format!("{words:?}"), &finished.stdout);
        assert_eq!(finished.stderr, "", "{words:?}");
        assert_eq!(finished.stdout.lines().count(), 1, "{words:?}: {}", finished.stdout);
    }
    assert!(run(&file.store(), &["query-logs", "e"]).stdout.is_ascii());
}

/// Sends hostile texts wherever a request has room for one.
async fn call(server: &Server) {
    let client = Client::http(server, Era::Stateless).await.unwrap();
    let log = json!({ "event_type": "e", "message": HOSTILE, "metadata": { HOSTILE: HOSTILE } });
    client.call("log_event", log).await.ok();
    assert!(client.call("log_event", json!({ HOSTILE: HOSTILE })).await.is_error);
    assert!(client.call("end_span", json!({ "span_id": HOSTILE })).await.is_error);
    let line = HOSTILE.replace('\r', "");
    for (path, header) in [
        ("/mcp", format!("Origin: http://{line}")),
        ("/mcp", format!("Authorization: Bearer {line}")),
        ("/mcp", format!("MCP-Protocol-Version: {line}")),
        ("/mcp", format!("User-Agent: {line}")),
        ("/%1b%5d0;x%07%e2%80%ae", "X: y".to_owned()),
        ("/messages?sessionId=%1b%5d0;x%07", "X: y".to_owned()),
    ] {
        let connection = Connection::open(server.address()).await.unwrap();
        let request = http::post(path, &[&header, "Connection: close"], b"{}");
        let answer = in_time("an answer", connection.send(request)).await;
        if let Some(answer) = answer {
            assert_visible(path, &String::from_utf8_lossy(&answer.body));
        }
    }
}

/// The record that [`call`] has stored, as `--echo` writes it.
fn is_echo(line: &str) -> bool {
    let record: Value = serde_json::from_str(line).unwrap_or_default();
    let message = record["message"].as_str().unwrap_or_default();
    record["event_type"] == "e" && message.contains(r"\u{9b}2J \u{202e}txt.exe\u{2066} \u{200b}")
}

#[tokio::test]
async fn no_line_of_the_log_is_forged_or_acts() {
    for format in ["json", "text"] {
        let directory = tempfile::tempdir().unwrap();
        let settings = directory.path().join("watchglass.toml");
        std::fs::write(&settings, format!("log = \"trace\"\nlog_format = \"{format}\"\n")).unwrap();
        let settings = settings.display().to_string();
        let server = Server::start_with(&["serve", "--config", &settings, "--store", "memory:", "--echo"]);
        call(&server).await;
        until("the record is echoed", || server.stderr().lines().any(is_echo));
        let said = server.stderr();
        assert_visible(format, &said);
        if format == "json" {
            let lines = said.lines().filter(|line| line.starts_with('{'));
            let read: Vec<Value> = lines
                .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
                .collect();
            assert!(read.len() > 10, "{said}");
        }
    }
}
