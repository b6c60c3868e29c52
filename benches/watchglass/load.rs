//! Callers that load one server together.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinSet;

use crate::outcome::Sample;
use crate::row::Side;

/// Makes calls on connections of its own.
#[async_trait]
pub(crate) trait Caller: Send {
    /// Makes calls until then, and waits for the last answer; how many calls were answered.
    async fn call_until(&mut self, until: Instant) -> Result<u64>;
}

/// Some callers, and the process that answers them.
pub(crate) struct Load {
    callers: Vec<Box<dyn Caller>>,
    pid: u32,
}

impl Load {
    pub(crate) fn new(callers: Vec<Box<dyn Caller>>, pid: u32) -> Self {
        Self { callers, pid }
    }
}

#[async_trait]
impl Side for Load {
    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let before = cpu(self.pid);
        let started = Instant::now();
        let mut working = JoinSet::new();
        for mut caller in self.callers.drain(..) {
            working.spawn(async move {
                let answered = caller.call_until(started + time).await;
                (caller, answered)
            });
        }
        let mut answered = 0;
        while let Some(ended) = working.join_next().await {
            let (caller, count) = ended?;
            answered += count?;
            self.callers.push(caller);
        }
        let used = before.zip(cpu(self.pid)).map(|(before, after)| after.saturating_sub(before));
        Ok(Sample {
            value: per_second(answered, started.elapsed()),
            cpu: used.map(|used| used.as_secs_f64() * 1e6 / count(answered)),
        })
    }
}

/// How often a second.
pub(crate) fn per_second(times: u64, elapsed: Duration) -> f64 {
    count(times) / elapsed.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn count(times: u64) -> f64 {
    times as f64
}

/// The time that the threads of a process have run; only Linux tells.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    let tasks = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task")).ok()?;
    let times = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    });
    Some(times.sum())
}
