//! The client's side of stdio: a process of its own, a line for each message.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio as Pipe};

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use super::inbox::Inbox;
use super::{Unaddressed, in_time};
use crate::support::server::BINARY;

pub(crate) struct Stdio {
    process: Child,
    /// `None` after the end of the input.
    lines: Option<mpsc::UnboundedSender<Vec<u8>>>,
    inbox: Inbox,
    unclaimed: Mutex<mpsc::UnboundedReceiver<Value>>,
    /// Ends when the process closes its output.
    reading: JoinHandle<()>,
}

impl Stdio {
    /// Starts `watchglass stdio` on `store`.
    pub(super) fn start(store: &str) -> Self {
        let mut process = Command::new(BINARY)
            .args(["stdio", "--store", store])
            .stdin(Pipe::piped())
            .stdout(Pipe::piped())
            .stderr(Pipe::null())
            .spawn()
            .expect("the binary starts");
        let input = OwnedFd::from(process.stdin.take().expect("stdin is a pipe"));
        let output = OwnedFd::from(process.stdout.take().expect("stdout is a pipe"));
        let (lines, outgoing) = mpsc::unbounded_channel();
        let (inbox, unclaimed) = Inbox::new();
        tokio::spawn(write(pipe::Sender::from_owned_fd(input).expect("a pipe"), outgoing));
        let output = pipe::Receiver::from_owned_fd(output).expect("a pipe");
        let reading = tokio::spawn(read(output, inbox.clone()));
        Self { process, lines: Some(lines), inbox, unclaimed: Mutex::new(unclaimed), reading }
    }

    pub(super) fn send(&self, id: i64, message: String) -> BoxFuture<'static, Option<Value>> {
        let answered = self.inbox.expect(id);
        self.send_bytes(message.as_bytes());
        Box::pin(async { answered.await.ok() })
    }

    pub(super) async fn raw(&self, bytes: &[u8]) -> Unaddressed {
        self.send_bytes(bytes);
        Unaddressed { status: None, body: self.unaddressed().await }
    }

    pub(super) async fn unaddressed(&self) -> Value {
        let message = in_time("a message for nobody", self.unclaimed.lock().await.recv()).await;
        message.expect("the process lives")
    }

    /// Writes one line and waits for nothing.
    pub(super) fn send_bytes(&self, bytes: &[u8]) {
        let mut line = bytes.to_vec();
        line.push(b'\n');
        if let Some(lines) = &self.lines {
            lines.send(line).ok();
        }
    }

    /// Ends the input once all that was sent is written.
    pub(crate) fn end_input(&mut self) {
        self.lines = None;
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        in_time("the process's end", &mut self.reading).await.expect("the reader does not panic");
        self.process.wait().expect("the process is ours")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn write(mut input: pipe::Sender, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if input.write_all(&line).await.is_err() {
            return;
        }
    }
}

async fn read(output: pipe::Receiver, inbox: Inbox) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        inbox.deliver(&line);
    }
    inbox.close();
}
