//! Reading series: each is the sum of what the shards hold of it.

use std::collections::BTreeMap;

use super::RedisStore;
use super::codec::span::{Fields, fields};
use super::command::Command;
use super::connection::read;
use super::keys::Keys;
use crate::model::{Labels, MetricKind, Problem, Series, SeriesValue, bucket_bounds};

/// One shard's share of a series.
struct Share {
    value: SeriesValue,
    /// When a gauge was set.
    time: i64,
}

impl RedisStore {
    /// Every series, ordered by name and labels.
    pub(super) async fn all_series(&self, keys: &Keys) -> Result<Vec<Series>, Problem> {
        let shards: Vec<_> = self.layout.shards().collect();
        let index = |shard: &_| Command::new("ZRANGE", keys.series_index(*shard)).arg(0).arg(-1);
        let mut hashes = Vec::new();
        for (shard, reply) in shards.iter().zip(self.ask_all(shards.iter().map(index)).await) {
            let ids: Vec<String> = read(reply)?;
            hashes.extend(ids.into_iter().map(|id| keys.series(*shard, &id)));
        }
        let whole = hashes.into_iter().map(|key| Command::new("HGETALL", key));
        let mut series: BTreeMap<(String, Labels), Share> = BTreeMap::new();
        for reply in self.ask_all(whole).await {
            let Some((name, labels, share)) = share(&fields(reply?)) else { continue };
            let place = (name, labels);
            match series.remove(&place) {
                Some(other) => series.insert(place, other.plus(share)),
                None => series.insert(place, share),
            };
        }
        let series = series.into_iter();
        Ok(series.map(|((name, labels), share)| Series { name, labels, value: share.value }).collect())
    }
}

fn share(hash: &Fields) -> Option<(String, Labels, Share)> {
    let name = hash.get("name")?.clone();
    let labels = serde_json::from_str(hash.get("labels")?).ok()?;
    let number = |field: &str| hash.get(field).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let value = match MetricKind::parse("kind", hash.get("kind")?).ok()? {
        MetricKind::Counter => SeriesValue::Counter(number("sum")),
        MetricKind::Gauge => SeriesValue::Gauge(number("value")),
        MetricKind::Histogram => {
            let count = |bucket| hash.get(&format!("b{bucket}")).and_then(|text| text.parse().ok());
            let buckets = (0..=bucket_bounds(&name).len()).map(|bucket| count(bucket).unwrap_or(0)).collect();
            SeriesValue::Histogram { buckets, sum: number("sum") }
        }
    };
    let time = hash.get("time").and_then(|text| text.parse().ok()).unwrap_or(i64::MIN);
    Some((name, labels, Share { value, time }))
}

impl Share {
    /// Both together: of a gauge, the newer one.
    fn plus(self, other: Self) -> Self {
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
