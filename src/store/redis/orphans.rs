//! Spans that have ended and whose parent is not here: after a minute each is a request for good.

use super::RedisStore;
use super::codec::score;
use super::codec::span::{COUNTED, Fields, as_counted, decode};
use super::command::{Command, Guard, Request, transaction};
use super::connection::read;
use super::keys::{Keys, Shard};
use super::write::effects;
use crate::model::{Problem, Span, SpanId, Timestamp};
use crate::store::Settled;

/// Spans of a project that are looked at at once.
const SLICE: usize = 1_000;

/// A span that ended without its parent.
struct Waiting {
    shard: Shard,
    member: String,
    hash: Fields,
    /// `None` where it is gone.
    span: Option<Span>,
    parent_is_here: bool,
}

impl RedisStore {
    /// Spans that ended before `ended_before`, whose parent is not here, and that are not settled yet.
    pub(super) async fn unsettled(&self, keys: &Keys, ended_before: Timestamp) -> Result<Vec<Span>, Problem> {
        let waiting = self.waiting(keys, ended_before).await?.into_iter();
        let alone = waiting.filter(|waiting| !waiting.parent_is_here).filter_map(|waiting| waiting.span);
        Ok(alone.filter(|span| !span.is_root()).collect())
    }

    /// Settles a slice of the spans, in all projects, that have waited for long enough.
    pub(super) async fn settle_slice(&self, now: Timestamp) -> Result<Settled, Problem> {
        let mut settled = Settled::default();
        for project in self.all_projects().await? {
            let keys = self.layout.project(&project);
            let waiting = self.waiting(&keys, now.minus(Span::PARENT_AWAITED)).await?;
            settled.more |= waiting.len() >= SLICE / self.layout.shard_count();
            let requests: Vec<Request> =
                waiting.iter().map(|waiting| self.settling(&keys, waiting)).collect();
            for (reply, waiting) in self.send_all(&requests).await.into_iter().zip(&waiting) {
                let written = read::<redis::Value>(reply)? != redis::Value::BulkString(b"changed".to_vec());
                settled.requests += u64::from(written && waiting.is_request());
            }
        }
        Ok(settled)
    }

    /// The first that wait, by their end.
    async fn waiting(&self, keys: &Keys, ended_before: Timestamp) -> Result<Vec<Waiting>, Problem> {
        let until = format!("({}", score(ended_before));
        let share = SLICE / self.layout.shard_count();
        let first = |shard| {
            let range = Command::new("ZRANGEBYSCORE", keys.orphans(shard)).arg("-inf").arg(&until);
            range.arg(&["LIMIT", "0"]).arg(share)
        };
        let mut members: Vec<(Shard, String)> = Vec::new();
        let replies = self.ask_all(self.layout.shards().map(first)).await;
        for (shard, reply) in self.layout.shards().zip(replies) {
            members.extend(read::<Vec<String>>(reply)?.into_iter().map(|member| (shard, member)));
        }
        let ids = members.iter().map(|(_, member)| member.split_once('|').unwrap_or((member, "")).0);
        let hashes = self.hashes_of(keys, ids).await?;
        let spans: Vec<Option<Span>> = hashes.iter().map(decode).collect();
        let parent = |span: &Option<Span>| span.as_ref().and_then(|span| span.parent_span_id.clone());
        let parents: Vec<_> = spans.iter().map(parent).collect();
        let mut are_here =
            self.are_here(keys, parents.iter().flatten().map(SpanId::as_str)).await?.into_iter();
        let found = members.into_iter().zip(hashes).zip(spans).zip(parents);
        Ok(found
            .map(|((((shard, member), hash), span), parent)| Waiting {
                shard,
                member,
                hash,
                span,
                parent_is_here: parent.is_none() || are_here.next().unwrap_or(false),
            })
            .collect())
    }

    /// Makes a request of it, or takes it off the list.
    fn settling(&self, keys: &Keys, waiting: &Waiting) -> Request {
        let leave = Command::new("ZREM", keys.orphans(waiting.shard)).arg(&waiting.member);
        let Some(span) = waiting.span.as_ref().filter(|_| waiting.is_request()) else {
            return leave.into();
        };
        let body = keys.span(span.span_id.as_str());
        let unchanged = |name| {
            let held = waiting.hash.get(name).cloned().unwrap_or_default();
            Guard::Field { key: body.clone(), name, held }
        };
        let guards = ["span_id", "status", COUNTED, "orphan"].map(unchanged);
        let request = Span { orphan: true, ..span.clone() };
        let before = as_counted(&waiting.hash, span);
        let mut commands = effects(keys, self.ttl, before.as_ref(), Some(&request));
        commands.push(leave);
        commands.push(Command::new("HSET", body.clone()).arg(&["orphan", "1"]));
        transaction(&guards, commands)
    }
}

impl Waiting {
    /// Whether its parent has not come and it is no request yet.
    fn is_request(&self) -> bool {
        !self.parent_is_here && self.span.as_ref().is_some_and(|span| !span.is_root())
    }
}
