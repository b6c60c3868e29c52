//! Reading the numbers: sums over the hashes of many minutes or hours.

use std::collections::{BTreeMap, HashMap};

use super::RedisStore;
use super::codec::span::fields;
use super::codec::{rollup, score};
use super::command::Command;
use super::connection::read;
use super::keys::{Key, Keys};
use crate::model::{ErrorGroup, Problem, Rollup, RollupQuery, SpanId, Tally, Timestamp, TraceId};

/// Hashes that are read at once, so that a long window takes no more memory than its answer and these.
const CHUNK: usize = 512;

impl RedisStore {
    /// Sums of roll-ups, by bin, agent and dimension.
    pub(super) async fn sums(&self, keys: &Keys, query: &RollupQuery) -> Result<Vec<Rollup>, Problem> {
        let mut bins: BTreeMap<Timestamp, HashMap<String, Tally>> = BTreeMap::new();
        let hashes = self.hashes(keys, query).await?;
        for chunk in hashes.chunks(CHUNK) {
            let whole = |(_, key): &(Timestamp, Key)| Command::new("HGETALL", key.clone());
            for ((start, _), reply) in chunk.iter().zip(self.ask_all(chunk.iter().map(whole)).await) {
                let counts: Vec<(String, i64)> = read(reply)?;
                add(bins.entry(query.bin_of(*start)).or_default(), &counts, query.agent.as_deref());
            }
        }
        let mut rollups = Vec::new();
        for (bin, places) in bins {
            let sums = places.into_iter().filter(|(_, tally)| !tally.is_zero());
            let first = rollups.len();
            rollups.extend(sums.filter_map(|(place, tally)| {
                let (agent, dimension) = rollup::read_place(query.dimension, &place)?;
                Some(Rollup { bin, agent, dimension, tally })
            }));
            rollups[first..]
                .sort_by(|one, other| (&one.agent, &one.dimension).cmp(&(&other.agent, &other.dimension)));
        }
        Ok(rollups)
    }

    /// The hashes of the window that there are, each with the time that it is of.
    async fn hashes(&self, keys: &Keys, query: &RollupQuery) -> Result<Vec<(Timestamp, Key)>, Problem> {
        let (since, until) = (score(query.tier.start_of(query.since)), format!("({}", score(query.until)));
        let starts = |shard| {
            Command::new("ZRANGEBYSCORE", keys.rollup_index(shard, query.tier)).arg(&since).arg(&until)
        };
        let mut hashes = Vec::new();
        for (shard, reply) in keys.shards().zip(self.ask_all(keys.shards().map(starts)).await) {
            hashes.extend(read::<Vec<i64>>(reply)?.into_iter().map(|seconds| {
                let start = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
                (start, keys.rollup(shard, query.tier, query.dimension, start))
            }));
        }
        Ok(hashes)
    }

    /// What is known of failures besides their counts.
    pub(super) async fn failures(
        &self,
        keys: &Keys,
        fingerprints: &[String],
    ) -> Result<Vec<ErrorGroup>, Problem> {
        let whole =
            fingerprints.iter().map(|fingerprint| Command::new("HGETALL", keys.error_group(fingerprint)));
        let mut groups = Vec::new();
        for (fingerprint, reply) in fingerprints.iter().zip(self.ask_all(whole).await) {
            let mut hash = fields(reply?);
            let first_seen = hash.get("first_seen").and_then(|told| told.split('|').next()?.parse().ok());
            let last_seen = hash.get("last_seen").and_then(|time| time.parse().ok());
            let mut text = |name: &str| hash.remove(name).unwrap_or_default();
            let (Some(first_seen), Some(last_seen)) = (first_seen, last_seen) else { continue };
            groups.push(ErrorGroup {
                fingerprint: fingerprint.clone(),
                kind: text("kind"),
                step: text("step"),
                message: text("message"),
                first_seen: Timestamp::from_micros(first_seen),
                last_seen: Timestamp::from_micros(last_seen),
                sample_trace_id: TraceId::stored(text("sample_trace_id")),
                sample_span_id: SpanId::stored(text("sample_span_id")),
                sample_message: text("sample_message"),
            });
        }
        Ok(groups)
    }
}

/// Adds the counts of a hash, by the place that they belong to.
fn add(places: &mut HashMap<String, Tally>, counts: &[(String, i64)], agent: Option<&str>) {
    for (field, count) in counts {
        let Some((counted, place)) = rollup::split(field) else { continue };
        if let Some(tally) = places.get_mut(place) {
            rollup::add(tally, counted, *count);
        } else if agent.is_none_or(|agent| rollup::is_of(place, agent)) {
            rollup::add(places.entry(place.to_owned()).or_default(), counted, *count);
        }
    }
}
