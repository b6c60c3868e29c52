//! Going through sorted sets of several shards as if they were one, newest first.

use std::collections::{HashMap, VecDeque};

use redis::Value;

use super::{Source, position, tolerate_wrong_type, upper_end};
use crate::model::{Log, LogPosition, LogQuery, Problem, Timestamp};
use crate::store::redis::codec::{around, log::decode, score, time};
use crate::store::redis::command::{Command, Request};
use crate::store::redis::connection::{Link, read};
use crate::store::redis::keys::{Key, Keys, Shard};

/// Entries that one scan looks at.
const BUDGET: usize = 20_000;
/// Entries that one round trip asks of all shards together.
const CHUNK: usize = 1_000;

/// A scan under way.
pub(super) struct Scan<'a> {
    link: &'a Link,
    keys: &'a Keys,
    query: &'a LogQuery,
    bodies_of: Option<&'a str>,
    cursors: Vec<Cursor>,
    before: Option<LogPosition>,
}

/// What a scan found.
pub(super) struct Found {
    /// The first of them.
    pub(super) logs: Vec<Log>,
    /// How many matched.
    pub(super) matched: u64,
    /// Why it ended.
    pub(super) end: End,
}

/// Why a scan ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As many matched as were wanted.
    Enough,
    /// There is nothing more.
    Nothing,
    /// It may look no further than here.
    Budget(LogPosition),
}

/// One shard's sorted set, read in chunks.
struct Cursor {
    key: Key,
    /// The upper end of what is still to be read, as `ZREVRANGEBYSCORE` takes it; `None` when all is read.
    upper: Option<String>,
    /// What is read and not yet looked at.
    entries: VecDeque<Entry>,
}

/// An index entry, or a log.
struct Entry {
    position: LogPosition,
    event_type: String,
    log: Option<Log>,
}

impl<'a> Scan<'a> {
    /// A scan from `before`, or from the end of the window.
    pub(super) fn new(
        link: &'a Link,
        keys: &'a Keys,
        query: &'a LogQuery,
        source: &'a Source,
        before: Option<LogPosition>,
    ) -> Self {
        let is_inside = |before: &&LogPosition| query.until.is_none_or(|until| before.timestamp < until);
        let upper = match before.as_ref().filter(is_inside) {
            Some(before) => score(before.timestamp),
            None => upper_end(query),
        };
        let cursor =
            |key: &Key| Cursor { key: key.clone(), upper: Some(upper.clone()), entries: VecDeque::new() };
        let cursors = source.keys.iter().map(cursor).collect();
        Self { link, keys, query, bodies_of: source.bodies_of.as_deref(), cursors, before }
    }

    /// Looks until `wanted` logs matched, and keeps the first `keep` of them.
    pub(super) async fn run(&mut self, wanted: u64, keep: usize) -> Result<Found, Problem> {
        let mut found = Found { logs: Vec::new(), matched: 0, end: End::Nothing };
        let mut seen = 0;
        let mut chunk = usize::try_from(wanted).unwrap_or(CHUNK).clamp(16, CHUNK);
        if keep > 0 {
            chunk = chunk.min(keep.max(16) + 1);
        }
        loop {
            self.refill(chunk).await?;
            chunk = CHUNK;
            let entries = self.pop_ready((BUDGET - seen).min(CHUNK));
            let Some(last) = entries.last().map(|entry| entry.position.clone()) else {
                found.end = End::Nothing;
                return Ok(found);
            };
            seen += entries.len();
            for log in self.logs(entries).await? {
                if !self.query.matches(&log) {
                    continue;
                }
                found.matched += 1;
                if found.logs.len() < keep {
                    found.logs.push(log);
                }
                if found.matched == wanted {
                    found.end = End::Enough;
                    return Ok(found);
                }
            }
            if seen >= BUDGET {
                found.end = End::Budget(last);
                return Ok(found);
            }
        }
    }

    /// Reads on in every shard of which nothing is left to look at.
    async fn refill(&mut self, chunk: usize) -> Result<(), Problem> {
        loop {
            let dry = |cursor: &Cursor| cursor.entries.is_empty() && cursor.upper.is_some();
            let shards = self.cursors.iter().filter(|cursor| dry(cursor)).count();
            if shards == 0 {
                return Ok(());
            }
            // Twice a fair share, since shares differ.
            let count =
                if self.cursors.len() == 1 { chunk } else { (chunk * 2 / self.cursors.len()).max(16) };
            let since = score(self.query.since);
            let request = |cursor: &Cursor| -> Request {
                let upper = cursor.upper.as_deref().unwrap_or_default();
                let range = Command::new("ZREVRANGEBYSCORE", cursor.key.clone()).arg(upper).arg(&since);
                range.arg("WITHSCORES").arg(&["LIMIT", "0"]).arg(count).into()
            };
            let requests: Vec<Request> =
                self.cursors.iter().filter(|cursor| dry(cursor)).map(request).collect();
            let replies = self.link.send(&requests).await;
            for (cursor, reply) in self.cursors.iter_mut().filter(|cursor| dry(cursor)).zip(replies) {
                let members: Vec<(Vec<u8>, f64)> =
                    read(tolerate_wrong_type(reply, Value::Array(Vec::new())))?;
                let full = members.len() == count;
                let members = cursor.take_whole_instants(self.link, members, full).await?;
                cursor.entries = entries(members, self.bodies_of, self.before.as_ref());
            }
        }
    }

    /// Takes the newest entries of all shards, as far as it is known that no shard holds a newer one.
    fn pop_ready(&mut self, most: usize) -> Vec<Entry> {
        let mut taken = Vec::new();
        while taken.len() < most {
            if self.cursors.iter().any(|cursor| cursor.entries.is_empty() && cursor.upper.is_some()) {
                break;
            }
            let newest = self.cursors.iter_mut().max_by(|left, right| {
                let position = |cursor: &Cursor| cursor.entries.front().map(|entry| entry.position.clone());
                position(left).cmp(&position(right))
            });
            match newest.and_then(|cursor| cursor.entries.pop_front()) {
                Some(entry) => taken.push(entry),
                None => break,
            }
        }
        taken
    }

    /// The logs of entries, in their order. An entry without its log is of a write that did not come to its end.
    async fn logs(&self, entries: Vec<Entry>) -> Result<Vec<Log>, Problem> {
        let wanted = entries.into_iter().filter(|entry| self.query.event_type.matches(&entry.event_type));
        if self.bodies_of.is_some() {
            return Ok(wanted.filter_map(|entry| entry.log).collect());
        }
        let wanted: Vec<Entry> = wanted.collect();
        // Many logs may share an instant: it is read once, not once for each of them.
        let mut requests: Vec<Request> = Vec::new();
        let mut places: Vec<(Timestamp, &str)> = Vec::new();
        let mut known: HashMap<(Shard, Timestamp, &str), usize> = HashMap::new();
        let place_of: Vec<usize> = wanted
            .iter()
            .map(|entry| {
                let (timestamp, event_type) = (entry.position.timestamp, entry.event_type.as_str());
                let shard = self.keys.shard_of(&entry.position.id);
                *known.entry((shard, timestamp, event_type)).or_insert_with(|| {
                    let range = Command::new("ZRANGEBYSCORE", self.keys.logs(shard, event_type));
                    requests.push(range.arg(&around(timestamp)).into());
                    places.push((timestamp, event_type));
                    places.len() - 1
                })
            })
            .collect();
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: Vec<HashMap<String, Log>> = Vec::with_capacity(places.len());
        for ((timestamp, event_type), reply) in places.into_iter().zip(self.link.send(&requests).await) {
            let members: Vec<Vec<u8>> = read(tolerate_wrong_type(reply, Value::Array(Vec::new())))?;
            let logs = members.iter().filter_map(|member| decode(member, timestamp, event_type));
            found.push(logs.map(|log| (log.id.clone(), log)).collect());
        }
        let log = |(entry, place): (&Entry, usize)| found[place].remove(&entry.position.id);
        Ok(wanted.iter().zip(place_of).filter_map(log).collect())
    }
}

impl Cursor {
    /// Sees to it that a chunk ends between two instants: the order inside an instant is by id, and not the
    /// server's.
    async fn take_whole_instants(
        &mut self,
        link: &Link,
        mut members: Vec<(Vec<u8>, f64)>,
        full: bool,
    ) -> Result<Vec<(Vec<u8>, f64)>, Problem> {
        let Some(oldest) = members.last().map(|(_, score)| *score).filter(|_| full) else {
            self.upper = None;
            return Ok(members);
        };
        let at = score(time(oldest));
        let whole = members.partition_point(|(_, score)| *score > oldest);
        members.truncate(whole);
        if whole == 0 {
            // A single instant fills the chunk.
            let instant = Command::new("ZRANGEBYSCORE", self.key.clone()).arg(oldest).arg(oldest);
            members = read(link.ask(instant.arg("WITHSCORES")).await)?;
            self.upper = Some(format!("({at}"));
        } else {
            self.upper = Some(at);
        }
        Ok(members)
    }
}

/// What members are, newest first, from `before` on.
fn entries(
    members: Vec<(Vec<u8>, f64)>,
    bodies_of: Option<&str>,
    before: Option<&LogPosition>,
) -> VecDeque<Entry> {
    let entry = |(member, score): (Vec<u8>, f64)| {
        let timestamp = time(score);
        if let Some(event_type) = bodies_of {
            let log = decode(&member, timestamp, event_type)?;
            return Some(Entry {
                position: log.position(),
                event_type: event_type.to_owned(),
                log: Some(log),
            });
        }
        let member = String::from_utf8(member).ok()?;
        let (id, event_type) = member.split_once('|')?;
        Some(Entry { position: position(timestamp, id), event_type: event_type.to_owned(), log: None })
    };
    let mut entries: Vec<Entry> = members.into_iter().filter_map(entry).collect();
    entries.retain(|entry| before.is_none_or(|before| entry.position < *before));
    entries.sort_by(|left, right| right.position.cmp(&left.position));
    entries.into()
}
