//! Reading series through time: for each an hour is a hash, with fields for each of its minutes.

use std::collections::{BTreeMap, HashMap};

use super::RedisStore;
use super::codec::span::{Fields, fields};
use super::codec::time;
use super::command::Command;
use super::connection::read;
use super::keys::{Keys, Shard};
use super::series::SeriesShare;
use super::write::series_id;
use crate::model::{
    Labels, MetricKind, Problem, Series, SeriesBin, SeriesHistory, SeriesQuery, Tier, Timestamp,
    bucket_bounds,
};

/// Hashes that are read at once.
const CHUNK: usize = 512;

/// A share of a series that has points in the window.
struct Share {
    shard: Shard,
    id: String,
    labels: Labels,
    kind: MetricKind,
    /// When its last point was taken.
    last: Timestamp,
}

/// A bin, and when its last point was taken.
struct Bin {
    sum: SeriesBin,
    last_time: i64,
}

impl RedisStore {
    /// The series of one metric through time.
    pub(super) async fn histories(
        &self,
        keys: &Keys,
        query: &SeriesQuery,
    ) -> Result<Vec<SeriesHistory>, Problem> {
        let mut series: BTreeMap<Labels, (MetricKind, BTreeMap<Timestamp, Bin>)> = BTreeMap::new();
        let shares = self.shares(keys, query).await?;
        let of_share = |index: usize| hours(query, &shares[index]).map(move |hour| (index, hour));
        let mut hashes = (0..shares.len()).flat_map(of_share).peekable();
        while hashes.peek().is_some() {
            let asked: Vec<(&Share, Timestamp)> =
                hashes.by_ref().take(CHUNK).map(|(index, hour)| (&shares[index], hour)).collect();
            let whole = |(share, hour): &(&Share, Timestamp)| {
                Command::new("HGETALL", keys.series_hour(share.shard, &share.id, *hour))
            };
            let replies = self.ask_all(asked.iter().map(whole)).await;
            for ((share, hour), reply) in asked.into_iter().zip(replies) {
                let hash = fields(reply?);
                let (_, bins) =
                    series.entry(share.labels.clone()).or_insert_with(|| (share.kind, BTreeMap::new()));
                add(bins, query, share.kind, hour, &hash);
            }
        }
        let histories = series.into_iter().filter(|(_, (_, bins))| !bins.is_empty());
        Ok(histories
            .map(|(labels, (kind, bins))| SeriesHistory {
                labels,
                kind,
                bins: bins.into_values().map(|bin| bin.sum).collect(),
            })
            .collect())
    }

    /// The shares of the metric's series that have been added to since the window began.
    async fn shares(&self, keys: &Keys, query: &SeriesQuery) -> Result<Vec<Share>, Problem> {
        let admitted = Command::new("ZRANGE", keys.metric_series(&query.name)).arg(&["0", "-1"]);
        let mut ids: Vec<String> = read(self.reads.ask(admitted).await)?;
        // What the limits did not let in shares one that they did not either.
        ids.push(series_id(&query.name, &Series::overflow_labels()));
        let last = |shard| Command::new("ZMSCORE", keys.series_index(shard)).arg(&ids);
        let mut held: Vec<(Shard, &String, Timestamp)> = Vec::new();
        for (shard, reply) in keys.shards().zip(self.ask_all(keys.shards().map(last)).await) {
            let scores: Vec<Option<f64>> = read(reply)?;
            let scores = ids.iter().zip(scores).filter_map(|(id, score)| Some((shard, id, time(score?))));
            held.extend(scores.filter(|(_, _, last)| query.since.minute() <= *last));
        }
        let whole = held.iter().map(|(shard, id, _)| Command::new("HGETALL", keys.series(*shard, id)));
        let replies = self.ask_all(whole).await;
        let mut shares = Vec::new();
        for ((shard, id, last), reply) in held.into_iter().zip(replies) {
            if let Some((_, labels, share)) = SeriesShare::decode(&fields(reply?)) {
                shares.push(Share { shard, id: id.clone(), labels, kind: share.value.kind(), last });
            }
        }
        Ok(shares)
    }
}

/// The hours of the window in which the share may have points.
fn hours(query: &SeriesQuery, share: &Share) -> impl Iterator<Item = Timestamp> + use<> {
    let first = Tier::Hour.start_of(query.since);
    let (until, last) = (query.until, share.last);
    let hours = std::iter::successors(Some(first), |hour| Some(hour.plus(Tier::Hour.width())));
    hours.take_while(move |hour| *hour < until && *hour <= last)
}

/// Adds an hour's minutes to the bins that they belong to.
fn add(
    bins: &mut BTreeMap<Timestamp, Bin>,
    query: &SeriesQuery,
    kind: MetricKind,
    hour: Timestamp,
    hash: &Fields,
) {
    let mut minutes: HashMap<u32, Vec<(&str, &str)>> = HashMap::new();
    for (field, value) in hash {
        if let Some((minute, name)) = field.split_once(':') {
            minutes.entry(minute.parse().unwrap_or(u32::MAX)).or_default().push((name, value));
        }
    }
    for (minute, told) in minutes {
        let start = hour.plus(Tier::Minute.width() * minute);
        if start < query.since.minute() || start >= query.until {
            continue;
        }
        let bin = bins.entry(start.floor(query.bin)).or_insert_with(|| Bin::new(query, kind, start));
        bin.add(&told.into_iter().collect());
    }
}

impl Bin {
    fn new(query: &SeriesQuery, kind: MetricKind, start: Timestamp) -> Self {
        let buckets = match kind {
            MetricKind::Histogram => vec![0; bucket_bounds(&query.name).len() + 1],
            MetricKind::Counter | MetricKind::Gauge => Vec::new(),
        };
        let sum = SeriesBin { start: start.floor(query.bin), count: 0, sum: 0.0, last: 0.0, buckets };
        Self { sum, last_time: i64::MIN }
    }

    fn add(&mut self, told: &HashMap<&str, &str>) {
        let text = |name: &str| told.get(name).copied().unwrap_or_default();
        self.sum.count += text("count").parse::<u64>().unwrap_or(0);
        self.sum.sum += text("sum").parse::<f64>().unwrap_or(0.0);
        let time = text("time").parse().unwrap_or(i64::MIN);
        if time >= self.last_time {
            self.last_time = time;
            self.sum.last = text("last").parse().unwrap_or(0.0);
        }
        for (bucket, count) in self.sum.buckets.iter_mut().enumerate() {
            *count += text(&format!("b{bucket}")).parse::<u64>().unwrap_or(0);
        }
    }
}
