//! Going through the sorted sets of several shards as if they were one, in either direction.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::codec::{around, score, time};
use super::command::{Command, Request};
use super::connection::{Link, read};
use super::keys::Key;
use crate::model::{Problem, Timestamp};

/// Entries that one round trip asks of all shards together.
const CHUNK: usize = 1_000;

/// Where to go, and which way.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// From this instant on.
    pub(super) since: Timestamp,
    /// To this instant, which is left out.
    pub(super) until: Timestamp,
    /// From the end to the beginning.
    pub(super) newest_first: bool,
    /// Behind this entry, by its time and id.
    pub(super) after: Option<(Timestamp, String)>,
}

/// A walk under way.
pub(super) struct Walk<'a> {
    link: &'a Link,
    path: Path,
    cursors: Vec<Cursor>,
}

/// An entry that the walk has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its score.
    pub(super) time: Timestamp,
    /// All of it.
    pub(super) member: String,
}

/// One shard's set, read in chunks.
struct Cursor {
    key: Key,
    /// Where to read on, as a range takes it; `None` when all is read.
    edge: Option<String>,
    /// What is read and not yet passed.
    entries: VecDeque<Entry>,
}

impl Entry {
    /// What orders entries of one time: the id that the member begins with.
    pub(super) fn id(&self) -> &str {
        self.rest().0
    }

    /// The id, and what follows it.
    pub(super) fn rest(&self) -> (&str, &str) {
        self.member.split_once('|').unwrap_or((&self.member, ""))
    }
}

impl Path {
    /// The way over everything behind an entry.
    pub(super) const fn from_the_oldest(after: Option<(Timestamp, String)>) -> Self {
        let (since, until) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
        Self { since, until, newest_first: false, after }
    }

    fn holds(&self, entry: &Entry) -> bool {
        let is_behind =
            |(time, id): &(Timestamp, String)| self.order((entry.time, entry.id()), (*time, id)).is_gt();
        self.since <= entry.time && entry.time < self.until && self.after.as_ref().is_none_or(is_behind)
    }

    fn order(&self, one: (Timestamp, &str), other: (Timestamp, &str)) -> Ordering {
        let order = one.cmp(&other);
        if self.newest_first { order.reverse() } else { order }
    }

    /// The end that the walk begins at.
    fn edge(&self) -> String {
        match (&self.after, self.newest_first) {
            (Some((time, _)), true) if *time < self.until => self.first_of(*time),
            (_, true) => format!("({}", score(self.until)),
            (Some((time, _)), false) if *time > self.since => self.first_of(*time),
            (_, false) => score(self.since),
        }
    }

    /// The near end of the scores that tell this time.
    fn first_of(&self, time: Timestamp) -> String {
        let [low, high] = around(time);
        if self.newest_first { high } else { low }
    }

    /// What lies behind all scores that tell this time.
    fn behind(&self, time: Timestamp) -> String {
        let [low, high] = around(time);
        format!("({}", if self.newest_first { low } else { high })
    }

    /// What reads on from `edge`.
    fn range(&self, key: Key, edge: &str) -> Command {
        if self.newest_first {
            Command::new("ZREVRANGEBYSCORE", key).arg(edge).arg(score(self.since)).arg("WITHSCORES")
        } else {
            let until = format!("({}", score(self.until));
            Command::new("ZRANGEBYSCORE", key).arg(edge).arg(until).arg("WITHSCORES")
        }
    }
}

impl<'a> Walk<'a> {
    /// A walk over these sets.
    pub(super) fn new(link: &'a Link, sets: impl Iterator<Item = Key>, path: Path) -> Self {
        let edge = path.edge();
        let cursor = |key| Cursor { key, edge: Some(edge.clone()), entries: VecDeque::new() };
        Self { link, cursors: sets.map(cursor).collect(), path }
    }

    /// The next entries, at most so many; fewer only at the end.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<Entry>, Problem> {
        let mut taken = Vec::new();
        while taken.len() < most {
            self.refill((most - taken.len()).min(CHUNK)).await?;
            let before = taken.len();
            self.take_ready(most, &mut taken);
            if taken.len() == before {
                break;
            }
        }
        Ok(taken)
    }

    /// Reads on in every shard of which nothing is left to pass.
    async fn refill(&mut self, chunk: usize) -> Result<(), Problem> {
        // Twice a fair share, since shares differ.
        let count = (chunk * 2 / self.cursors.len().max(2)).max(16) + 1;
        loop {
            let requests: Vec<Request> = self
                .cursors
                .iter()
                .filter_map(|cursor| {
                    Some((cursor, cursor.edge.as_ref().filter(|_| cursor.entries.is_empty())?))
                })
                .map(|(cursor, edge)| self.path.range(cursor.key.clone(), edge))
                .map(|range| range.arg(&["LIMIT", "0"]).arg(count).into())
                .collect();
            if requests.is_empty() {
                return Ok(());
            }
            let mut replies = self.link.send(&requests).await.into_iter();
            for cursor in self.cursors.iter_mut().filter(|cursor| cursor.is_dry()) {
                let members: Vec<(String, f64)> = replies.next().map_or(Ok(Vec::new()), read)?;
                let full = members.len() == count;
                cursor.take(self.link, &self.path, members, full).await?;
            }
        }
    }

    /// Passes what is known to come before all that is still to be read.
    fn take_ready(&mut self, most: usize, taken: &mut Vec<Entry>) {
        while taken.len() < most && !self.cursors.iter().any(Cursor::is_dry) {
            let first =
                self.cursors.iter_mut().filter(|cursor| !cursor.entries.is_empty()).min_by(|one, other| {
                    let place = |cursor: &Cursor| {
                        cursor.entries.front().map(|entry| (entry.time, entry.id().to_owned()))
                    };
                    match (place(one), place(other)) {
                        (Some(one), Some(other)) => self.path.order((one.0, &one.1), (other.0, &other.1)),
                        (one, other) => one.cmp(&other),
                    }
                });
            match first.and_then(|cursor| cursor.entries.pop_front()) {
                Some(entry) => taken.push(entry),
                None => break,
            }
        }
    }
}

impl Cursor {
    fn is_dry(&self) -> bool {
        self.entries.is_empty() && self.edge.is_some()
    }

    /// Takes what was read as far as it holds whole instants: the order inside one is by id, and not the server's.
    async fn take(
        &mut self,
        link: &Link,
        path: &Path,
        mut members: Vec<(String, f64)>,
        full: bool,
    ) -> Result<(), Problem> {
        self.edge = match members.last().map(|(_, score)| time(*score)).filter(|_| full) {
            None => None,
            Some(last) => {
                let whole = members.partition_point(|(_, score)| time(*score) != last);
                members.truncate(whole);
                if whole == 0 {
                    // A single instant fills the chunk.
                    let instant = Command::new("ZRANGEBYSCORE", self.key.clone()).arg(&around(last));
                    members = read(link.ask(instant.arg("WITHSCORES")).await)?;
                    Some(path.behind(last))
                } else {
                    Some(path.first_of(last))
                }
            }
        };
        let entry = |(member, score): (String, f64)| Entry { time: time(score), member };
        let mut entries: Vec<Entry> =
            members.into_iter().map(entry).filter(|entry| path.holds(entry)).collect();
        entries.sort_by(|one, other| path.order((one.time, one.id()), (other.time, other.id())));
        self.entries = entries.into();
        Ok(())
    }
}
