//! Retention: deleting what is older than it is kept, a little at a time.
//!
//! Keys vanish by themselves where nothing touches them; this is for what is old inside living ones.

use std::collections::BTreeMap;
use std::time::Duration;

use super::RedisStore;
use super::codec::{score, time};
use super::command::{Command, Request, transaction};
use super::connection::read;
use super::keys::{Key, Keys, Shard};
use crate::model::{DimensionKind, Problem, Tier, Timestamp};
use crate::store::Expired;

/// Members of one kind that one call deletes in a project.
const SLICE: usize = 1_000;

impl RedisStore {
    /// Deletes a bounded slice of what is older than its retention, in all projects.
    pub(super) async fn expire_slice(&self, now: Timestamp) -> Result<Expired, Problem> {
        let projects = self.all_projects().await?;
        let mut expired = Expired::default();
        for project in projects {
            let keys = self.layout.project(&project);
            self.expire_logs(&keys, now, &mut expired).await?;
            self.expire_spans(&keys, now, &mut expired).await?;
            self.expire_series(&keys, now, &mut expired).await?;
            self.expire_entries(&keys, now).await?;
            for tier in Tier::ALL {
                self.expire_rollups(&keys, now, tier, &mut expired).await?;
            }
            self.expire_failures(&keys, now, &mut expired).await?;
            self.move_open_roots(&keys).await?;
        }
        Ok(expired)
    }

    async fn expire_logs(&self, keys: &Keys, now: Timestamp, expired: &mut Expired) -> Result<(), Problem> {
        let slices = self.oldest(|shard| keys.log_index(shard), now, self.retention.logs, expired).await?;
        let mut deletions: Vec<Request> = Vec::new();
        for (shard, members) in slices {
            let mut last: BTreeMap<&str, f64> = BTreeMap::new();
            for (member, score) in &members {
                let (_, event_type) = member.split_once('|').unwrap_or_default();
                last.insert(event_type, *score);
            }
            // Bodies first: an entry without its body is skipped, a body without its entry would stay.
            for (event_type, until) in last {
                let logs = keys.logs(shard, event_type);
                deletions.push(Command::new("ZREMRANGEBYSCORE", logs).arg("-inf").arg(until).into());
            }
            let members: Vec<&String> = members.iter().map(|(member, _)| member).collect();
            deletions.push(Command::new("ZREM", keys.log_index(shard)).arg(members).into());
        }
        self.drop_all(deletions).await
    }

    async fn expire_spans(&self, keys: &Keys, now: Timestamp, expired: &mut Expired) -> Result<(), Problem> {
        let slices = self.oldest(|shard| keys.span_index(shard), now, self.retention.traces, expired).await?;
        let mut deletions: Vec<Request> = Vec::new();
        for (shard, members) in slices {
            for (member, _) in &members {
                let Some((span_id, trace_id)) = member.split_once('|') else { continue };
                deletions.push(Command::new("DEL", keys.span(span_id)).into());
                deletions.push(Command::new("SREM", keys.trace_spans(trace_id)).arg(span_id).into());
            }
            let members: Vec<&String> = members.iter().map(|(member, _)| member).collect();
            let others = [keys.open_spans(shard), keys.ended_spans(shard), keys.orphans(shard)];
            for index in others.into_iter().chain([keys.span_index(shard)]) {
                deletions.push(Command::new("ZREM", index).arg(&members).into());
            }
        }
        self.drop_all(deletions).await
    }

    async fn expire_rollups(
        &self,
        keys: &Keys,
        now: Timestamp,
        tier: Tier,
        expired: &mut Expired,
    ) -> Result<(), Problem> {
        let kept = Duration::from_secs(self.ttl.rollup(tier));
        let slices = self.oldest(|shard| keys.rollup_index(shard, tier), now, kept, expired).await?;
        let mut deletions: Vec<Request> = Vec::new();
        for (shard, members) in slices {
            for (_, start) in &members {
                let hash = |kind| Command::new("DEL", keys.rollup(shard, tier, kind, time(*start))).into();
                deletions.extend(DimensionKind::ALL.map(hash));
            }
            let members: Vec<&String> = members.iter().map(|(member, _)| member).collect();
            deletions.push(Command::new("ZREM", keys.rollup_index(shard, tier)).arg(members).into());
        }
        self.drop_all(deletions).await
    }

    /// Forgets failures of which none is counted any more.
    async fn expire_failures(
        &self,
        keys: &Keys,
        now: Timestamp,
        expired: &mut Expired,
    ) -> Result<(), Problem> {
        let kept = self.retention.rollups;
        let slices = self.oldest(|shard| keys.error_index(shard), now, kept, expired).await?;
        let mut deletions: Vec<Request> = Vec::new();
        for (shard, members) in slices {
            let members: Vec<&String> = members.iter().map(|(member, _)| member).collect();
            deletions.extend(members.iter().map(|name| Command::new("DEL", keys.error_group(name)).into()));
            let counts = self.layout.shards();
            deletions
                .extend(counts.map(|shard| Command::new("HDEL", keys.failures(shard)).arg(&members).into()));
            deletions.push(Command::new("ZREM", keys.error_index(shard)).arg(members).into());
        }
        self.drop_all(deletions).await
    }

    /// Takes out what no longer has a record: traces that began too long ago, and points. Shares of traces vanish by
    /// themselves.
    async fn expire_entries(&self, keys: &Keys, now: Timestamp) -> Result<(), Problem> {
        let until = |kept| format!("({}", score(now.minus(kept)));
        let trim = |index, kept| Command::new("ZREMRANGEBYSCORE", index).arg("-inf").arg(until(kept)).into();
        let of_shard = |shard| {
            [trim(keys.traces(shard), self.retention.traces), trim(keys.points(shard), self.retention.series)]
        };
        self.drop_all(self.layout.shards().flat_map(of_shard).collect()).await
    }

    /// Brings the roots in progress of an older watchglass to where all spans in progress stand.
    async fn move_open_roots(&self, keys: &Keys) -> Result<(), Problem> {
        let shards: Vec<Shard> = self.layout.shards().collect();
        let held = |shard: &Shard| Command::new("EXISTS", keys.open_roots(*shard));
        let replies = self.ask_all(shards.iter().map(held)).await;
        let mut moves: Vec<Request> = Vec::new();
        for (shard, reply) in shards.into_iter().zip(replies) {
            let (open, roots) = (keys.open_spans(shard), keys.open_roots(shard));
            if read::<bool>(reply)? {
                let both = Command::new("ZUNIONSTORE", open.clone()).arg(2).arg(&[&open.name, &roots.name]);
                let commands =
                    vec![both, Command::new("EXPIRE", open).arg(self.ttl.traces), Command::new("DEL", roots)];
                moves.push(transaction(&[], commands));
            }
        }
        self.drop_all(moves).await
    }

    /// Forgets series without points for long. By time and not by name, so that a point that arrives
    /// meanwhile keeps its series; the hashes vanish by themselves.
    async fn expire_series(&self, keys: &Keys, now: Timestamp, expired: &mut Expired) -> Result<(), Problem> {
        let until = format!("({}", score(now.minus(self.retention.series)));
        let forget =
            |shard| Command::new("ZREMRANGEBYSCORE", keys.series_index(shard)).arg("-inf").arg(&until);
        for reply in self.ask_all(self.layout.shards().map(forget)).await {
            expired.deleted += read::<u64>(reply)?;
        }
        Ok(())
    }

    /// The oldest members of an index that are past their time, shard by shard.
    async fn oldest(
        &self,
        index: impl Fn(Shard) -> Key,
        now: Timestamp,
        kept: Duration,
        expired: &mut Expired,
    ) -> Result<Vec<(Shard, Vec<(String, f64)>)>, Problem> {
        let share = SLICE / self.layout.shard_count();
        let until = format!("({}", score(now.minus(kept)));
        let slice = |shard| {
            let range = Command::new("ZRANGEBYSCORE", index(shard)).arg("-inf").arg(&until);
            range.arg("WITHSCORES").arg(&["LIMIT", "0"]).arg(share)
        };
        let replies = self.ask_all(self.layout.shards().map(slice)).await;
        let mut slices = Vec::new();
        for (shard, reply) in self.layout.shards().zip(replies) {
            let members: Vec<(String, f64)> = read(reply)?;
            expired.more |= members.len() == share;
            expired.deleted += members.len() as u64;
            if !members.is_empty() {
                slices.push((shard, members));
            }
        }
        Ok(slices)
    }

    /// Sends requests whose replies say nothing.
    pub(super) async fn drop_all(&self, requests: Vec<Request>) -> Result<(), Problem> {
        self.send_all(&requests).await.into_iter().try_for_each(|reply| reply.map(drop))
    }
}
