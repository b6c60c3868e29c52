//! What is to be written for one record.

use std::collections::{BTreeMap, HashSet};

use super::points::{add, add_series};
use super::{Ttl, rollups};
use crate::model::{Point, Series, SeriesValue, Span, Timestamp, Written};
use crate::store::redis::command::{Command, Guard};
use crate::store::redis::keys::{Keys, Shard};

/// A record, decided on and not yet sent.
pub(super) struct Draft {
    /// Its place among the open items.
    pub(super) item: usize,
    /// Where its body lies.
    pub(super) shard: Shard,
    /// On what the writing depends.
    pub(super) guards: Vec<Guard>,
    /// Entries by which it is found.
    pub(super) entries: Vec<Command>,
    /// Points that it adds to series in its shard, and whether each goes to its overflow series.
    pub(super) points: Vec<(Point, bool)>,
    /// Of a series that is imported: what is added to it.
    pub(super) imported: Option<SeriesValue>,
    /// Of a span that ends: what the numbers know of it so far.
    pub(super) before: Option<Box<Span>>,
    /// Of a span that ends: whether it has a parent that may not be here.
    pub(super) awaits_parent: bool,
    /// What makes it be there.
    pub(super) body: Vec<Command>,
    /// Its answer.
    pub(super) written: Written,
}

impl Draft {
    /// A draft without anything in it.
    pub(super) fn new(item: usize, shard: Shard, written: Written) -> Self {
        Self {
            item,
            shard,
            guards: Vec::new(),
            entries: Vec::new(),
            points: Vec::new(),
            imported: None,
            before: None,
            awaits_parent: false,
            body: Vec::new(),
            written,
        }
    }

    /// Puts in what could only be known once series were admitted and agents found.
    pub(super) fn finish(mut self, keys: &Keys, ttl: Ttl) -> Self {
        if let Written::SpanEnded { span, .. } = &self.written {
            let span = span.clone();
            super::span::finish_end(keys, ttl, &span, &mut self);
        }
        let is_point = matches!(self.written, Written::Point { .. });
        for (point, overflow) in std::mem::take(&mut self.points) {
            if let Some(value) = self.imported.take() {
                let series = Series { name: point.name, labels: point.labels, value };
                self.body.extend(add_series(keys, ttl, self.shard, &series, point.timestamp));
                continue;
            }
            let labels = if overflow { Series::overflow_labels() } else { point.labels.clone() };
            self.entries.extend(add(keys, ttl, self.shard, &point, &labels));
            if is_point {
                self.entries.extend(rollups::of_point(keys, ttl, self.shard, &point));
            }
        }
        self
    }

    /// Its answer where it turns out to have been written before.
    pub(super) fn repeated(self) -> Written {
        match self.written {
            Written::Imported { .. } => Written::Imported { new: false },
            written => written,
        }
    }

    /// Entries that lie in other shards than the body, shard by shard.
    pub(super) fn entries_elsewhere(&self) -> impl Iterator<Item = Vec<Command>> {
        let mut shards: BTreeMap<Shard, Vec<Command>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.key.shard != self.shard) {
            shards.entry(entry.key.shard).or_default().push(entry.clone());
        }
        shards.into_values()
    }

    /// Entries in the body's shard, and the body. A time to live is set once for each key, after all else.
    pub(super) fn record(&self) -> Vec<Command> {
        let entries = self.entries.iter().filter(|entry| entry.key.shard == self.shard);
        let mut set: HashSet<&str> = HashSet::new();
        let last_first = entries.chain(&self.body).rev();
        let mut commands: Vec<Command> = last_first
            .filter(|command| command.name != "EXPIRE" || set.insert(&command.key.name))
            .cloned()
            .collect();
        commands.reverse();
        commands
    }
}

/// Notes that something happened in a trace, and the first agent that is named there.
pub(super) fn touch_trace(
    keys: &Keys,
    ttl: Ttl,
    trace_id: &str,
    agent_name: Option<&str>,
    at: Timestamp,
) -> Vec<Command> {
    let trace = keys.trace(trace_id);
    let mut commands = vec![Command::new("NEWER", trace.clone()).arg("last_activity").arg(at.micros())];
    if let Some(agent_name) = agent_name {
        commands.push(Command::new("HSETNX", trace.clone()).arg("agent_name").arg(agent_name));
    }
    commands.push(Command::new("EXPIRE", trace).arg(ttl.traces));
    commands
}
