//! A real `watchglass serve` on a free port for the length of a test.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_watchglass");

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    process: Child,
    base: String,
    stderr: Arc<Mutex<String>>,
}

impl Server {
    /// A server over a store in memory.
    pub(crate) fn start() -> Self {
        Self::start_on("memory:")
    }

    /// A server on `store`.
    pub(crate) fn start_on(store: &str) -> Self {
        Self::start_with(&["serve", "--store", store])
    }

    /// The process that `arguments` ask for, listening on a free port.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_as(&[arguments, &["--listen", "127.0.0.1:0"]].concat(), &[])
    }

    /// The process that `arguments` ask for, in an environment with these variables too.
    pub(crate) fn start_as(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut process = Command::new(BINARY)
            .args(arguments)
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = Arc::new(Mutex::new(String::new()));
        let base = follow(process.stderr.take().expect("stderr is a pipe"), Arc::clone(&stderr));
        let mut server = Self { process, base: String::new(), stderr };
        server.base = base
            .recv_timeout(START)
            .unwrap_or_else(|_| panic!("no address was announced; stderr:\n{}", server.stderr()));
        server
    }

    /// The address of `path`, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Where it listens, as `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.base.split_once("://").map_or("", |(_, address)| address)
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("the process is ours");
        self.process.wait().expect("the process is ours");
    }

    /// All that the server has said so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().expect("no writer panicked").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(Some(_))) {
            return;
        }
        let pid = self.process.id();
        // `sh`, because it has `kill` built in wherever it runs
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {pid}")).status();
        let deadline = Instant::now() + STOP;
        while asked.is_ok() && Instant::now() < deadline {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.process.kill().ok();
        self.process.wait().ok();
        assert!(
            std::thread::panicking(),
            "the server did not stop within {STOP:?} of SIGTERM; stderr:\n{}",
            self.stderr()
        );
    }
}

/// Keeps what the server says, and sends the address out of the line that names `…/mcp`.
fn follow(stderr: ChildStderr, kept: Arc<Mutex<String>>) -> Receiver<String> {
    let (found, base) = mpsc::channel();
    std::thread::spawn(move || keep_lines(stderr, &kept, &found));
    base
}

fn keep_lines(stderr: ChildStderr, kept: &Mutex<String>, found: &Sender<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some(base) = announced(&line) {
            // only the first is waited for
            found.send(base.to_owned()).ok();
        }
        let mut kept = kept.lock().expect("no reader panicked");
        kept.push_str(&line);
        kept.push('\n');
    }
}

/// `http://127.0.0.1:PORT` out of a line with `http://127.0.0.1:PORT/mcp` in it, or the same with `https`.
fn announced(line: &str) -> Option<&str> {
    line.split_whitespace().find_map(|word| word.strip_suffix("/mcp").filter(|base| base.contains("://")))
}
