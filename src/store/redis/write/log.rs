//! Writing logs.

use std::time::Duration;

use super::draft::{Draft, touch_trace};
use super::{Claim, Decision, Ttl};
use crate::model::{Log, Problem, Timestamp, TraceId, Written};
use crate::store::redis::codec::{log::encode, log::index_member, score};
use crate::store::redis::command::Command;
use crate::store::redis::connection::{Reply, read};
use crate::store::redis::keys::Keys;
use crate::store::redis::logs::decode_at;

/// A repetition looks whether the first call has come to its end.
pub(super) fn reads(keys: &Keys, log: &Log, claim: Claim) -> Vec<Command> {
    if claim != Claim::Repeat {
        return Vec::new();
    }
    let score = score(log.timestamp);
    let key = keys.logs(keys.shard_of(&log.id), log.event_type.as_str());
    vec![Command::new("ZRANGEBYSCORE", key).arg(&score).arg(&score)]
}

/// A log is a member of a set: to write it twice is to write it once.
pub(super) fn write(
    item: usize,
    keys: &Keys,
    ttl: Ttl,
    log: &Log,
    replies: Vec<Reply>,
) -> Result<Decision, Problem> {
    for reply in replies {
        let members: Vec<Vec<u8>> = read(reply)?;
        if let Some(stored) = decode_at(&members, log.timestamp, log.event_type.as_str(), &log.id) {
            return Ok(Decision::Stored(Written::Log(Box::new(stored))));
        }
    }
    let shard = keys.shard_of(&log.id);
    let (at, entry) = (score(log.timestamp), index_member(log));
    let add = |key, member: &str| Command::new("ZADD", key).arg(&at).arg(member);
    let expire = |key| Command::new("EXPIRE", key).arg(ttl.logs);
    let mut draft = Draft::new(item, shard, Written::Log(Box::new(log.clone())));
    draft.entries = trace_entries(keys, ttl, log, &at, &entry, log.timestamp);
    let body = keys.logs(shard, log.event_type.as_str());
    draft.body = vec![
        add(keys.log_index(shard), &entry),
        expire(keys.log_index(shard)),
        add(body.clone(), &encode(log)),
        expire(body),
    ];
    Ok(Decision::Write(draft))
}

/// The entry of a log in its trace, if it has one, at the score `at`; and that something happened there at `seen`.
pub(in super::super) fn trace_entries(
    keys: &Keys,
    ttl: Ttl,
    log: &Log,
    at: &str,
    entry: &str,
    seen: Timestamp,
) -> Vec<Command> {
    let Some(trace_id) = log.trace_id.as_ref().map(TraceId::as_str) else { return Vec::new() };
    let logs = keys.trace_logs(trace_id);
    // A trace that never falls silent would keep what its logs have left behind.
    let oldest = format!("({}", score(log.timestamp.minus(Duration::from_secs(ttl.logs))));
    let mut commands = vec![
        Command::new("ZADD", logs.clone()).arg(at).arg(entry),
        Command::new("EXPIRE", logs.clone()).arg(ttl.logs),
        Command::new("ZREMRANGEBYSCORE", logs).arg("-inf").arg(oldest),
    ];
    commands.extend(touch_trace(keys, ttl, trace_id, log.agent_name.as_deref(), seen));
    commands
}
