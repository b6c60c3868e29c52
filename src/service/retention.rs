//! The job that deletes what is older than it is kept.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use crate::model::Problem;

/// How often the job looks.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long the job is left to one process.
const LEASE: Duration = Duration::from_secs(120);
/// A pause between slices, in which writers get through.
const PAUSE: Duration = Duration::from_millis(20);

impl Service {
    /// Runs the job until it is dropped. Of several processes on one store, one does the work.
    pub async fn keep_retention(self: Arc<Self>) {
        let holder = self.ids.record();
        let mut failing = false;
        loop {
            tokio::time::sleep(INTERVAL).await;
            match self.expire(&holder).await {
                Ok(0) => failing = false,
                Ok(deleted) => {
                    failing = false;
                    tracing::info!(deleted, "retention deleted old records");
                }
                // Once for each change: a store that is down says so elsewhere too.
                Err(problem) if !failing => {
                    failing = true;
                    tracing::warn!(code = problem.code.as_str(), %problem, "retention could not run");
                }
                Err(_) => {}
            }
        }
    }

    /// Deletes what is due, in slices, if this `holder` has or gets the lease; tells how many records went.
    pub async fn expire(&self, holder: &str) -> Result<u64, Problem> {
        let mut deleted = 0;
        loop {
            let now = self.clock.now();
            if !self.store.lease("retention", holder, now, LEASE).await? {
                return Ok(deleted);
            }
            let slice = self.store.expire(now).await?;
            deleted += slice.deleted;
            if !slice.more {
                return Ok(deleted);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
