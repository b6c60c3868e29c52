//! The job that settles which spans without their parent are requests.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::rounds::Rounds;
use crate::model::Problem;

/// How often the job looks. What it has not reached yet, readers count as if it were settled.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long the job is left to one process.
const LEASE: Duration = Duration::from_secs(20);
/// A pause between slices, in which writers get through.
const PAUSE: Duration = Duration::from_millis(20);

impl Service {
    /// Runs the job until it is dropped. Of several processes on one store, one does the work.
    pub async fn keep_settling(self: Arc<Self>) {
        let holder = self.ids.record();
        let mut rounds = Rounds::new("spans without their parent could not be settled");
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Some(requests) = rounds.ended(self.settle(&holder).await) {
                tracing::debug!(requests, "spans without their parent became requests");
            }
        }
    }

    /// Settles what is due, in slices, if this `holder` has or gets the lease; tells how many requests that made.
    pub async fn settle(&self, holder: &str) -> Result<u64, Problem> {
        let mut requests = 0;
        loop {
            let now = self.clock.now();
            if !self.store.lease("settlement", holder, now, LEASE).await? {
                return Ok(requests);
            }
            let slice = self.store.settle_orphans(now).await?;
            requests += slice.requests;
            if !slice.more {
                return Ok(requests);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
