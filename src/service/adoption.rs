//! The job that finds what the published scripts write to the same store.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Service;
use super::rounds::Rounds;
use crate::model::Problem;

/// How long the job rests between two rounds. What a script writes is found within 30 s as long as a round takes
/// no more than a third of that.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long the job is left to one process; short, so that another takes over within the same 30 s.
const LEASE: Duration = Duration::from_secs(15);
/// After a slice the store is others' for this many times as long as it took, so that the job has a tenth of the time.
const PAUSE: u32 = 9;
/// The longest pause, so that a backlog does not wait for ever.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// After how many slices the lease is renewed. Should it run out before, two at once do no harm.
const SLICES: usize = 4;

impl Service {
    /// Runs the job until it is dropped, where the store has use for it. Of several processes on one store, one
    /// does the work.
    pub async fn keep_adopting(self: Arc<Self>) {
        if !self.store.adopts() {
            return;
        }
        let holder = self.ids.record();
        let mut rounds = Rounds::new("what scripts write could not be indexed");
        loop {
            if let Some(records) = rounds.ended(self.adopt(&holder).await) {
                tracing::debug!(records, "indexed what scripts have written");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Does a round, in slices, if this `holder` has or gets the lease; tells how many records were found.
    pub async fn adopt(&self, holder: &str) -> Result<u64, Problem> {
        let mut records = 0;
        loop {
            if !self.store.lease("adoption", holder, self.clock.now(), LEASE).await? {
                return Ok(records);
            }
            for _ in 0..SLICES {
                let started = Instant::now();
                let slice = self.store.adopt(self.clock.now()).await?;
                records += slice.records;
                if !slice.more {
                    return Ok(records);
                }
                tokio::time::sleep((started.elapsed() * PAUSE).min(LONGEST_PAUSE)).await;
            }
        }
    }
}
