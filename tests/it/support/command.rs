//! Commands that make one call and end, and what they print.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::server::BINARY;

/// Bytes of one argument, past which Linux starts no process.
pub(crate) const LONGEST_ARGUMENT: usize = 128 * 1024;

/// What a command left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary on `store` with nothing on standard input.
pub(crate) fn run(store: &str, words: &[&str]) -> Finished {
    start(store, words, Stdio::null(), b"")
}

/// [`run`] with this on standard input.
pub(crate) fn run_with_input(store: &str, words: &[&str], input: &[u8]) -> Finished {
    start(store, words, Stdio::piped(), input)
}

fn start(store: &str, words: &[&str], stdin: Stdio, input: &[u8]) -> Finished {
    let mut process = Command::new(BINARY)
        .args(words)
        .env("WATCHGLASS_STORE", store)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    if let Some(mut stdin) = process.stdin.take() {
        // It may have refused what came before all was sent.
        stdin.write_all(input).ok();
    }
    let output = process.wait_with_output().expect("the process is ours");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let status = output.status.code().expect("no signal ended it");
    let finished = Finished { status, stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(
        status != 0 || finished.stderr.is_empty(),
        "{words:?} talks although it ended well: {finished:?}"
    );
    finished
}

impl Finished {
    /// The one line of JSON of a command that must have ended well.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 0, "{self:?}");
        self.json()
    }

    /// The problem of a command that must have failed.
    pub(crate) fn problem(&self) -> Value {
        assert_eq!((self.status, self.stderr.as_str()), (1, ""), "{self:?}");
        self.json()
    }

    fn json(&self) -> Value {
        let line = self.stdout.strip_suffix('\n').unwrap_or_else(|| panic!("not a line: {self:?}"));
        assert!(!line.contains('\n'), "more than a line: {self:?}");
        serde_json::from_str(line).unwrap_or_else(|_| panic!("not json: {self:?}"))
    }
}
