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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::model::{ProjectId, Span, Timestamp};
    use crate::service::{Caller, ServiceOptions, testing};

    #[tokio::test]
    async fn a_span_whose_parent_never_came_becomes_a_request_by_one_of_two_processes() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(1_800_000_000_000_000)));
        let store = testing::memory().await;
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let service = Service::new(Arc::clone(&store), shared, ServiceOptions::default());
        let caller = Caller::local();
        let start = json!({ "span_name": "work", "span_id": "s", "parent_span_id": "elsewhere" });
        service.start_span(&caller, serde_json::from_value(start).unwrap()).await.unwrap().await.unwrap();
        let end = serde_json::from_value(json!({ "span_id": "s" })).unwrap();
        service.end_span(&caller, end).await.unwrap().await.unwrap();
        assert_eq!(service.settle("a").await.unwrap(), 0);
        clock.advance(Span::PARENT_AWAITED + Duration::from_secs(1));
        assert_eq!(service.settle("a").await.unwrap(), 1);
        assert_eq!(service.settle("b").await.unwrap(), 0, "another holds the lease");
        clock.advance(LEASE * 2);
        assert_eq!(service.settle("b").await.unwrap(), 0, "it is settled for good");
        let orphans = store.orphans(&ProjectId::default_project(), clock.now()).await.unwrap();
        assert!(orphans.is_empty());
    }
}
