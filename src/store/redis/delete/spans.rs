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
    /// Deletes a slice of a trace: its spans, then its logs, then what is known of it as a whole.
    pub(super) async fn delete_trace(&self, keys: &Keys, trace_id: &str) -> Result<Deleted, Problem> {
        let mut deleted = Deleted::default();
        let reply = self.reads.ask(Command::new("SMEMBERS", keys.trace_spans(trace_id))).await;
        let mut ids: Vec<String> =
            if reply.as_ref().is_err_and(is_wrong_type) { Vec::new() } else { read(reply)? };
        deleted.more = ids.len() > SLICE;
        ids.truncate(SLICE);
        self.delete_spans(keys, trace_id, &ids, &mut deleted).await?;
        if deleted.more {
            return Ok(deleted);
        }
        let logs = keys.trace_logs(trace_id);
        let first = Command::new("ZRANGE", logs).arg(0).arg(SLICE).arg("WITHSCORES");
        let entries: Vec<(String, f64)> = read(self.reads.ask(first).await)?;
        deleted.more = entries.len() > SLICE;
        let entries = entries.into_iter().map(|(entry, score)| (time(score), entry)).collect();
        deleted.logs += self.delete_of_trace(keys, trace_id, entries).await?;
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
        for (reply, (id, span)) in self.send_all(&requests).await.into_iter().zip(found) {
            if read::<String>(reply)? != "written" {
                deleted.more = true;
                continue;
            }
            deleted.spans += 1;
            gone.push(id);
            left.extend(span.w3c_aliases().map(|(alias, _)| Command::new("DEL", keys.alias(&alias)).into()));
            left.extend(sample_removal(keys, &span));
        }
        if !gone.is_empty() {
            left.push(Command::new("SREM", keys.trace_spans(trace_id)).arg(gone).into());
        }
        self.drop_all(left).await
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

/// Forgets what a failure is shown by, if that is this span: it holds what the span said.
fn sample_removal(keys: &Keys, span: &Span) -> Option<Request> {
    let key = keys.error_group(&span.error_fingerprint()?);
    let is_this = Guard::Field { key: key.clone(), name: "sample_span_id", held: span.span_id.to_string() };
    Some(transaction(&[is_this], vec![Command::new("DEL", key)]))
}
