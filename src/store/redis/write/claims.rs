//! Idempotency keys: the first call with a key says what the record is, and every later one repeats it.

use serde::{Deserialize, Serialize};

use super::Item;
use crate::model::{Idempotency, Problem, Record, SpanId, Timestamp, TraceId};
use crate::store::redis::command::{Command, Request};
use crate::store::redis::connection::{Link, Reply, read};

/// How a record stands to its idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It has none.
    None,
    /// It is the first with it.
    First,
    /// It repeats a call, and has taken on that call's identity.
    Repeat,
}

/// What tells the first call's record from a repetition's: all that was minted or taken from the clock.
#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    fingerprint: String,
    at: Timestamp,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_id: Option<TraceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span_fingerprint: Option<String>,
}

/// Claims the keys of a wave. A repetition becomes the first call's record; so writing it again, whether or not
/// the first call came to an end, changes nothing.
pub(super) async fn stake(link: &Link, wave: &mut [&mut Item]) {
    let mut owners = Vec::new();
    let mut requests: Vec<Request> = Vec::new();
    for (index, item) in wave.iter().enumerate() {
        let Some(idempotency) = &item.write.idempotency else { continue };
        let identity = Identity::of(&item.write.record, &idempotency.fingerprint);
        let text = serde_json::to_string(&identity).unwrap_or_default();
        let claim = Command::new("SET", item.keys.claim(&idempotency.key))
            .arg(text)
            .arg(&["NX", "GET", "EX"])
            .arg(Idempotency::KEPT.as_secs());
        owners.push(index);
        requests.push(claim.into());
    }
    if requests.is_empty() {
        return;
    }
    for (index, reply) in owners.into_iter().zip(link.send(&requests).await) {
        let item = &mut *wave[index];
        match take(item, reply) {
            Ok(claim) => item.claim = claim,
            Err(problem) => item.answer = Some(Err(problem)),
        }
    }
}

/// Gives back the keys of first calls that a rule refused, so that the corrected call may use them.
pub(super) async fn release(link: &Link, wave: &[&mut Item]) {
    let refused = |item: &&&mut Item| {
        let problem = item.answer.as_ref().and_then(|answer| answer.as_ref().err());
        item.claim == Claim::First && problem.is_some_and(|problem| !problem.code.is_server_fault())
    };
    let requests: Vec<Request> = wave
        .iter()
        .filter(refused)
        .filter_map(|item| Some(item.keys.claim(&item.write.idempotency.as_ref()?.key)))
        .map(|key| Command::new("DEL", key).into())
        .collect();
    if !requests.is_empty() {
        // A key that stays claimed refuses nothing but another call under the same key.
        drop(link.send(&requests).await);
    }
}

fn take(item: &mut Item, reply: Reply) -> Result<Claim, Problem> {
    let Some(held) = read::<Option<String>>(reply)? else { return Ok(Claim::First) };
    let identity: Identity = serde_json::from_str(&held).map_err(Problem::internal)?;
    let given = item.write.idempotency.as_ref().map(|idempotency| idempotency.fingerprint.as_str());
    if given != Some(identity.fingerprint.as_str()) {
        return Err(Idempotency::conflict());
    }
    let repeats = Identity::of(&item.write.record, "").id == identity.id;
    identity.impose(&mut item.write.record);
    // The same record again is this very call, sent twice because a reply was lost.
    let same = repeats && matches!(item.write.record, Record::Log(_) | Record::Point(_));
    Ok(if same { Claim::First } else { Claim::Repeat })
}

impl Identity {
    fn of(record: &Record, fingerprint: &str) -> Self {
        let fingerprint = fingerprint.to_owned();
        let plain = |id: &str, at| Self {
            fingerprint: fingerprint.clone(),
            at,
            id: id.to_owned(),
            trace_id: None,
            span_fingerprint: None,
        };
        match record {
            Record::Log(log) => plain(&log.id, log.timestamp),
            Record::Point(point) => plain(&point.id, point.timestamp),
            Record::SpanEnd(end) => plain(end.span_id.as_str(), end.end_time),
            Record::SpanStart(span) => Self {
                trace_id: Some(span.trace_id.clone()),
                span_fingerprint: Some(span.fingerprint.clone()),
                ..plain(span.span_id.as_str(), span.start_time)
            },
            // An import has no key: what it writes is known by the records' own ids.
            Record::Import(_) => plain("", record.taken_at()),
        }
    }

    fn impose(self, record: &mut Record) {
        match record {
            Record::Log(log) => (log.id, log.timestamp) = (self.id, self.at),
            Record::Point(point) => (point.id, point.timestamp) = (self.id, self.at),
            Record::SpanEnd(end) => (end.span_id, end.end_time) = (SpanId::stored(self.id), self.at),
            Record::SpanStart(span) => {
                (span.span_id, span.start_time) = (SpanId::stored(self.id), self.at);
                span.trace_id = self.trace_id.unwrap_or_else(|| span.trace_id.clone());
                span.fingerprint = self.span_fingerprint.unwrap_or_default();
            }
            Record::Import(_) => {}
        }
    }
}
