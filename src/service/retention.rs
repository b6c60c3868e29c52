//! The job that deletes what is older than it is kept.

use std::sync::Arc;
use std::time::Duration;

use super::rounds::Rounds;
use super::{Service, within_deadline};
use crate::model::Problem;

/// How often the job looks.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long the job is left to one process.
const LEASE: Duration = Duration::from_secs(120);
/// The same for a process that makes one call and ends.
const BRIEF_LEASE: Duration = Duration::from_secs(1);
/// One such process in so many does a part of the job.
const SHARE: i64 = 64;
/// A pause between slices, in which writers get through.
const PAUSE: Duration = Duration::from_millis(20);

impl Service {
    /// Runs the job until it is dropped. Of several processes on one store, one does the work.
    pub async fn keep_retention(self: Arc<Self>) {
        let holder = self.ids.record();
        let mut rounds = Rounds::new("retention could not run");
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Some(deleted) = rounds.ended(self.expire(&holder).await) {
                tracing::info!(deleted, "retention deleted old records");
            }
        }
    }

    /// A bit of the job, for a process that makes one call and ends: the store stays bounded where nothing else runs
    /// on it. By the time at which it is called, one process in 64 deletes one slice.
    pub async fn trim(&self) {
        let now = self.clock.now();
        if now.micros() % SHARE != 0 {
            return;
        }
        let trimmed = within_deadline(async {
            if self.store.lease("retention", &self.ids.record(), now, BRIEF_LEASE).await? {
                self.store.expire(now).await?;
            }
            Ok(())
        });
        // The call has its answer; the next process tries again.
        if let Err(problem) = trimmed.await {
            tracing::warn!(code = problem.code.as_str(), %problem, "retention could not run");
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
