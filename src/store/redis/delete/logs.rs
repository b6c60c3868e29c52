//! Deleting logs, found by their entries.

use std::collections::BTreeSet;

use super::{LOOKS, SLICE};
use crate::model::{Deletion, Log, Problem, Timestamp, TraceId};
use crate::store::Deleted;
use crate::store::redis::RedisStore;
use crate::store::redis::codec::around;
use crate::store::redis::codec::log::decode;
use crate::store::redis::command::{Command, Guard, Request, transaction};
use crate::store::redis::connection::read;
use crate::store::redis::error::is_wrong_type;
use crate::store::redis::keys::Keys;
use crate::store::redis::walk::{Path, Walk};

/// A log's entry: its time, and `id|event_type`.
type Entry = (Timestamp, String);

/// A log with its member, if it is there.
type Found = Option<(Vec<u8>, Log)>;

impl RedisStore {
    /// Deletes logs behind `after`; tells behind which to go on.
    pub(super) async fn delete_logs(
        &self,
        keys: &Keys,
        deletion: &Deletion,
        mut after: Option<(Timestamp, String)>,
        deleted: &mut Deleted,
    ) -> Result<Option<(Timestamp, String)>, Problem> {
        let sets = self.layout.shards().map(|shard| keys.log_index(shard));
        let mut walk = Walk::new(&self.reads, sets, Path::from_the_oldest(after.clone()));
        for _ in 0..LOOKS {
            let entries = walk.next(SLICE).await?;
            let Some(last) = entries.last() else { return Ok(None) };
            after = Some((last.time, last.id().to_owned()));
            let entries: Vec<Entry> = entries.into_iter().map(|entry| (entry.time, entry.member)).collect();
            let mut wanted = Vec::new();
            for (entry, found) in entries.iter().zip(self.members(keys, &entries).await?) {
                wanted.extend(found.filter(|(_, log)| deletion.is_of_log(log)).map(|found| (entry, found)));
            }
            deleted.logs += wanted.len() as u64;
            self.drop_all(wanted.iter().flat_map(|(entry, found)| removals(keys, entry, found)).collect())
                .await?;
            let of_traces = wanted.iter().filter_map(|(_, (_, log))| log.trace_id.as_ref());
            self.forget_empty(keys, of_traces.collect()).await?;
            if deleted.logs >= SLICE as u64 {
                break;
            }
        }
        Ok(after)
    }

    /// Forgets traces of which nothing is left.
    async fn forget_empty(&self, keys: &Keys, traces: BTreeSet<&TraceId>) -> Result<(), Problem> {
        let forget = |trace_id: &TraceId| {
            let trace_id = trace_id.as_str();
            let nothing = [keys.trace_logs(trace_id), keys.trace_spans(trace_id)].map(Guard::Absent);
            transaction(&nothing, vec![Command::new("DEL", keys.trace(trace_id))])
        };
        self.drop_all(traces.into_iter().map(forget).collect()).await
    }

    /// Deletes the logs of a trace that these entries are of; tells how many there were.
    pub(super) async fn delete_of_trace(
        &self,
        keys: &Keys,
        trace_id: &str,
        entries: Vec<Entry>,
    ) -> Result<u64, Problem> {
        let found = self.members(keys, &entries).await?;
        let mut removals_of_all: Vec<Request> = Vec::new();
        let mut count = 0;
        for (entry, found) in entries.iter().zip(&found) {
            if let Some(found) = found {
                removals_of_all.extend(removals(keys, entry, found));
                count += 1;
            }
        }
        if !entries.is_empty() {
            let names: Vec<&String> = entries.iter().map(|(_, entry)| entry).collect();
            removals_of_all.push(Command::new("ZREM", keys.trace_logs(trace_id)).arg(names).into());
        }
        self.drop_all(removals_of_all).await?;
        Ok(count)
    }

    /// The logs that entries are of.
    async fn members(&self, keys: &Keys, entries: &[Entry]) -> Result<Vec<Found>, Problem> {
        let instant = |(time, entry): &Entry| {
            let (id, event_type) = entry.split_once('|').unwrap_or((entry, ""));
            let logs = keys.logs(keys.shard_of(id), event_type);
            Command::new("ZRANGEBYSCORE", logs).arg(&around(*time))
        };
        let replies = self.ask_all(entries.iter().map(instant)).await;
        let mut found = Vec::with_capacity(entries.len());
        for ((time, entry), reply) in entries.iter().zip(replies) {
            let members: Vec<Vec<u8>> =
                if reply.as_ref().is_err_and(is_wrong_type) { Vec::new() } else { read(reply)? };
            let (id, event_type) = entry.split_once('|').unwrap_or((entry, ""));
            let decoded = members.into_iter().filter_map(|member| {
                let log = decode(&member, *time, event_type)?;
                Some((member, log))
            });
            found.push(decoded.into_iter().find(|(_, log)| log.id == id));
        }
        Ok(found)
    }
}

/// What deletes a log: its body first, since an entry without one is skipped.
fn removals(keys: &Keys, (_, entry): &Entry, (member, log): &(Vec<u8>, Log)) -> Vec<Request> {
    let shard = keys.shard_of(&log.id);
    let mut commands = vec![
        Command::new("ZREM", keys.logs(shard, log.event_type.as_str())).arg(member),
        Command::new("ZREM", keys.log_index(shard)).arg(entry),
    ];
    commands.extend(
        log.trace_id.as_ref().map(|id| Command::new("ZREM", keys.trace_logs(id.as_str())).arg(entry)),
    );
    commands.into_iter().map(Request::from).collect()
}
