//! Adding to the numbers.

use std::collections::BTreeMap;

use super::Ttl;
use crate::model::{Contribution, DimensionKind, ErrorGroup, Point, Span, Sums, Tier, Timestamp, changes};
use crate::store::redis::codec::{point, rollup, score};
use crate::store::redis::command::Command;
use crate::store::redis::keys::{Keys, Shard, seconds};

/// Fields that one command adds to: Lua unpacks its arguments onto a stack of 8,000.
const MAX_FIELDS: usize = 1_000;

/// Counts by the hash that they lie in.
type Cells = BTreeMap<(Tier, Timestamp, DimensionKind), Vec<(String, i64)>>;

/// What the change of a span adds to the numbers.
pub(super) fn of_change(keys: &Keys, ttl: Ttl, before: Option<&Span>, after: Option<&Span>) -> Vec<Command> {
    let Some(span) = after.or(before) else { return Vec::new() };
    let shard = keys.shard_of(span.span_id.as_str());
    let given = |span: Option<&Span>| span.map(Span::contributions).unwrap_or_default();
    let mut commands = add(keys, ttl, shard, &changes(&given(before), &given(after)));
    let failure = |span: Option<&Span>| span.and_then(Span::error_fingerprint);
    let (was, is) = (failure(before), failure(after));
    if was != is {
        let count = Command::new("TALLY", keys.failures(shard)).arg(ttl.rollups);
        let changes = was.map(|was| (was, -1)).into_iter().chain(is.map(|is| (is, 1)));
        commands.push(changes.fold(count, |command, (fingerprint, more)| command.arg(fingerprint).arg(more)));
        commands.push(Command::new("EXPIRE", keys.failures(shard)).arg(ttl.rollups));
    }
    commands
}

/// What a recorded point adds to the numbers, and the point itself, if it is one that is counted.
pub(super) fn of_point(keys: &Keys, ttl: Ttl, shard: Shard, given: &Point) -> Vec<Command> {
    let Some(contribution) = given.contribution() else { return Vec::new() };
    let index = keys.points(shard);
    let mut commands = vec![
        Command::new("ZADD", index.clone()).arg(score(given.timestamp)).arg(point::encode(given)),
        Command::new("EXPIRE", index).arg(ttl.series),
    ];
    commands.extend(add(keys, ttl, shard, &changes(&[], &[contribution])));
    commands
}

/// Adds sums of both tiers.
fn add(keys: &Keys, ttl: Ttl, shard: Shard, sums: &Sums) -> Vec<Command> {
    let cells = cells(sums);
    let mut starts: Vec<(Tier, Timestamp)> = cells.keys().map(|(tier, start, _)| (*tier, *start)).collect();
    starts.dedup();
    let mut commands: Vec<Command> =
        starts.into_iter().flat_map(|(tier, start)| list(keys, ttl, shard, tier, start)).collect();
    for ((tier, start, kind), fields) in cells {
        let tally_of = Command::new("TALLY", keys.rollup(shard, tier, kind, start));
        commands.extend(tally(&tally_of, ttl.rollup(tier), 1, &fields));
    }
    commands
}

/// Notes that there are numbers of a minute or an hour.
pub(in super::super) fn list(
    keys: &Keys,
    ttl: Ttl,
    shard: Shard,
    tier: Tier,
    start: Timestamp,
) -> [Command; 2] {
    let index = keys.rollup_index(shard, tier);
    let add = Command::new("ZADD", index.clone()).arg(score(start)).arg(seconds(start));
    [add, Command::new("EXPIRE", index).arg(ttl.rollup(tier))]
}

/// Commands that add to the counts of a hash, and `changes` to its version.
pub(in super::super) fn tally(
    command: &Command,
    seconds: u64,
    changes: u64,
    fields: &[(String, i64)],
) -> Vec<Command> {
    let first = command.clone().arg(seconds).arg(rollup::VERSION).arg(changes);
    let rest = || command.clone().arg(seconds);
    let chunks = fields.chunks(MAX_FIELDS).enumerate().map(|(index, chunk)| {
        let start = if index == 0 { first.clone() } else { rest() };
        chunk.iter().fold(start, |command, (name, count)| command.arg(name).arg(*count))
    });
    let commands: Vec<Command> = chunks.collect();
    if commands.is_empty() { vec![first] } else { commands }
}

/// The counts of both tiers, by the hash that they lie in.
fn cells(sums: &Sums) -> Cells {
    let mut cells = Cells::new();
    for ((minute, agent, dimension), tally) in sums {
        let place = rollup::place(agent, dimension);
        for tier in Tier::ALL {
            let hash = cells.entry((tier, tier.start_of(*minute), dimension.kind())).or_default();
            hash.extend(rollup::fields(&place, tally));
        }
    }
    cells
}

/// What is known of a failure besides its counts. It lies where its fingerprint does: to note it twice is to note it
/// once.
pub(in super::super) fn of_failure(keys: &Keys, ttl: Ttl, span: &Span) -> Vec<Command> {
    let Some(group) = ErrorGroup::of(span) else { return Vec::new() };
    let key = keys.error_group(&group.fingerprint);
    let index = keys.error_index(key.shard);
    let last = Command::new("NEWER", key.clone()).arg("last_seen").arg(group.last_seen.micros());
    let told = [
        ("kind", group.kind.as_str()),
        ("step", &group.step),
        ("message", &group.message),
        ("sample_trace_id", group.sample_trace_id.as_str()),
        ("sample_span_id", group.sample_span_id.as_str()),
        ("sample_message", &group.sample_message),
    ];
    let first = Command::new("EARLIER", key.clone()).arg("first_seen").arg(group.first_seen.micros());
    vec![
        told.into_iter().fold(last, |command, (name, text)| command.arg(name).arg(text)),
        first.arg(&["", ""]),
        Command::new("EXPIRE", key).arg(ttl.rollups),
        Command::new("ZADD", index.clone()).arg("GT").arg(score(group.last_seen)).arg(&group.fingerprint),
        Command::new("EXPIRE", index).arg(ttl.rollups),
    ]
}

/// What a slice of records adds to one minute or hour, as the fields of the hash of each kind.
pub(in super::super) fn recounted(given: &[Contribution]) -> BTreeMap<DimensionKind, Vec<(String, i64)>> {
    let minutes = cells(&changes(&[], given)).into_iter();
    minutes
        .filter(|((tier, ..), _)| *tier == Tier::Minute)
        .map(|((.., kind), fields)| (kind, fields))
        .collect()
}
