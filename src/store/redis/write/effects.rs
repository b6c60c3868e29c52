//! What a change of a span does besides to the span itself, all of it in the span's own shard and script: its places in
//! the indexes, its part in the numbers, its share of its trace.

use super::{Ttl, rollups};
use crate::model::{Span, SpanStatus, Timestamp, TraceSummary};
use crate::store::redis::codec::score;
use crate::store::redis::command::Command;
use crate::store::redis::keys::{Key, Keys};

/// Everything that changes as a span becomes `after`, of which the numbers know `before`.
pub(in super::super) fn effects(
    keys: &Keys,
    ttl: Ttl,
    before: Option<&Span>,
    after: Option<&Span>,
) -> Vec<Command> {
    let mut commands = indexes(keys, ttl, before, after);
    commands.extend(rollups::of_change(keys, ttl, before, after));
    commands.extend(share(keys, ttl, before, after));
    commands
}

/// Takes away a span, and what it added if the numbers know it.
pub(in super::super) fn removal(keys: &Keys, ttl: Ttl, span: &Span, counted: Option<&Span>) -> Vec<Command> {
    let mut commands = indexes(keys, ttl, Some(span), None);
    commands.extend(rollups::of_change(keys, ttl, counted, None));
    commands.extend(share(keys, ttl, counted, None));
    commands
}

/// Notes that a span has ended without its parent, which may still come.
pub(in super::super) fn await_parent(keys: &Keys, ttl: Ttl, span: &Span) -> Vec<Command> {
    let shard = keys.shard_of(span.span_id.as_str());
    let ended = span.end_time.filter(|_| is_ended(span));
    ended.map_or_else(Vec::new, |time| add(keys.orphans(shard), ttl.traces, time, span))
}

/// A span's member in the indexes of its shard.
pub(in super::super) fn entry(span: &Span) -> String {
    format!("{}|{}", span.span_id, span.trace_id)
}

fn is_ended(span: &Span) -> bool {
    span.status != SpanStatus::InProgress
}

fn add(index: Key, seconds: u64, time: Timestamp, span: &Span) -> Vec<Command> {
    vec![
        Command::new("ZADD", index.clone()).arg(score(time)).arg(entry(span)),
        Command::new("EXPIRE", index).arg(seconds),
    ]
}

fn indexes(keys: &Keys, ttl: Ttl, before: Option<&Span>, after: Option<&Span>) -> Vec<Command> {
    let Some(span) = after.or(before) else { return Vec::new() };
    let shard = keys.shard_of(span.span_id.as_str());
    let (all, open, ended) = (keys.span_index(shard), keys.open_spans(shard), keys.ended_spans(shard));
    let remove = |index: Key| Command::new("ZREM", index).arg(entry(span));
    let mut commands = Vec::new();
    let Some(after) = after else {
        return vec![remove(all), remove(open), remove(ended), remove(keys.orphans(shard))];
    };
    if before.is_none() {
        commands.extend(add(all, ttl.traces, after.start_time, after));
    }
    match (before.is_some_and(is_ended), is_ended(after)) {
        (false, true) => {
            commands.push(remove(open));
            // One that a script ended without a time ended when it started.
            let time = after.end_time.unwrap_or(after.start_time);
            commands.extend(add(ended, ttl.traces, time, after));
        }
        (_, false) => commands.extend(add(open, ttl.traces, after.start_time, after)),
        (true, true) => {}
    }
    commands
}

/// The share that a shard's spans have in their trace. Without them it goes.
fn share(keys: &Keys, ttl: Ttl, before: Option<&Span>, after: Option<&Span>) -> Vec<Command> {
    let Some(span) = after.or(before) else { return Vec::new() };
    let key = keys.trace_share(keys.shard_of(span.span_id.as_str()), span.trace_id.as_str());
    let summary = |span: Option<&Span>| span.map(TraceSummary::of).unwrap_or_default();
    let (was, is) = (summary(before), summary(after));
    let mut difference = is.counts.minus(was.counts);
    let changes: Vec<_> = difference.by_name().into_iter().filter(|(_, count)| **count != 0).collect();
    let mut commands = Vec::new();
    if !changes.is_empty() {
        let tally = Command::new("TALLY", key.clone()).arg(ttl.traces);
        commands.push(changes.into_iter().fold(tally, |tally, (name, count)| tally.arg(name).arg(*count)));
    }
    let Some(after) = after else {
        commands.push(Command::new("SPENT", key).arg("spans"));
        return commands;
    };
    if before.is_none() {
        commands.push(Command::new("EXPIRE", key.clone()).arg(ttl.traces));
    }
    let mut told: Vec<(&str, Timestamp, &str, String)> = Vec::new();
    let json = |value: Option<String>| value.unwrap_or_default();
    let id = after.span_id.as_str();
    if let Some(start_time) = is.start_time.filter(|_| was.start_time.is_none()) {
        told.push(("start_time", start_time, "", String::new()));
    }
    if let Some(root) = is.root.filter(|root| was.root.as_ref() != Some(root)) {
        told.push(("root", root.start_time, id, json(serde_json::to_string(&root).ok())));
    }
    if let Some(failure) = is.failure.filter(|failure| was.failure.as_ref() != Some(failure)) {
        told.push(("failure", failure.at, id, json(serde_json::to_string(&failure).ok())));
    }
    for (name, is, was) in
        [("session_id", is.session_id, was.session_id), ("agent_name", is.agent_name, was.agent_name)]
    {
        told.extend(
            is.filter(|text| was.as_ref() != Some(text)).map(|text| (name, after.start_time, id, text)),
        );
    }
    if !told.is_empty() {
        let earlier = Command::new("EARLIER", key.clone());
        commands.push(told.into_iter().fold(earlier, |command, (name, time, id, text)| {
            command.arg(name).arg(time.micros()).arg(id).arg(text)
        }));
    }
    if let Some(end_time) = is.end_time.filter(|_| was.end_time.is_none()) {
        commands.push(Command::new("NEWER", key).arg("end_time").arg(end_time.micros()));
    }
    commands
}
