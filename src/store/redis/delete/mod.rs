//! Deleting for good: a trace with its spans and logs, or all that is an agent's or a conversation's.
//!
//! What belongs to an agent is found by looking at every trace and every log, from the oldest on, since there is no
//! index by agent. A process remembers how far it came, so that the next slice goes on there; another process, or one
//! that is asked much later, begins anew.

mod logs;
mod spans;

use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use super::RedisStore;
use super::keys::Keys;
use super::walk::{Path, Walk};
use crate::model::{Deletion, Problem, Timestamp};
use crate::store::Deleted;

/// Records that a slice deletes.
const SLICE: usize = 500;
/// Traces that are looked at at once, and how often in a slice.
const TRACES: usize = 100;
const LOOKS: usize = 20;
/// How long it is remembered how far a deletion came.
const REMEMBERED: Duration = Duration::from_secs(600);

/// How far the deletions of this process have come.
pub(super) type Deletions = Vec<Progress>;

/// How far one deletion has come.
#[derive(Debug)]
pub(super) struct Progress {
    project: String,
    deletion: Deletion,
    stage: Stage,
    since: Instant,
}

/// What a deletion is at, each behind an entry of its index.
#[derive(Debug, Clone)]
enum Stage {
    Traces(Option<(Timestamp, String)>),
    Logs(Option<(Timestamp, String)>),
}

impl RedisStore {
    /// Deletes a slice of the records.
    pub(super) async fn delete_slice(&self, keys: &Keys, deletion: &Deletion) -> Result<Deleted, Problem> {
        if let Deletion::Trace(trace_id) = deletion {
            return self.delete_trace(keys, trace_id.as_str()).await;
        }
        let mut deleted = Deleted::default();
        let next = match self.recall(keys, deletion) {
            Stage::Traces(after) => {
                let next = self.delete_traces(keys, deletion, after, &mut deleted).await?;
                Some(next.map_or(Stage::Logs(None), |after| Stage::Traces(Some(after))))
            }
            Stage::Logs(after) => {
                let next = self.delete_logs(keys, deletion, after, &mut deleted).await?;
                next.map(|after| Stage::Logs(Some(after)))
            }
        };
        deleted.more = next.is_some();
        self.remember(keys, deletion, next);
        Ok(deleted)
    }

    /// Deletes traces behind `after`; tells behind which to go on.
    async fn delete_traces(
        &self,
        keys: &Keys,
        deletion: &Deletion,
        mut after: Option<(Timestamp, String)>,
        deleted: &mut Deleted,
    ) -> Result<Option<(Timestamp, String)>, Problem> {
        let sets = self.layout.shards().map(|shard| keys.traces(shard));
        let mut walk = Walk::new(&self.reads, sets, Path::from_the_oldest(after.clone()));
        for _ in 0..LOOKS {
            let entries = walk.next(TRACES).await?;
            if entries.is_empty() {
                return Ok(None);
            }
            let mut rows = self.rows(keys, entries.clone()).await?.into_iter().peekable();
            for entry in entries {
                let row = rows.next_if(|row| row.trace_id.as_str() == entry.member);
                if row.is_some_and(|row| deletion.is_of_trace(&row)) {
                    let of_trace = self.delete_trace(keys, &entry.member).await?;
                    deleted.spans += of_trace.spans;
                    deleted.logs += of_trace.logs;
                    if of_trace.more || deleted.spans + deleted.logs >= SLICE as u64 {
                        // It is looked at again, and passed once it is gone.
                        return Ok(Some(
                            after.unwrap_or((entry.time.minus(Duration::from_micros(1)), String::new())),
                        ));
                    }
                }
                after = Some((entry.time, entry.member));
            }
        }
        Ok(after)
    }

    fn recall(&self, keys: &Keys, deletion: &Deletion) -> Stage {
        let mut deletions = self.deletions.lock().unwrap_or_else(PoisonError::into_inner);
        deletions.retain(|progress| progress.since.elapsed() < REMEMBERED);
        let known = deletions.iter().find(|progress| progress.is_of(keys, deletion));
        known.map_or(Stage::Traces(None), |progress| progress.stage.clone())
    }

    fn remember(&self, keys: &Keys, deletion: &Deletion, stage: Option<Stage>) {
        let mut deletions = self.deletions.lock().unwrap_or_else(PoisonError::into_inner);
        deletions.retain(|progress| !progress.is_of(keys, deletion));
        deletions.extend(stage.map(|stage| Progress {
            project: keys.project().to_owned(),
            deletion: deletion.clone(),
            stage,
            since: Instant::now(),
        }));
    }
}

impl Progress {
    fn is_of(&self, keys: &Keys, deletion: &Deletion) -> bool {
        self.project == keys.project() && self.deletion == *deletion
    }
}
