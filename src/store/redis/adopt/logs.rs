//! Logs of the scripts: members of `logs:{event_type}` without our mark.
//!
//! Scripts write at any score: one on a machine whose time zone is not UTC is hours off. So what is new can't be
//! told by its time. Each set is kept account of in segments of at most [`CHUNK`] members; where the number of
//! members in a segment is not what it was, that segment is read again.

use std::collections::{HashMap, VecDeque};

use super::of_one;
use crate::model::{Log, Problem, Timestamp};
use crate::store::redis::RedisStore;
use crate::store::redis::codec::log::{MARKED_END, decode, index_member};
use crate::store::redis::codec::time;
use crate::store::redis::command::{Command, Request, Script, transaction};
use crate::store::redis::connection::read;
use crate::store::redis::error::is_wrong_type;
use crate::store::redis::keys::{Key, Keys};
use crate::store::redis::write::trace_entries;

/// Logs that a slice reads.
pub(super) const CHUNK: usize = 500;

static UNMARKED: Script = Script::new(include_str!("unmarked.lua"));

/// What is known of the sets of logs, and what of them is to be read.
#[derive(Debug, Default)]
pub(super) struct Logs {
    sets: HashMap<String, Set>,
    unread: VecDeque<Range>,
}

/// One set, as it was when it was last read.
#[derive(Debug)]
struct Set {
    /// The number of its members, their first and their last score.
    stamp: String,
    /// By score; each reaches to the next, the last one to the end.
    segments: Vec<Segment>,
    /// Ranges of it that are to be read.
    unread: usize,
    /// Whether this round has come by it.
    seen: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Segment {
    from: f64,
    count: u64,
}

/// A part of a set that is to be read, from its newest member on.
#[derive(Debug, Clone)]
struct Range {
    event_type: String,
    from: f64,
    /// Not included, but for infinity.
    to: f64,
    /// Members at the upper end that have been read, where many share one score.
    passed: usize,
}

/// What was read of a range.
#[derive(Debug)]
struct Chunk {
    count: usize,
    /// Of these, those above the lowest score.
    above: usize,
    lowest: f64,
    unmarked: Vec<(Vec<u8>, f64)>,
}

impl Default for Set {
    fn default() -> Self {
        let all = Segment { from: f64::NEG_INFINITY, count: 0 };
        Self { stamp: String::new(), segments: vec![all], unread: 0, seen: true }
    }
}

impl Set {
    /// The segments with their ends.
    fn ranges(&self) -> impl Iterator<Item = (Segment, f64)> {
        let ends = self.segments.iter().skip(1).map(|segment| segment.from).chain([f64::INFINITY]);
        self.segments.iter().copied().zip(ends)
    }

    /// Notes how many members lie between `from` and the next segment.
    fn settle(&mut self, from: f64, count: u64) {
        match self.segments.binary_search_by(|segment| segment.from.total_cmp(&from)) {
            // Without members it is one with the segment before it.
            Ok(index) if count == 0 && index > 0 => drop(self.segments.remove(index)),
            Ok(index) => self.segments[index].count = count,
            Err(index) => self.segments.insert(index, Segment { from, count }),
        }
    }
}

impl Logs {
    /// Whether there are logs to read.
    pub(super) fn are_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Forgets sets that a whole round has not come by.
    pub(super) fn forget_unseen(&mut self) {
        self.sets.retain(|_, set| std::mem::take(&mut set.seen) || set.unread > 0);
    }

    /// Takes note of what was read of the first range.
    fn advance(&mut self, chunk: &Chunk) {
        let Some(range) = self.unread.pop_front() else { return };
        let set = self.sets.entry(range.event_type.clone()).or_default();
        if chunk.count < CHUNK {
            set.settle(range.from, (range.passed + chunk.count) as u64);
            set.unread = set.unread.saturating_sub(1);
        } else if chunk.above == 0 {
            // One instant fills the chunk.
            self.unread.push_back(Range { passed: range.passed + chunk.count, ..range });
        } else {
            // At the lowest score there may be more, so it belongs to what is still to be read.
            let to = chunk.lowest.next_up();
            set.settle(to, (range.passed + chunk.above) as u64);
            self.unread.push_back(Range { to, passed: 0, ..range });
        }
    }
}

impl RedisStore {
    /// Finds out which parts of the sets have changed.
    pub(super) async fn compare_logs(
        &self,
        logs: &mut Logs,
        keys: &Keys,
        types: Vec<(Vec<u8>, String)>,
    ) -> Result<(), Problem> {
        for (event_type, stamp) in types {
            let Ok(event_type) = String::from_utf8(event_type) else { continue };
            let set = logs.sets.entry(event_type.clone()).or_default();
            set.seen = true;
            if set.stamp == stamp || set.unread > 0 {
                continue;
            }
            let key = logs_key(keys, &event_type);
            let count = |(segment, to): (Segment, f64)| {
                Command::new("ZCOUNT", key.clone()).arg(segment.from).arg(upper(to))
            };
            let counts = self.ask_all(set.ranges().map(count)).await;
            let mut changed = Vec::new();
            for ((segment, to), reply) in set.ranges().zip(counts) {
                let count: Option<u64> = of_one(reply)?.map(|count| read(Ok(count))).transpose()?;
                if count.is_some_and(|count| count != segment.count) {
                    changed.push(Range { event_type: event_type.clone(), from: segment.from, to, passed: 0 });
                }
            }
            set.stamp = stamp;
            set.unread = changed.len();
            // The newest are asked for most.
            logs.unread.extend(changed.into_iter().rev());
        }
        Ok(())
    }

    /// Reads a chunk of what is to be read, and indexes what is not ours; tells how many logs got their entries.
    pub(super) async fn read_logs(
        &self,
        logs: &mut Logs,
        keys: &Keys,
        now: Timestamp,
    ) -> Result<u64, Problem> {
        let Some(range) = logs.unread.front() else { return Ok(0) };
        let chunk = self.chunk(keys, range).await?;
        let records = self.index_logs(keys, &range.event_type, &chunk.unmarked, now).await?;
        logs.advance(&chunk);
        Ok(records)
    }

    async fn chunk(&self, keys: &Keys, range: &Range) -> Result<Chunk, Problem> {
        let request = Request::Script {
            script: &UNMARKED,
            keys: vec![logs_key(keys, &range.event_type)],
            arguments: [
                upper(range.to),
                range.from.to_string(),
                range.passed.to_string(),
                CHUNK.to_string(),
                MARKED_END.to_owned(),
            ]
            .map(String::into_bytes)
            .to_vec(),
        };
        let reply = self.reads.ask(request).await;
        if reply.as_ref().is_err_and(is_wrong_type) {
            return Ok(Chunk { count: 0, above: 0, lowest: 0.0, unmarked: Vec::new() });
        }
        let (count, above, lowest, unmarked): (usize, usize, String, _) = read(reply)?;
        Ok(Chunk { count, above, lowest: lowest.parse().unwrap_or_default(), unmarked })
    }

    /// Gives members their entries, with the scores that they have, where they have none.
    async fn index_logs(
        &self,
        keys: &Keys,
        event_type: &str,
        members: &[(Vec<u8>, f64)],
        now: Timestamp,
    ) -> Result<u64, Problem> {
        let entry = |(member, score): &(Vec<u8>, f64)| {
            let log = decode(member, time(*score), event_type).filter(|_| score.is_finite())?;
            Some((index_member(&log), log, *score))
        };
        let mut entries: Vec<(String, Log, f64)> = members.iter().filter_map(entry).collect();
        if entries.is_empty() {
            return Ok(0);
        }
        let index = keys.log_index(keys.shard_of(""));
        let names: Vec<&String> = entries.iter().map(|(entry, ..)| entry).collect();
        let held: Vec<Option<f64>> =
            read(self.reads.ask(Command::new("ZMSCORE", index.clone()).arg(names)).await)?;
        let mut held = held.into_iter();
        entries.retain(|_| held.next().flatten().is_none());
        if entries.is_empty() {
            return Ok(0);
        }
        let of_trace = |(entry, log, score): &(String, Log, f64)| {
            let commands =
                trace_entries(keys, self.ttl, log, &score.to_string(), entry, log.timestamp.min(now));
            (!commands.is_empty()).then(|| transaction(&[], commands))
        };
        let mut requests: Vec<Request> = entries.iter().filter_map(of_trace).collect();
        for key in [&index, &logs_key(keys, event_type)] {
            requests.push(Command::new("EXPIRE", key.clone()).arg(self.ttl.logs).into());
        }
        for reply in self.reads.send(&requests).await {
            of_one(reply)?;
        }
        // Last, since what is in it counts as done.
        let add = entries
            .iter()
            .fold(Command::new("ZADD", index), |add, (entry, _, score)| add.arg(*score).arg(entry));
        read(self.reads.ask(add).await)
    }
}

/// The logs of a type on a single server, which is one shard.
fn logs_key(keys: &Keys, event_type: &str) -> Key {
    keys.logs(keys.shard_of(""), event_type)
}

fn upper(to: f64) -> String {
    if to == f64::INFINITY { "+inf".to_owned() } else { format!("({to}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(count: usize, above: usize, lowest: f64) -> Chunk {
        Chunk { count, above, lowest, unmarked: Vec::new() }
    }

    fn unread() -> Logs {
        let range = Range { event_type: "e".into(), from: f64::NEG_INFINITY, to: f64::INFINITY, passed: 0 };
        let set = Set { unread: 1, ..Set::default() };
        Logs { sets: [("e".to_owned(), set)].into(), unread: [range].into() }
    }

    #[test]
    fn a_set_is_read_down_to_its_end_and_its_segments_add_up() {
        let mut logs = unread();
        logs.advance(&chunk(CHUNK, CHUNK - 2, 7.0));
        assert_eq!(
            logs.unread[0].to.to_bits(),
            7.0_f64.next_up().to_bits(),
            "its lowest score is read again"
        );
        logs.advance(&chunk(CHUNK, 0, 7.0));
        assert_eq!(logs.unread[0].passed, CHUNK, "one instant is passed over");
        logs.advance(&chunk(CHUNK, 3, 6.0));
        logs.advance(&chunk(40, 39, 1.0));
        assert!(!logs.are_unread());
        let set = &logs.sets["e"];
        let segment = |from, count| Segment { from, count };
        let chunk = CHUNK as u64;
        let expected = [
            segment(f64::NEG_INFINITY, 40),
            segment(6.0_f64.next_up(), chunk + 3),
            segment(7.0_f64.next_up(), chunk - 2),
        ];
        assert_eq!(set.segments, expected);
        assert_eq!(set.unread, 0);
    }

    #[test]
    fn a_segment_that_is_empty_goes_and_a_set_that_is_gone_is_forgotten() {
        let mut set = Set::default();
        set.settle(5.0, 3);
        set.settle(f64::NEG_INFINITY, 2);
        set.settle(5.0, 0);
        set.settle(f64::NEG_INFINITY, 0);
        assert_eq!(set.segments, [Segment { from: f64::NEG_INFINITY, count: 0 }]);
        let mut logs = Logs { sets: [("e".to_owned(), set)].into(), unread: VecDeque::new() };
        logs.forget_unseen();
        assert_eq!(logs.sets.len(), 1);
        logs.forget_unseen();
        assert!(logs.sets.is_empty());
    }
}
