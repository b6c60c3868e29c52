//! `watchglass traces`, `trace` and `logs`: the same from a server and from the store, to programs and to people.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::access::world::make_key;
use crate::support::bench::File;
use crate::support::command::run;
use crate::support::mcp::{Client, Era};
use crate::support::redis::{Server as Redis, free_port, until};
use crate::support::server::{BINARY, Server};
use crate::support::services::require;
use crate::transfer::held::fill;

/// Runs its arguments at a terminal of so many columns, and prints what that was sent.
const AT_A_TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
try:
    while piece := os.read(fd, 65536):
        os.write(1, piece)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

/// What a person sees of a command on `store` in so many columns.
fn seen(columns: usize, store: &str, words: &[&str], environment: &[(&str, &str)]) -> Option<String> {
    let output = Command::new(require("python3")?)
        .args(["-c", AT_A_TERMINAL, &columns.to_string(), BINARY, "--store", store])
        .args(words)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    Some(String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n"))
}

/// The text without colours.
fn plain(text: &str) -> String {
    regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(text, "").into_owned()
}

/// The trace of the store that failed.
fn failed_trace(store: &str) -> String {
    let list = run(store, &["traces", "--status", "error"]).ok();
    list["items"][0]["trace_id"].as_str().unwrap_or_else(|| panic!("{list}")).to_owned()
}

async fn is_the_same_everywhere(store: &str) {
    fill(store).await;
    let server = Server::start_on(store);
    let trace = failed_trace(store);
    let questions: [&[&str]; 6] = [
        &["traces", "--status", "error"],
        &["traces", "--agent", "airline-agent", "--sort", "tokens", "--limit", "2", "--since", "1d"],
        &["trace", &trace],
        &["logs", "--trace", &trace, "--limit", "300"],
        &["logs", "--event-type", "agent.*", "--min-level", "error", "--limit", "3"],
        &["logs", "--text", "日本語", "--level", "error", "--agent", "odd"],
    ];
    for words in questions {
        let mut here = run(store, words).ok();
        let mut there = run("memory:", &[words, &["--server", &server.url("/")]].concat()).ok();
        // A cursor holds when it was made.
        assert_eq!(
            (here["next"].take().is_null(), &mut here),
            (there["next"].take().is_null(), &mut there),
            "{words:?}"
        );
        let found = here["items"].as_array().or(here["spans"].as_array()).map(Vec::len);
        assert!(found > Some(0), "{words:?}: {here}");
    }
    let all = run(store, &["logs", "--limit", "10000"]).ok();
    assert_eq!((&all["returned"], &all["truncated"]), (&all["total"], &json!(false)));
    let some = run(store, &["logs", "--limit", "3"]).ok();
    assert_eq!((&some["returned"], &some["truncated"]), (&json!(3), &json!(true)));
}

#[tokio::test]
async fn a_server_and_its_store_say_the_same_on_sqlite() {
    is_the_same_everywhere(&File::new().store()).await;
}

#[tokio::test]
async fn a_server_and_its_store_say_the_same_on_redis() {
    let Some(redis) = Redis::start(&[]) else { return };
    is_the_same_everywhere(&redis.url()).await;
}

#[tokio::test]
async fn a_trace_of_many_pages_is_shown_whole() {
    let file = File::new();
    let server = Server::start_on(&file.store());
    let client = Client::http(&server, Era::Stateless).await.unwrap();
    for number in 0..1_100 {
        let span = json!({ "trace_id": "long", "span_name": "step", "span_id": number.to_string() });
        client.call("start_span", span).await.ok();
    }
    for words in [&["trace", "long"][..], &["trace", "long", "--server", &server.url("")]] {
        let report = run(&file.store(), words).ok();
        let ids: std::collections::HashSet<&str> = report["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| span["span_id"].as_str().unwrap())
            .collect();
        assert_eq!((ids.len(), &report["returned"], &report["next"]), (1_100, &json!(1_100), &Value::Null));
    }
}

#[tokio::test]
async fn what_can_not_be_asked_is_said() {
    let file = File::new();
    let server = Server::start_on(&file.store());
    let url = server.url("");
    for words in [&["trace", "nowhere"][..], &["trace", "nowhere", "--server", &url]] {
        assert_eq!(run(&file.store(), words).problem()["code"], "TRACE_NOT_FOUND", "{words:?}");
    }
    for words in [&["traces", "--status", "lost"][..], &["traces", "--status", "lost", "--server", &url]] {
        let problem = run(&file.store(), words).problem();
        assert_eq!(problem["field"], "status", "{words:?}: {problem}");
    }
    make_key(&file.store(), "default", "read");
    let server = Server::start_on(&file.store());
    let wrong = Command::new(BINARY)
        .args(["traces", "--server", &server.url("")])
        .env("WATCHGLASS_KEY", "wg_0000000000000000_wrong")
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&wrong.stdout).unwrap();
    assert_eq!((wrong.status.code(), &told["code"]), (Some(1), &json!("UNAUTHENTICATED")), "{told}");
    for (address, status, text) in [
        ("nonsense", 2, "it must be an address such as http://127.0.0.1:8080"),
        ("http://user:s3cret@h", 2, "it must be without a user and a password"),
        (&format!("http://127.0.0.1:{}", free_port()), 1, "does not answer"),
    ] {
        let finished = run("memory:", &["logs", "--server", address]);
        assert_eq!(finished.status, status, "{address}: {finished:?}");
        assert!(finished.stderr.contains(text), "{address}: {finished:?}");
    }
}

#[tokio::test]
async fn at_a_terminal_it_fits_and_has_colours_where_they_are_wanted() {
    let file = File::new();
    fill(&file.store()).await;
    let trace = failed_trace(&file.store());
    let commands: [&[&str]; 4] =
        [&["traces"], &["trace", &trace], &["trace", "loose"], &["logs", "--limit", "200"]];
    for words in commands {
        for columns in [24, 80, 120] {
            let Some(shown) = seen(columns, &file.store(), words, &[]) else { return };
            assert!(shown.contains("\u{1b}[31m"), "{words:?}: no red in {shown}");
            for line in plain(&shown).lines() {
                assert!(line.width() <= columns, "{words:?} in {columns}: {line}");
                assert!(!line.contains(|character: char| character.is_control()), "{words:?}: {line:?}");
            }
            for quiet in [("NO_COLOR", "1"), ("TERM", "dumb")] {
                assert_eq!(
                    seen(columns, &file.store(), words, &[quiet]).unwrap(),
                    plain(&shown),
                    "{words:?} {quiet:?}"
                );
            }
        }
        let Some(json) = seen(80, &file.store(), &[words, &["--json"]].concat(), &[]) else { return };
        assert!(
            serde_json::from_str::<Value>(&json).is_ok_and(|answer| answer["untrusted"] == true),
            "{json}"
        );
    }
    let Some(shown) = seen(120, &file.store(), &["trace", &trace], &[("NO_COLOR", "1")]) else { return };
    for text in ["└─ ", "█", "✗ agent_request", "payment amount does not add up", "failed", "tokens ("]
    {
        assert!(shown.contains(text), "no {text} in {shown}");
    }
}

/// `watchglass logs -f`, while it runs.
struct Following {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Following {
    fn start(words: &[&str]) -> Self {
        let mut process = Command::new(BINARY)
            .args(["logs", "--follow"])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// The next log's message.
    fn next(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let log: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no log: {line:?} {}", self.said()));
        log["message"].as_str().unwrap_or_else(|| panic!("{log}")).to_owned()
    }

    fn said(&mut self) -> String {
        let mut said = String::new();
        self.process.kill().unwrap();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn say(store: &str, message: &str) {
    run(store, &["call", "log_event", &json!({ "event_type": "said", "message": message }).to_string()]).ok();
}

#[test]
fn what_comes_is_followed_on_a_store_and_at_a_server_and_through_a_restart() {
    let file = File::new();
    let store = file.store();
    say(&store, "before");
    let listen = format!("127.0.0.1:{}", free_port());
    let start = || Server::start_as(&["serve", "--store", &store, "--listen", &listen], &[]);
    let server = start();
    let mut on_store = Following::start(&["--store", &store, "--event-type", "said"]);
    let mut at_server = Following::start(&["--server", &format!("http://{listen}"), "--event-type", "said"]);
    for following in [&mut on_store, &mut at_server] {
        assert_eq!(following.next(), "before");
    }
    run(&store, &["call", "log_event", r#"{"event_type":"other","message":"not asked for"}"#]).ok();
    say(&store, "meanwhile");
    for following in [&mut on_store, &mut at_server] {
        assert_eq!(following.next(), "meanwhile");
    }
    drop(server);
    say(&store, "while it was away");
    let _server = start();
    say(&store, "again");
    for following in [&mut on_store, &mut at_server] {
        assert_eq!([following.next(), following.next()], ["while it was away", "again"]);
    }
}

#[test]
fn who_closes_the_pipe_ends_the_following() {
    let file = File::new();
    say(&file.store(), "first");
    let mut following = Following::start(&["--store", &file.store()]);
    assert_eq!(following.next(), "first");
    let closed = std::mem::replace(&mut following.lines, BufReader::new(empty_stdout()));
    drop(closed);
    until("it has ended", || {
        say(&file.store(), "nobody reads this");
        following.process.try_wait().unwrap().is_some()
    });
    assert!(following.process.wait().unwrap().success());
}

/// The standard output of a process that says nothing.
fn empty_stdout() -> ChildStdout {
    Command::new("true").stdout(Stdio::piped()).spawn().unwrap().stdout.take().unwrap()
}
