//! Processes that start, answer and end.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio as Standard};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;

use crate::outcome::Sample;
use crate::row::Side;
use crate::stdio::Stdio;

/// The start of a stdio server, up to its first answer.
pub(crate) struct FirstAnswer {
    pub(crate) command: Command,
    /// A file that is deleted before each start, with what SQLite puts beside it.
    pub(crate) forget: Option<PathBuf>,
}

#[async_trait]
impl Side for FirstAnswer {
    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let started = Instant::now();
        let mut times = Vec::new();
        while times.is_empty() || started.elapsed() < time {
            for suffix in self.forget.iter().flat_map(|_| ["", "-wal", "-shm", "-queue"]) {
                let mut name = self.forget.clone().unwrap_or_default().into_os_string();
                name.push(suffix);
                std::fs::remove_file(name).ok();
            }
            let start = Instant::now();
            let mut server = Stdio::start(&mut self.command, "", 0).await?;
            times.push(milliseconds(start));
            server.begin().await?;
        }
        Ok(median(times))
    }
}

/// A command that logs one event whose message is on standard input.
pub(crate) struct OneShot(pub(crate) Command);

#[async_trait]
impl Side for OneShot {
    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let started = Instant::now();
        let mut times = Vec::new();
        while times.is_empty() || started.elapsed() < time {
            let start = Instant::now();
            let mut process = self
                .0
                .stdin(Standard::piped())
                .stdout(Standard::piped())
                .stderr(Standard::piped())
                .spawn()?;
            process.stdin.take().context("there is no pipe")?.write_all(b"Processing request")?;
            let output = process.wait_with_output()?;
            times.push(milliseconds(start));
            let answer = String::from_utf8_lossy(&output.stdout);
            let (status, said) = (output.status, String::from_utf8_lossy(&output.stderr));
            ensure!(status.success() && answer.contains("\"logged\""), "{status}: {answer}{said}");
        }
        Ok(median(times))
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

fn median(mut values: Vec<f64>) -> Sample {
    values.sort_by(f64::total_cmp);
    Sample { value: values.get(values.len() / 2).copied().unwrap_or(f64::NAN), cpu: None }
}
