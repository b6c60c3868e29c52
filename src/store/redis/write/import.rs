//! Records as another store held them: each is written only where there is none of its id.

use super::draft::Draft;
use super::points::series_id;
use super::{Decision, Planned, Ttl, rollups, span};
use crate::model::{
    Import, MAX_SPANS_PER_TRACE, Point, Problem, Series, SeriesValue, Span, Timestamp, Written,
};
use crate::store::redis::codec::point;
use crate::store::redis::codec::span::{decode, fields};
use crate::store::redis::command::{Command, Guard};
use crate::store::redis::connection::{Reply, read};
use crate::store::redis::keys::Keys;
use crate::store::redis::series::SeriesShare;

/// What is asked before the import of a record.
pub(super) fn reads(keys: &Keys, import: &Import) -> Vec<Command> {
    match import {
        Import::Span(span) => span::start_reads(keys, span),
        Import::Point(_) => Vec::new(),
        Import::Series { series, .. } => {
            let id = series_id(&series.name, &series.labels);
            keys.shards().map(|shard| Command::new("HGETALL", keys.series(shard, &id))).collect()
        }
    }
}

/// Drafts a record, or finds that it is there.
pub(super) fn draft(
    item: usize,
    keys: &Keys,
    ttl: Ttl,
    import: &Import,
    replies: Vec<Reply>,
    planned: &mut Planned,
) -> Result<Decision, Problem> {
    match import {
        Import::Span(span) => import_span(item, keys, ttl, span, replies, planned),
        Import::Point(point) => Ok(import_point(item, keys, ttl, point)),
        Import::Series { series, updated } => import_series(item, keys, series, *updated, replies),
    }
}

const NEW: Written = Written::Imported { new: true };
const HELD: Decision = Decision::Stored(Written::Imported { new: false });

fn import_span(
    item: usize,
    keys: &Keys,
    ttl: Ttl,
    span: &Span,
    replies: Vec<Reply>,
    planned: &mut Planned,
) -> Result<Decision, Problem> {
    let mut replies = replies.into_iter();
    let mut next = || replies.next().unwrap_or(Ok(redis::Value::Nil));
    if let Some(held) = decode(&fields(next()?)) {
        return Ok(Decision::Stored(Written::known_span(&held, span)?));
    }
    // Its agent is known, or never was.
    next()?;
    let stored: Option<u64> = read(next())?;
    let planned = planned.entry(keys.trace_spans(span.trace_id.as_str()).name).or_default();
    let count = stored.unwrap_or(0) + *planned;
    if count >= MAX_SPANS_PER_TRACE {
        return Err(Span::no_room(count));
    }
    *planned += 1;
    let parent: Option<(Option<String>, Option<String>)> = read(next())?;
    let parent_missing = !span.is_root() && parent.is_none_or(|(id, _)| id.is_none());
    Ok(Decision::Write(span::new_span(item, keys, ttl, span, parent_missing, NEW)))
}

fn import_point(item: usize, keys: &Keys, ttl: Ttl, given: &Point) -> Decision {
    let shard = keys.shard_of(&given.id);
    let mut draft = Draft::new(item, shard, NEW);
    draft.guards.push(Guard::Unlisted(keys.points(shard), point::encode(given)));
    draft.body = rollups::of_point(keys, ttl, shard, given);
    Decision::Write(draft)
}

/// A series as it stood adds to its share in the shard of its own id: what is missing of the larger sum, or the newer
/// value.
fn import_series(
    item: usize,
    keys: &Keys,
    series: &Series,
    updated: Timestamp,
    replies: Vec<Reply>,
) -> Result<Decision, Problem> {
    let shard = keys.shard_of(&series_id(&series.name, &series.labels));
    let mut held: Option<SeriesShare> = None;
    let mut own_sum = String::new();
    for (of, reply) in keys.shards().zip(replies) {
        let hash = fields(reply?);
        if of == shard {
            own_sum = hash.get("sum").cloned().unwrap_or_default();
        }
        held = match (held, SeriesShare::decode(&hash)) {
            (Some(one), Some((_, _, other))) => Some(one.plus(other)),
            (one, other) => one.or(other.map(|(_, _, other)| other)),
        };
    }
    let new = held.is_none();
    let more = match (held, &series.value) {
        (None, value) => Some(value.clone()),
        // The metric's kind is asked for, and refuses it.
        (Some(held), value) if held.value.kind() != value.kind() => Some(value.clone()),
        (Some(held), SeriesValue::Gauge(_)) => (held.time < updated.micros()).then(|| series.value.clone()),
        (Some(held), value) => held.value.missing(value),
    };
    let Some(value) = more else { return Ok(HELD) };
    let mut draft = Draft::new(item, shard, Written::Imported { new });
    let key = keys.series(shard, &series_id(&series.name, &series.labels));
    draft.guards.push(Guard::Field { key, name: "sum", held: own_sum });
    // It is let in like a point of the series would be, and then keeps its labels: the store that it comes from had
    // the same limits.
    let point = Point {
        id: String::new(),
        timestamp: updated,
        name: series.name.clone(),
        labels: series.labels.clone(),
        kind: series.value.kind(),
        kind_given: true,
        value: 0.0,
        trace_id: None,
    };
    draft.points.push((point, false));
    draft.imported = Some(value);
    Ok(Decision::Write(draft))
}
