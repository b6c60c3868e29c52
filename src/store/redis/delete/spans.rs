//! Deleting a trace.

use super::SLICE;
use crate::model::{Problem, Span};
use crate::store::Deleted;
use crate::store::redis::RedisStore;
use crate::store::redis::codec::span::{COUNTED, Fields, as_counted, decode};
use crate::store::redis::codec::time;
use crate::store::redis::command::{Command, Guard, Request, transaction};
use crate::store::redis::connection::read;
use crate::store::redis::error::is_wrong_type;
use crate::store::redis::keys::Keys;
use crate::store::redis::write::removal;

impl RedisStore {
    /// Deletes a slice of a trace: its logs, then its spans, then what is known of it as a whole. Its spans tell whose
    /// it is, so they are the last to go.
    pub(super) async fn delete_trace(&self, keys: &Keys, trace_id: &str) -> Result<Deleted, Problem> {
        let mut deleted = Deleted::default();
        let first = Command::new("ZRANGE", keys.trace_logs(trace_id)).arg(0).arg(SLICE).arg("WITHSCORES");
        let mut entries: Vec<(String, f64)> = read(self.reads.ask(first).await)?;
        deleted.more = entries.len() > SLICE;
        entries.truncate(SLICE);
        let entries = entries.into_iter().map(|(entry, score)| (time(score), entry)).collect();
        deleted.logs = self.delete_of_trace(keys, trace_id, entries).await?;
        if deleted.more {
            return Ok(deleted);
        }
        let reply = self.reads.ask(Command::new("SMEMBERS", keys.trace_spans(trace_id))).await;
        let mut ids: Vec<String> =
            if reply.as_ref().is_err_and(is_wrong_type) { Vec::new() } else { read(reply)? };
        deleted.more = ids.len() > SLICE;
        ids.truncate(SLICE);
        self.delete_spans(keys, trace_id, &ids, &mut deleted).await?;
        if !deleted.more {
            let index = Command::new("ZREM", keys.trace_index(trace_id)).arg(trace_id);
            self.drop_all(vec![index.into(), Command::new("DEL", keys.trace(trace_id)).into()]).await?;
        }
        Ok(deleted)
    }

    /// Deletes spans; what another process changes meanwhile is left for the next slice.
    async fn delete_spans(
        &self,
        keys: &Keys,
        trace_id: &str,
        ids: &[String],
        deleted: &mut Deleted,
    ) -> Result<(), Problem> {
        let hashes = self.hashes_of(keys, ids.iter().map(String::as_str)).await?;
        let mut gone: Vec<&String> = Vec::new();
        let mut found: Vec<(&String, Span)> = Vec::new();
        let mut requests: Vec<Request> = Vec::new();
        for (id, hash) in ids.iter().zip(&hashes) {
            match decode(hash)
                .filter(|span| span.span_id.as_str() == id && span.trace_id.as_str() == trace_id)
            {
                Some(span) => {
                    requests.push(self.removal_of(keys, hash, &span));
                    found.push((id, span));
                }
                None => gone.push(id),
            }
        }
        let mut left: Vec<Request> = Vec::new();
        let mut failures: Vec<(String, Span)> = Vec::new();
        for (reply, (id, span)) in self.send_all(&requests).await.into_iter().zip(found) {
            if read::<String>(reply)? != "written" {
                deleted.more = true;
                continue;
            }
            deleted.spans += 1;
            gone.push(id);
            left.extend(span.w3c_aliases().map(|(alias, _)| Command::new("DEL", keys.alias(&alias)).into()));
            failures.extend(span.error_fingerprint().map(|fingerprint| (fingerprint, span)));
        }
        if !gone.is_empty() {
            left.push(Command::new("SREM", keys.trace_spans(trace_id)).arg(gone).into());
        }
        self.drop_all(left).await?;
        self.forget_failures(keys, failures).await
    }

    /// Forgets failures of a kind of which none is held any more. Of one that others share with the deleted span,
    /// only what it said in common with them stays.
    async fn forget_failures(&self, keys: &Keys, failures: Vec<(String, Span)>) -> Result<(), Problem> {
        let count = |(fingerprint, _): &(String, Span)| {
            let count = |shard| Command::new("HEXISTS", keys.failures(shard)).arg(fingerprint);
            keys.shards().map(count).collect::<Vec<_>>()
        };
        let mut counts = self.ask_all(failures.iter().flat_map(count)).await.into_iter();
        let messages = failures.iter().map(|(_, span)| span.folded_error()).collect::<Vec<_>>();
        let mut requests: Vec<Request> = Vec::new();
        for ((fingerprint, span), message) in failures.iter().zip(messages) {
            let group = keys.error_group(fingerprint);
            let of_shards = counts.by_ref().take(self.layout.shard_count());
            let is_held = of_shards.map(read).collect::<Result<Vec<bool>, _>>()?.contains(&true);
            if is_held {
                let is_sample = Guard::Field {
                    key: group.clone(),
                    name: "sample_span_id",
                    held: span.span_id.to_string(),
                };
                let common = Command::new("HSET", group).arg("sample_message").arg(message);
                requests.push(transaction(&[is_sample], vec![common]));
            } else {
                requests.push(Command::new("ZREM", keys.error_index(group.shard)).arg(fingerprint).into());
                requests.push(Command::new("DEL", group).into());
            }
        }
        self.drop_all(requests).await
    }

    /// Takes a span away with all that it added, if it is still what was read.
    fn removal_of(&self, keys: &Keys, hash: &Fields, span: &Span) -> Request {
        let body = keys.span(span.span_id.as_str());
        let unchanged = |name| {
            let held = hash.get(name).cloned().unwrap_or_default();
            Guard::Field { key: body.clone(), name, held }
        };
        let guards = ["span_id", "status", COUNTED, "orphan"].map(unchanged);
        let mut commands = removal(keys, self.ttl, span, as_counted(hash, span).as_ref());
        commands.push(Command::new("DEL", body));
        transaction(&guards, commands)
    }
}
