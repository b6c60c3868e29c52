//! Recounting the numbers of an hour from the records, shard by shard and minute by minute.
//!
//! A hash of counts has a version that every change counts up. It is read before the records are, and what they add up
//! to replaces the hash only while the version is still that; otherwise it is counted again.

use std::collections::{BTreeMap, HashSet};

use super::RedisStore;
use super::codec::rollup::VERSION;
use super::command::{Command, Guard, transaction};
use super::connection::read;
use super::keys::{Key, Keys, Shard};
use super::walk::{Entry, Path, Walk};
use super::write::{list, recounted, tally};
use crate::model::{Code, Contribution, DimensionKind, Point, Problem, Span, Tier, Timestamp};

/// How often a hash is recounted that records keep changing.
const MAX_ATTEMPTS: usize = 20;
/// Entries that are read at once.
const CHUNK: usize = 1_000;

/// Counts by their fields.
type Counts = Vec<(String, i64)>;

impl RedisStore {
    /// Recounts the roll-ups of an hour and of its minutes.
    pub(super) async fn recount(&self, keys: &Keys, hour: Timestamp) -> Result<(), Problem> {
        let hour = Tier::Hour.start_of(hour);
        for shard in self.layout.shards() {
            for minute in minutes(hour) {
                self.recount_minute(keys, shard, minute).await?;
            }
            for kind in DimensionKind::ALL {
                self.recount_hour(keys, shard, kind, hour).await?;
            }
        }
        Ok(())
    }

    async fn recount_minute(&self, keys: &Keys, shard: Shard, minute: Timestamp) -> Result<(), Problem> {
        let hashes = DimensionKind::ALL.map(|kind| (kind, keys.rollup(shard, Tier::Minute, kind, minute)));
        for _ in 0..MAX_ATTEMPTS {
            let versions = self.versions(hashes.iter().map(|(_, key)| key)).await?;
            let mut counts = recounted(&self.given(keys, shard, minute).await?);
            let hashes = hashes.iter().zip(versions);
            let replaced =
                hashes.map(|((kind, key), version)| (key, version, counts.remove(kind).unwrap_or_default()));
            let listing = list(keys, self.ttl, shard, Tier::Minute, minute);
            if self.replace(Tier::Minute, listing, replaced.collect()).await? {
                return Ok(());
            }
        }
        Err(kept_changing(minute))
    }

    async fn recount_hour(
        &self,
        keys: &Keys,
        shard: Shard,
        kind: DimensionKind,
        hour: Timestamp,
    ) -> Result<(), Problem> {
        let key = keys.rollup(shard, Tier::Hour, kind, hour);
        for _ in 0..MAX_ATTEMPTS {
            let version = self.versions(std::iter::once(&key)).await?.pop().flatten();
            let hashes = minutes(hour).map(|minute| keys.rollup(shard, Tier::Minute, kind, minute));
            let mut sums: BTreeMap<String, i64> = BTreeMap::new();
            for reply in self.ask_all(hashes.map(|key| Command::new("HGETALL", key))).await {
                for (field, count) in read::<Counts>(reply)?.into_iter().filter(|(field, _)| field != VERSION)
                {
                    let sum = sums.entry(field).or_default();
                    *sum = sum.saturating_add(count);
                }
            }
            let listing = list(keys, self.ttl, shard, Tier::Hour, hour);
            let replaced = vec![(&key, version, sums.into_iter().collect())];
            if self.replace(Tier::Hour, listing, replaced).await? {
                return Ok(());
            }
        }
        Err(kept_changing(hour))
    }

    async fn versions(&self, hashes: impl Iterator<Item = &Key>) -> Result<Vec<Option<u64>>, Problem> {
        let version = |key: &Key| Command::new("HGET", key.clone()).arg(VERSION);
        self.ask_all(hashes.map(version)).await.into_iter().map(read).collect()
    }

    /// All that the records of a shard add to a minute.
    async fn given(
        &self,
        keys: &Keys,
        shard: Shard,
        minute: Timestamp,
    ) -> Result<Vec<Contribution>, Problem> {
        let until = minute.plus(Tier::Minute.width());
        let walk = |index| {
            let path = Path { since: minute, until, newest_first: false, after: None };
            Walk::new(&self.reads, std::iter::once(index), path)
        };
        let mut given = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        for index in [keys.span_index(shard), keys.ended_spans(shard)] {
            let mut walk = walk(index);
            loop {
                let mut entries = walk.next(CHUNK).await?;
                if entries.is_empty() {
                    break;
                }
                entries.retain(|entry| seen.insert(entry.id().to_owned()));
                for hash in self.hashes_of(keys, entries.iter().map(Entry::id)).await? {
                    given.extend(super::codec::span::counted(&hash).iter().flat_map(Span::contributions));
                }
            }
        }
        let mut points = walk(keys.points(shard));
        loop {
            let entries = points.next(CHUNK).await?;
            if entries.is_empty() {
                break;
            }
            let decoded =
                entries.iter().filter_map(|entry| super::codec::point::decode(&entry.member, entry.time));
            given.extend(decoded.filter_map(|point: Point| point.contribution()));
        }
        given.retain(|contribution| contribution.at.minute() == minute);
        Ok(given)
    }

    /// Puts counts in the place of those that hashes hold, if none of them has changed.
    async fn replace(
        &self,
        tier: Tier,
        listing: [Command; 2],
        hashes: Vec<(&Key, Option<u64>, Counts)>,
    ) -> Result<bool, Problem> {
        let mut guards = Vec::new();
        let mut commands = Vec::new();
        for (key, version, counts) in hashes {
            let held = version.map(|version| version.to_string()).unwrap_or_default();
            guards.push(Guard::Field { key: key.clone(), name: VERSION, held });
            if version.is_none() && counts.is_empty() {
                continue;
            }
            commands.push(Command::new("DEL", key.clone()));
            // It goes on counting, so that one who reads it now sees a change.
            let version = version.unwrap_or_default().saturating_add(1);
            commands.extend(tally(
                &Command::new("TALLY", key.clone()),
                self.ttl.rollup(tier),
                version,
                &counts,
            ));
        }
        if commands.is_empty() {
            return Ok(true);
        }
        commands.extend(listing);
        let word: String = read(self.reads.ask(transaction(&guards, commands)).await)?;
        Ok(word == "written")
    }
}

fn minutes(hour: Timestamp) -> impl Iterator<Item = Timestamp> {
    (0..60).map(move |minute| hour.plus(Tier::Minute.width() * minute))
}

fn kept_changing(start: Timestamp) -> Problem {
    let message = format!("the numbers of {} kept changing while they were recounted", start.to_rfc3339());
    Problem::new(Code::StorageTimeout, message).hint("recount it once its minute is over")
}
