//! A caller that starts its server and speaks with it over pipes.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio as Standard};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};

use crate::http::check;
use crate::load::Caller;
use crate::payload;

/// A conversation with a process, and how many calls are in flight in it.
pub(crate) struct Stdio {
    process: Child,
    input: Sender,
    output: Receiver,
    received: Vec<u8>,
    call: String,
    window: u64,
    last_id: u64,
}

impl Stdio {
    /// Starts the process and has its first answer.
    pub(crate) async fn start(command: &mut Command, call: &str, window: u64) -> Result<Self> {
        let spawned =
            command.stdin(Standard::piped()).stdout(Standard::piped()).stderr(Standard::null()).spawn();
        let mut process = spawned.with_context(|| format!("can't start {command:?}"))?;
        let input = OwnedFd::from(process.stdin.take().context("there is no pipe")?);
        let output = OwnedFd::from(process.stdout.take().context("there is no pipe")?);
        let mut stdio = Self {
            process,
            input: Sender::from_owned_fd(input)?,
            output: Receiver::from_owned_fd(output)?,
            received: Vec::new(),
            call: call.to_owned(),
            window,
            last_id: 0,
        };
        stdio.send(&payload::initialize()).await?;
        while stdio.read_answers().await? == 0 {}
        Ok(stdio)
    }

    /// The first half of the beginning is the first answer; this is the rest.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.send(&payload::initialized()).await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    async fn send(&mut self, message: &str) -> Result<()> {
        self.input.write_all(format!("{message}\n").as_bytes()).await.context("the process reads no more")
    }

    async fn send_calls(&mut self, count: u64) -> Result<()> {
        let mut lines = String::new();
        for _ in 0..count {
            self.last_id += 1;
            lines.push_str(&payload::message(self.last_id, &self.call));
            lines.push('\n');
        }
        Ok(self.input.write_all(lines.as_bytes()).await?)
    }

    /// Reads what has arrived; how many whole answers that was.
    async fn read_answers(&mut self) -> Result<u64> {
        ensure!(self.output.read_buf(&mut self.received).await? > 0, "the process ended");
        let Some(end) = self.received.iter().rposition(|byte| *byte == b'\n') else { return Ok(0) };
        let rest = self.received.split_off(end + 1);
        let answers = std::mem::replace(&mut self.received, rest);
        let mut count = 0;
        for answer in std::str::from_utf8(&answers)?.lines() {
            check(answer)?;
            count += 1;
        }
        Ok(count)
    }
}

#[async_trait]
impl Caller for Stdio {
    async fn call_until(&mut self, until: Instant) -> Result<u64> {
        let (mut answered, mut in_flight) = (0, self.window);
        self.send_calls(self.window).await?;
        while in_flight > 0 {
            let count = self.read_answers().await?;
            answered += count;
            in_flight -= count;
            if Instant::now() < until {
                self.send_calls(count).await?;
                in_flight += count;
            }
        }
        Ok(answered)
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
