//! The names of all keys, and the shard in which each lies.
//!
//! The default project has the names that the published scripts read and write; all else begins with `wg:`.
//! On a cluster a key begins with its shard's tag, so that keys of one shard share a slot and a pipeline
//! of many records is one message for each shard.

use std::sync::Arc;

use crate::model::{DimensionKind, ProjectId, Tier, Timestamp};

/// Shards on a cluster.
const SHARDS: u8 = 16;

/// A part of the keys that lies in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shard(u8);

/// A key and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Where it lies.
    pub(super) shard: Shard,
    /// Its name, tag and all.
    pub(super) name: String,
}

/// What all keys of a store have in common.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    prefix: Arc<str>,
    shards: u8,
}

/// The keys of one project.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    layout: Layout,
    /// What sets the project apart: nothing for the default one.
    project: String,
}

/// A time as a part of a name.
pub(super) const fn seconds(time: Timestamp) -> i64 {
    time.micros().div_euclid(1_000_000)
}

impl Layout {
    /// The layout on a single server: one shard and no tags, so that the published names stay.
    pub(super) fn single(prefix: &str) -> Self {
        Self { prefix: prefix.into(), shards: 1 }
    }

    /// The layout on a cluster.
    pub(super) fn cluster(prefix: &str) -> Self {
        Self { prefix: prefix.into(), shards: SHARDS }
    }

    /// What goes before every key of a single server.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Every shard.
    pub(super) fn shards(&self) -> impl Iterator<Item = Shard> + use<> {
        (0..self.shards).map(Shard)
    }

    /// How many shards there are.
    pub(super) fn shard_count(&self) -> usize {
        usize::from(self.shards)
    }

    /// The keys of `project`.
    pub(super) fn project(&self, project: &ProjectId) -> Keys {
        let project =
            if *project == ProjectId::default_project() { String::new() } else { format!("wg:p:{project}:") };
        Keys { layout: self.clone(), project }
    }

    /// The set of all projects but the default one.
    pub(super) fn projects(&self) -> Key {
        self.key(Shard(0), "", "wg:projects")
    }

    /// The keys of the installation: a hash of key to JSON.
    pub(super) fn keyring(&self) -> Key {
        self.key(Shard(0), "", "wg:keys")
    }

    /// When each of them was last used: a hash, in the shard of the keys themselves.
    pub(super) fn key_uses(&self) -> Key {
        self.key(Shard(0), "", "wg:keys:used")
    }

    /// A key of others, by its whole name but for what goes before all names.
    pub(super) fn foreign(&self, name: &str) -> Key {
        Key { shard: Shard(0), name: format!("{}{name}", self.prefix) }
    }

    /// The lease `name`.
    pub(super) fn lease(&self, name: &str) -> Key {
        self.key(self.shard_of(name), "", &format!("wg:lease:{name}"))
    }

    /// FNV-1a: stable for ever, since it decides where records are found again.
    fn shard_of(&self, id: &str) -> Shard {
        let hash =
            id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        // The low bits of FNV differ least; the remainder is below the number of shards.
        let [low, middle, _, high] = (hash ^ (hash >> 16)).to_le_bytes();
        Shard((low ^ middle ^ high) % self.shards)
    }

    fn key(&self, shard: Shard, project: &str, name: &str) -> Key {
        let prefix = &self.prefix;
        let name = if self.shards > 1 {
            format!("{prefix}{{{:02}}}{project}{name}", shard.0)
        } else {
            format!("{prefix}{project}{name}")
        };
        Key { shard, name }
    }
}

impl Keys {
    /// What sets the project's keys apart from other projects'.
    pub(super) fn project(&self) -> &str {
        &self.project
    }

    /// Every shard.
    pub(super) fn shards(&self) -> impl Iterator<Item = Shard> + use<> {
        self.layout.shards()
    }

    /// The shard of the record with this id.
    pub(super) fn shard_of(&self, id: &str) -> Shard {
        self.layout.shard_of(id)
    }

    /// Logs of one type in one shard: a sorted set of records by time. Published.
    pub(super) fn logs(&self, shard: Shard, event_type: &str) -> Key {
        self.key(shard, &format!("logs:{event_type}"))
    }

    /// All logs of one shard: a sorted set of `id|event_type` by time.
    pub(super) fn log_index(&self, shard: Shard) -> Key {
        self.key(shard, "wg:logs")
    }

    /// The logs of one trace, in the trace's shard: a sorted set of `id|event_type` by time.
    pub(super) fn trace_logs(&self, trace_id: &str) -> Key {
        self.of(trace_id, &format!("wg:trace-logs:{trace_id}"))
    }

    /// A span: a hash. Published.
    pub(super) fn span(&self, span_id: &str) -> Key {
        self.of(span_id, &format!("span:{span_id}"))
    }

    /// The ids of a trace's spans: a set. Published.
    pub(super) fn trace_spans(&self, trace_id: &str) -> Key {
        self.of(trace_id, &format!("trace:{trace_id}:spans"))
    }

    /// What is known of a trace as a whole: a hash of `agent_name` and `last_activity`.
    pub(super) fn trace(&self, trace_id: &str) -> Key {
        self.of(trace_id, &format!("wg:trace:{trace_id}"))
    }

    /// The spans of one shard: a sorted set of `span_id|trace_id` by start.
    pub(super) fn span_index(&self, shard: Shard) -> Key {
        self.key(shard, "wg:spans")
    }

    /// The spans of one shard that have ended: a sorted set of `span_id|trace_id` by end.
    pub(super) fn ended_spans(&self, shard: Shard) -> Key {
        self.key(shard, "wg:spans:ended")
    }

    /// The spans in progress of one shard: a sorted set of `span_id|trace_id` by start.
    pub(super) fn open_spans(&self, shard: Shard) -> Key {
        self.key(shard, "wg:open")
    }

    /// Where the roots among them stood before the others did too.
    pub(super) fn open_roots(&self, shard: Shard) -> Key {
        self.key(shard, "wg:roots")
    }

    /// The spans of one shard that have ended without their parent: a sorted set of `span_id|trace_id` by end.
    pub(super) fn orphans(&self, shard: Shard) -> Key {
        self.key(shard, "wg:orphans")
    }

    /// The traces of one shard: a sorted set of their ids by their first start.
    pub(super) fn traces(&self, shard: Shard) -> Key {
        self.key(shard, "wg:traces")
    }

    /// What the spans of one shard add up to in their trace: a hash.
    pub(super) fn trace_share(&self, shard: Shard, trace_id: &str) -> Key {
        self.key(shard, &format!("wg:trace-share:{trace_id}"))
    }

    /// What the records of one shard add to the numbers of a minute or an hour: a hash of counts.
    pub(super) fn rollup(&self, shard: Shard, tier: Tier, kind: DimensionKind, start: Timestamp) -> Key {
        let tier = match tier {
            Tier::Minute => "minute",
            Tier::Hour => "hour",
        };
        let kind = match kind {
            DimensionKind::Agent => "agent",
            DimensionKind::Step => "step",
            DimensionKind::Error => "error",
        };
        self.key(shard, &format!("wg:rollup:{tier}:{kind}:{}", seconds(start)))
    }

    /// The minutes or hours of which one shard has numbers: a sorted set of their starts, in seconds.
    pub(super) fn rollup_index(&self, shard: Shard, tier: Tier) -> Key {
        match tier {
            Tier::Minute => self.key(shard, "wg:rollups:minute"),
            Tier::Hour => self.key(shard, "wg:rollups:hour"),
        }
    }

    /// How many failures of each kind one shard holds: a hash by fingerprint.
    pub(super) fn failures(&self, shard: Shard) -> Key {
        self.key(shard, "wg:errors:count")
    }

    /// The kinds of failures of one shard: a sorted set of fingerprints by when they were last seen.
    pub(super) fn error_index(&self, shard: Shard) -> Key {
        self.key(shard, "wg:errors")
    }

    /// What is known of failures of one kind: a hash.
    pub(super) fn error_group(&self, fingerprint: &str) -> Key {
        self.of(fingerprint, &format!("wg:error:{fingerprint}"))
    }

    /// The points of one shard that are counted: a sorted set of `id|` and JSON by time.
    pub(super) fn points(&self, shard: Shard) -> Key {
        self.key(shard, "wg:points")
    }

    /// One hour of one shard's share of a series: a hash.
    pub(super) fn series_hour(&self, shard: Shard, series_id: &str, hour: Timestamp) -> Key {
        self.key(shard, &format!("wg:series:{series_id}:{}", seconds(hour)))
    }

    /// The id that a W3C id stands for: a string.
    pub(super) fn alias(&self, w3c: &str) -> Key {
        self.of(w3c, &format!("wg:alias:{w3c}"))
    }

    /// What the first call with an idempotency key was: a string.
    pub(super) fn claim(&self, idempotency_key: &str) -> Key {
        self.of(idempotency_key, &format!("wg:idem:{idempotency_key}"))
    }

    /// Tells that the record with this id has been added up: a string.
    pub(super) fn done(&self, id: &str) -> Key {
        self.of(id, &format!("wg:done:{id}"))
    }

    /// The series that one shard holds a share of: a sorted set of series ids by their last point.
    pub(super) fn series_index(&self, shard: Shard) -> Key {
        self.key(shard, "wg:series")
    }

    /// One shard's share of a series: a hash.
    pub(super) fn series(&self, shard: Shard, series_id: &str) -> Key {
        self.key(shard, &format!("wg:series:{series_id}"))
    }

    /// A metric's kind: a string, in the one shard that admits series.
    pub(super) fn metric_kind(&self, name: &str) -> Key {
        self.key(Shard(0), &format!("wg:metric:{name}:kind"))
    }

    /// A metric's series: a sorted set of series ids by when they were last admitted.
    pub(super) fn metric_series(&self, name: &str) -> Key {
        self.key(Shard(0), &format!("wg:metric:{name}:series"))
    }

    /// All series of the project: a sorted set as above.
    pub(super) fn admitted(&self) -> Key {
        self.key(Shard(0), "wg:admitted")
    }

    /// The index that a trace stands in.
    pub(super) fn trace_index(&self, trace_id: &str) -> Key {
        self.traces(self.shard_of(trace_id))
    }

    fn of(&self, id: &str, name: &str) -> Key {
        self.key(self.shard_of(id), name)
    }

    fn key(&self, shard: Shard, name: &str) -> Key {
        self.layout.key(shard, &self.project, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_project_has_the_published_names() {
        let layout = Layout::single("");
        let keys = layout.project(&ProjectId::default_project());
        let shard = keys.shard_of("x");
        assert_eq!(keys.logs(shard, "agent.start").name, "logs:agent.start");
        assert_eq!(keys.span("1").name, "span:1");
        assert_eq!(keys.trace_spans("t").name, "trace:t:spans");
        let other = layout.project(&ProjectId::stored("acme"));
        assert_eq!(other.span("1").name, "wg:p:acme:span:1");
        assert_eq!(other.trace("1").name, "wg:p:acme:wg:trace:1");
    }

    #[test]
    fn a_cluster_has_tags_and_every_shard_is_used() {
        let layout = Layout::cluster("mine:");
        let keys = layout.project(&ProjectId::default_project());
        let key = keys.span("4bf92f3577b34da6");
        assert_eq!(key.name, format!("mine:{{{:02}}}span:4bf92f3577b34da6", key.shard.0));
        let mut counts = [0; SHARDS as usize];
        for number in 0..16_000 {
            counts[usize::from(layout.shard_of(&format!("{number:032x}")).0)] += 1;
        }
        assert!(counts.iter().all(|count| (500..2_000).contains(count)), "{counts:?}");
    }
}
