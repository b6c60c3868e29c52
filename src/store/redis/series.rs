//! Reading series: each is the sum of what the shards hold of it.

use std::collections::BTreeMap;

use super::RedisStore;
use super::codec::span::{Fields, fields};
use super::codec::time;
use super::command::Command;
use super::connection::read;
use super::keys::Keys;
use crate::model::{Dated, Labels, MetricKind, Problem, Series, SeriesValue, Timestamp, bucket_bounds};

/// One shard's share of a series.
pub(super) struct SeriesShare {
    /// What its points add up to.
    pub(super) value: SeriesValue,
    /// When a gauge was set.
    pub(super) time: i64,
}

impl RedisStore {
    /// Every series with the time of its last point, ordered by name and labels.
    pub(super) async fn all_series(&self, keys: &Keys) -> Result<Vec<Dated>, Problem> {
        let shards: Vec<_> = self.layout.shards().collect();
        let index =
            |shard: &_| Command::new("ZRANGE", keys.series_index(*shard)).arg(&["0", "-1", "WITHSCORES"]);
        let mut hashes = Vec::new();
        for (shard, reply) in shards.iter().zip(self.ask_all(shards.iter().map(index)).await) {
            let members: Vec<(String, f64)> = read(reply)?;
            hashes.extend(members.into_iter().map(|(id, last)| (keys.series(*shard, &id), time(last))));
        }
        let whole = hashes.iter().map(|(key, _)| Command::new("HGETALL", key.clone()));
        let replies = self.ask_all(whole).await;
        let mut series: BTreeMap<(String, Labels), (SeriesShare, Timestamp)> = BTreeMap::new();
        for ((_, last), reply) in hashes.iter().zip(replies) {
            let Some((name, labels, share)) = SeriesShare::decode(&fields(reply?)) else { continue };
            let place = (name, labels);
            let whole = match series.remove(&place) {
                Some((other, time)) => (other.plus(share), time.max(*last)),
                None => (share, *last),
            };
            series.insert(place, whole);
        }
        let series = series.into_iter();
        Ok(series
            .map(|((name, labels), (share, last))| (Series { name, labels, value: share.value }, last))
            .collect())
    }
}

impl SeriesShare {
    /// The name, the labels and the share that a hash is.
    pub(super) fn decode(hash: &Fields) -> Option<(String, Labels, Self)> {
        let name = hash.get("name")?.clone();
        let labels = serde_json::from_str(hash.get("labels")?).ok()?;
        let number = |field: &str| hash.get(field).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        let value = match MetricKind::parse("kind", hash.get("kind")?).ok()? {
            MetricKind::Counter => SeriesValue::Counter(number("sum")),
            MetricKind::Gauge => SeriesValue::Gauge(number("value")),
            MetricKind::Histogram => {
                let count = |bucket| hash.get(&format!("b{bucket}")).and_then(|text| text.parse().ok());
                let buckets =
                    (0..=bucket_bounds(&name).len()).map(|bucket| count(bucket).unwrap_or(0)).collect();
                SeriesValue::Histogram { buckets, sum: number("sum") }
            }
        };
        let time = hash.get("time").and_then(|text| text.parse().ok()).unwrap_or(i64::MIN);
        Some((name, labels, Self { value, time }))
    }

    /// Both together: of a gauge, the newer one.
    pub(super) fn plus(self, other: Self) -> Self {
        let time = self.time.max(other.time);
        let value = match (self.value, other.value) {
            (SeriesValue::Counter(one), SeriesValue::Counter(two)) => SeriesValue::Counter(one + two),
            (
                SeriesValue::Histogram { mut buckets, sum: one },
                SeriesValue::Histogram { buckets: others, sum: two },
            ) => {
                buckets.iter_mut().zip(others).for_each(|(count, other)| *count += other);
                SeriesValue::Histogram { buckets, sum: one + two }
            }
            // Shares of one series are of one kind; after a kind was given up, the newer one is right.
            (one, two) => {
                if self.time > other.time {
                    one
                } else {
                    two
                }
            }
        };
        Self { value, time }
    }
}
