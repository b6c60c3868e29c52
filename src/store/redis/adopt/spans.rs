//! Spans of the scripts: hashes `span:{span_id}` without our mark.

use super::of_one;
use crate::model::{Problem, Span, SpanStatus};
use crate::store::redis::RedisStore;
use crate::store::redis::codec::span::{ADOPTED, MARKER, decode, fields};
use crate::store::redis::command::{Command, Guard, Request, transaction};
use crate::store::redis::connection::read;
use crate::store::redis::keys::Keys;
use crate::store::redis::trace::MAX_OPEN_ROOTS;
use crate::store::redis::write::{span_entries, span_indexes};

/// Open roots that a slice looks at.
const ROOTS: usize = 500;

impl RedisStore {
    /// Gives spans their entries, a time to live and our mark; tells how many had none.
    pub(super) async fn adopt_spans(&self, keys: &Keys, ids: Vec<Vec<u8>>) -> Result<u64, Problem> {
        // What parts an id from the trace's in an index can't be in it.
        let ids = ids.into_iter().filter_map(|id| String::from_utf8(id).ok()).filter(|id| !id.contains('|'));
        let ids: Vec<String> = ids.collect();
        let whole = ids.iter().map(|id| Command::new("HGETALL", keys.span(id)));
        let mut requests: Vec<Request> = Vec::new();
        for (id, reply) in ids.iter().zip(self.ask_all(whole).await) {
            let span = of_one(reply)?.and_then(|hash| decode(&fields(hash)));
            requests.extend(
                span.filter(|span| span.span_id.as_str() == id).map(|span| self.adoption_of(keys, &span)),
            );
        }
        let mut records = 0;
        if requests.is_empty() {
            return Ok(records);
        }
        for reply in self.reads.send(&requests).await {
            // Another process may have been faster, or an agent may have ended the span through us.
            records += u64::from(
                of_one(reply)?
                    .is_some_and(|reply| read(Ok(reply)).is_ok_and(|done: String| done == "written")),
            );
        }
        Ok(records)
    }

    /// All that makes a span known but the span itself, which stays as its script wrote it.
    fn adoption_of(&self, keys: &Keys, span: &Span) -> Request {
        let key = keys.span(span.span_id.as_str());
        let unchanged = |name, held: &str| Guard::Field { key: key.clone(), name, held: held.to_owned() };
        let guards = [unchanged(MARKER, ""), unchanged("span_id", span.span_id.as_str())];
        let mut commands = span_entries(keys, self.ttl, span);
        commands.extend(span_indexes(keys, self.ttl, span));
        commands.push(Command::new("HSET", key.clone()).arg(&[MARKER, ADOPTED]));
        commands.push(Command::new("EXPIRE", key).arg(self.ttl.traces));
        transaction(&guards, commands)
    }

    /// Takes roots that a script has ended out of the index of open ones, newest first; tells where to go on.
    pub(super) async fn sweep_roots(&self, keys: &Keys, rank: usize) -> Result<Option<usize>, Problem> {
        let index = keys.open_roots(keys.shard_of(""));
        let range = Command::new("ZREVRANGE", index.clone()).arg(rank).arg(rank + ROOTS - 1);
        let roots: Vec<String> = read(self.reads.ask(range).await)?;
        let status = |root: &String| {
            let span_id = root.split_once('|').map_or("", |(span_id, _)| span_id);
            Command::new("HGET", keys.span(span_id)).arg("status")
        };
        let mut ended = Vec::new();
        for (root, reply) in roots.iter().zip(self.ask_all(roots.iter().map(status)).await) {
            let status: Option<String> = of_one(reply)?.map_or(Ok(None), |reply| read(Ok(reply)))?;
            if status.as_deref() != Some(SpanStatus::InProgress.as_str()) {
                ended.push(root);
            }
        }
        if !ended.is_empty() {
            self.reads.ask(Command::new("ZREM", index).arg(&ended)).await?;
        }
        let next = rank + roots.len() - ended.len();
        Ok((roots.len() == ROOTS && next < MAX_OPEN_ROOTS).then_some(next))
    }
}
