//! Spans of the scripts: hashes `span:{span_id}` that the numbers don't know.
//!
//! A span is counted as it is found, and again when it turns out to have been ended by a script since.

use super::of_one;
use crate::model::{Problem, Span, SpanStatus};
use crate::store::redis::RedisStore;
use crate::store::redis::codec::span::{
    ADOPTED, COUNTED, Fields, MARKER, as_counted, awaits_parent, decode, fields, progress,
};
use crate::store::redis::command::{Command, Guard, Request, requests, transaction};
use crate::store::redis::connection::read;
use crate::store::redis::keys::Keys;
use crate::store::redis::write::{await_parent, effects, of_failure, span_entries};

/// Open spans that a slice looks at.
const OPEN: usize = 500;

impl RedisStore {
    /// Gives spans their entries, a time to live and our mark, and counts them; tells how many had none.
    pub(super) async fn adopt_spans(&self, keys: &Keys, ids: Vec<Vec<u8>>) -> Result<u64, Problem> {
        // What parts an id from the trace's in an index can't be in it.
        let ids = ids.into_iter().filter_map(|id| String::from_utf8(id).ok()).filter(|id| !id.contains('|'));
        let ids: Vec<String> = ids.collect();
        let found = self.found_spans(keys, &ids).await?;
        self.count_spans(keys, &found).await
    }

    /// Counts spans as they now are; tells of how many that was news.
    async fn count_spans(&self, keys: &Keys, found: &[(Fields, Span)]) -> Result<u64, Problem> {
        let requests: Vec<Request> =
            found.iter().map(|(hash, span)| self.adoption_of(keys, hash, span)).collect();
        let mut records = 0;
        for reply in self.send_all(&requests).await {
            // Another process may have been faster, or an agent may have ended the span through us.
            records += u64::from(
                of_one(reply)?
                    .is_some_and(|reply| read(Ok(reply)).is_ok_and(|done: String| done == "written")),
            );
        }
        self.note_failures(keys, found).await?;
        Ok(records)
    }

    /// The spans of these ids, each with its hash, as they are to be counted: with the agent of their trace where they
    /// name none, and with their price.
    async fn found_spans(&self, keys: &Keys, ids: &[String]) -> Result<Vec<(Fields, Span)>, Problem> {
        let whole = ids.iter().map(|id| Command::new("HGETALL", keys.span(id)));
        let mut found: Vec<(Fields, Span)> = Vec::new();
        for (id, reply) in ids.iter().zip(self.ask_all(whole).await) {
            let Some(hash) = of_one(reply)?.map(fields) else { continue };
            found.extend(decode(&hash).filter(|span| span.span_id.as_str() == id).map(|span| (hash, span)));
        }
        let nameless = |span: &Span| span.agent_name.is_none();
        let asked = found.iter().filter(|(_, span)| nameless(span));
        let agent = |(_, span): &(Fields, Span)| {
            Command::new("HGET", keys.trace(span.trace_id.as_str())).arg("agent_name")
        };
        let replies = self.ask_all(asked.map(agent)).await;
        for ((_, span), reply) in found.iter_mut().filter(|(_, span)| nameless(span)).zip(replies) {
            span.agent_name = of_one(reply)?.map_or(Ok(None), |reply| read(Ok(reply)))?;
        }
        for (_, span) in found.iter_mut().filter(|(_, span)| span.status != SpanStatus::InProgress) {
            if span.computed_cost_pico_usd.is_none() {
                span.price(&*self.pricing);
            }
        }
        Ok(found)
    }

    /// All that makes a span known but the span itself, which stays as its script wrote it.
    fn adoption_of(&self, keys: &Keys, hash: &Fields, span: &Span) -> Request {
        let key = keys.span(span.span_id.as_str());
        let unchanged = |name: &'static str| {
            let held = hash.get(name).cloned().unwrap_or_default();
            Guard::Field { key: key.clone(), name, held }
        };
        let guards = ["span_id", "status", COUNTED].map(unchanged);
        let before = as_counted(hash, span);
        let mut commands = span_entries(keys, self.ttl, span);
        commands.extend(effects(keys, self.ttl, before.as_ref(), Some(span)));
        if awaits_parent(hash, span) {
            commands.extend(await_parent(keys, self.ttl, span));
        }
        commands.push(Command::new("HSETNX", key.clone()).arg(&[MARKER, ADOPTED]));
        let mut counted = Command::new("HSET", key.clone()).arg(&[COUNTED, progress(span)]);
        if let Some(agent_name) = &span.agent_name {
            counted = counted.arg("agent_name").arg(agent_name);
        }
        if let Some(cost) = span.computed_cost_pico_usd {
            counted = counted.arg("computed_cost_pico_usd").arg(cost);
        }
        commands.push(counted);
        commands.push(Command::new("EXPIRE", key).arg(self.ttl.traces));
        transaction(&guards, commands)
    }

    async fn note_failures(&self, keys: &Keys, found: &[(Fields, Span)]) -> Result<(), Problem> {
        let failures = found.iter().map(|(_, span)| of_failure(keys, self.ttl, span));
        let requests: Vec<Request> = failures
            .filter(|commands| !commands.is_empty())
            .flat_map(|commands| requests(&[], commands))
            .collect();
        for reply in self.send_all(&requests).await {
            of_one(reply)?;
        }
        Ok(())
    }

    /// Counts the ends of spans that a script has ended, and takes what is no more out of the index of open ones, newest
    /// first; tells where to go on.
    pub(super) async fn sweep_open(&self, keys: &Keys, rank: usize) -> Result<Option<usize>, Problem> {
        let index = keys.open_spans(keys.shard_of(""));
        let range = Command::new("ZREVRANGE", index.clone()).arg(rank).arg(rank + OPEN - 1);
        let open: Vec<String> = read(self.reads.ask(range).await)?;
        let id = |member: &String| member.split_once('|').map_or("", |(span_id, _)| span_id).to_owned();
        let status = |member: &String| Command::new("HGET", keys.span(&id(member))).arg("status");
        let mut gone = Vec::new();
        let mut ended = Vec::new();
        for (member, reply) in open.iter().zip(self.ask_all(open.iter().map(status)).await) {
            let status: Option<String> = of_one(reply)?.map_or(Ok(None), |reply| read(Ok(reply)))?;
            match status.as_deref() {
                None => gone.push(member),
                Some(word) if word == SpanStatus::InProgress.as_str() => {}
                Some(_) => ended.push(id(member)),
            }
        }
        if !gone.is_empty() {
            self.reads.ask(Command::new("ZREM", index).arg(&gone)).await?;
        }
        let mut left = gone.len();
        if !ended.is_empty() {
            let mut found = self.found_spans(keys, &ended).await?;
            // A word that isn't known ends nothing by itself.
            found.retain(|(_, span)| span.status != SpanStatus::InProgress);
            left += usize::try_from(self.count_spans(keys, &found).await?).unwrap_or(usize::MAX);
        }
        let next = (rank + open.len()).saturating_sub(left);
        Ok((open.len() == OPEN).then_some(next))
    }
}
