//! Reading spans.

use futures::FutureExt;
use futures::future::BoxFuture;
use redis::Value;

use super::RedisStore;
use super::codec::span::{decode, fields};
use super::codec::time;
use super::command::{Command, Request};
use super::connection::{Reply, read};
use super::error::is_wrong_type;
use super::keys::{Key, Keys};
use crate::model::{
    OpenSpan, Problem, Span, SpanId, SpanPosition, SpanStatus, Timestamp, TracePage, TraceQuery,
};
use crate::store::MAX_OPEN_SPANS;

impl RedisStore {
    /// A page of a trace's spans, by start.
    pub(super) async fn trace_page(&self, keys: &Keys, query: &TraceQuery) -> Result<TracePage, Problem> {
        let trace_id = query.trace_id.as_str();
        let about = Command::new("HMGET", keys.trace(trace_id)).arg(&["agent_name", "last_activity"]);
        let members = Command::new("SMEMBERS", keys.trace_spans(trace_id));
        let mut replies = self.reads.send(&[about.into(), members.into()]).await.into_iter();
        let mut next = || replies.next().unwrap_or(Ok(Value::Nil));
        let (agent_name, last_activity): (Option<String>, Option<i64>) = read(next())?;
        let ids: Vec<Vec<u8>> = read(skip_wrong_type(next()))?;
        let ids = ids.into_iter().filter_map(|id| String::from_utf8(id).ok()).collect::<Vec<_>>();

        let mut positions = self.positions(keys, trace_id, ids).await?;
        let total = positions.len() as u64;
        positions.sort();
        let after = query.after.as_ref();
        positions.retain(|position| after.is_none_or(|after| position > after));
        let more = positions.len() > query.limit;
        positions.truncate(query.limit);

        let whole = |position: &SpanPosition| Command::new("HGETALL", keys.span(position.span_id.as_str()));
        let mut spans = Vec::with_capacity(positions.len());
        for reply in self.ask_all(positions.iter().map(whole)).await {
            spans.extend(decode(&fields(reply?)));
        }
        let next = if more { spans.last().map(Span::position) } else { None };
        // What scripts write to a trace is seen in its spans first, or there alone.
        let last_seen = || spans.iter().map(|span| span.end_time.unwrap_or(span.start_time)).max();
        let last_activity = last_activity.map(Timestamp::from_micros).max(last_seen());
        Ok(TracePage { spans, total, next, agent_name, last_activity })
    }

    /// The span of this id.
    pub(super) async fn span_by_id(&self, keys: &Keys, span_id: &SpanId) -> Result<Option<Span>, Problem> {
        match self.reads.ask(Command::new("HGETALL", keys.span(span_id.as_str()))).await {
            Err(problem) if is_wrong_type(&problem) => Ok(None),
            reply => Ok(decode(&fields(reply?))),
        }
    }

    /// Where the trace's spans stand in it. What is not there, or is no span of the trace, has no position.
    async fn positions(
        &self,
        keys: &Keys,
        trace_id: &str,
        ids: Vec<String>,
    ) -> Result<Vec<SpanPosition>, Problem> {
        let start =
            |id: &String| Command::new("HMGET", keys.span(id)).arg(&["span_id", "trace_id", "start_time"]);
        let replies = self.ask_all(ids.iter().map(start)).await;
        let mut positions = Vec::with_capacity(ids.len());
        for (id, reply) in ids.into_iter().zip(replies) {
            let reply = match reply {
                Err(problem) if is_wrong_type(&problem) => continue,
                reply => reply,
            };
            let (own, trace, start): (Option<String>, Option<String>, Option<String>) = read(reply)?;
            let start_time = start.and_then(|start| Timestamp::parse(&start));
            if let (true, true, Some(start_time)) =
                (own.is_some(), trace.as_deref() == Some(trace_id), start_time)
            {
                positions.push(SpanPosition { start_time, span_id: SpanId::stored(id) });
            }
        }
        Ok(positions)
    }

    /// The spans in progress, newest first.
    pub(super) async fn in_progress(&self, keys: &Keys) -> Result<Vec<OpenSpan>, Problem> {
        let members =
            |key: Key| Command::new("ZREVRANGE", key).arg(0).arg(MAX_OPEN_SPANS - 1).arg("WITHSCORES");
        let mut entries: Vec<(String, f64)> = Vec::new();
        for reply in self.ask_all(self.layout.shards().map(|shard| members(keys.open_spans(shard)))).await {
            entries.extend(read::<Vec<(String, f64)>>(reply)?);
        }
        entries.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        entries.truncate(MAX_OPEN_SPANS);
        let about = entries.iter().filter_map(|(member, started)| {
            let (span_id, trace_id) = member.split_once('|')?;
            let span = Command::new("HGETALL", keys.span(span_id));
            let trace = Command::new("HMGET", keys.trace(trace_id)).arg(&["last_activity", "agent_name"]);
            Some((*started, [span, trace]))
        });
        let (started, commands): (Vec<f64>, Vec<[Command; 2]>) = about.unzip();
        let mut replies = self.ask_all(commands.into_iter().flatten()).await.into_iter();
        let mut open = Vec::new();
        for started in started {
            let mut next = || replies.next().unwrap_or(Ok(Value::Nil));
            let span = decode(&fields(next()?));
            let (last_activity, trace_agent): (Option<i64>, Option<String>) = read(next())?;
            // A script may have ended it, and knows nothing of the index.
            if let Some(span) = span.filter(|span| span.status == SpanStatus::InProgress) {
                open.push(OpenSpan {
                    is_root: span.is_root(),
                    trace_id: span.trace_id,
                    span_id: span.span_id,
                    name: span.name,
                    kind: span.kind,
                    start_time: span.start_time,
                    agent_name: span.agent_name.or(trace_agent),
                    last_activity: last_activity.map_or_else(|| time(started), Timestamp::from_micros),
                });
            }
        }
        Ok(open)
    }

    /// Sends commands that may be none.
    pub(super) fn ask_all(&self, commands: impl Iterator<Item = Command>) -> BoxFuture<'_, Vec<Reply>> {
        let requests: Vec<Request> = commands.map(Request::from).collect();
        async move { self.send_all(&requests).await }.boxed()
    }

    /// Sends requests that may be none.
    pub(super) async fn send_all(&self, requests: &[Request]) -> Vec<Reply> {
        if requests.is_empty() { Vec::new() } else { self.reads.send(requests).await }
    }
}

/// A key of the scripts' that holds something else holds no spans.
fn skip_wrong_type(reply: Reply) -> Reply {
    match reply {
        Err(problem) if is_wrong_type(&problem) => Ok(Value::Array(Vec::new())),
        reply => reply,
    }
}
