//! The job of a process that stays: push every 15 seconds and at the end.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Failure, Pusher};
use crate::telemetry::metrics::Push;

/// How often a process that stays pushes.
pub const INTERVAL: Duration = Duration::from_secs(15);
/// Held by the one process that pushes while it lives; long enough to miss one push.
const JOB_LEASE: &str = "pushgateway-job";
const JOB_HELD: Duration = Duration::from_secs(40);
/// How long the end of a process may wait for its last push.
const END_TIMEOUT: Duration = Duration::from_secs(4);

/// A process's pushing.
pub struct Job {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Job {
    /// Begins to push every `interval`. Of several processes on one store, one does.
    pub fn start(pusher: Pusher, interval: Duration) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(pusher, interval, stop.clone()));
        Self { stop, task }
    }

    /// Pushes for the last time and ends. A push that is under way ends before that, so that none is overtaken.
    pub async fn end(mut self) {
        self.stop.cancel();
        if timeout(END_TIMEOUT, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn run(pusher: Pusher, interval: Duration, stop: CancellationToken) {
    let mut health = Health { failing: false };
    loop {
        tokio::select! {
            () = sleep(interval) => {}
            () = stop.cancelled() => break,
        }
        match pusher.service.lease(JOB_LEASE, &pusher.holder, JOB_HELD).await {
            Ok(true) => health.note(&pusher, pusher.push().await),
            Ok(false) => {}
            Err(problem) => health.note(&pusher, Err(Failure::store(&problem))),
        }
    }
    // Whoever has the job may have been killed, so everyone who leaves pushes what there is.
    health.note(&pusher, pusher.push().await);
    if let Err(problem) = pusher.service.lease(JOB_LEASE, &pusher.holder, Duration::ZERO).await {
        tracing::debug!(%problem, "the job can't be handed on");
    }
}

/// What was said last of the gateway: it is said once for each change.
struct Health {
    failing: bool,
}

impl Health {
    fn note(&mut self, pusher: &Pusher, outcome: Result<(), Failure>) {
        let gateway = &pusher.gateway;
        match outcome {
            Ok(()) if self.failing => {
                self.failing = false;
                tracing::info!(%gateway, "metrics can be pushed again");
            }
            // The other process has pushed.
            Err(failure) if failure.result == Push::Busy => {}
            Err(failure) if !self.failing => {
                self.failing = true;
                tracing::warn!(%gateway, reason = failure.reason, "metrics can't be pushed");
            }
            _ => {}
        }
    }
}
