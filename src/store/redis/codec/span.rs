//! A span as a hash.
//!
//! The published fields are `span_id`, `trace_id`, `parent_span_id` (empty for a root), `name`, `start_time`,
//! `status`, and at the end `end_time`, `duration_ms`, `metadata`; the other ones are ours. A script may end a
//! span of ours, and we one of a script's.

use std::collections::HashMap;

use redis::Value as RedisValue;
use serde::Serialize;
use serde_json::{Map, Value};

use super::json;
use crate::model::{Lifted, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Usage, is_none_word};

/// The fields of a hash, as text.
pub(in super::super) type Fields = HashMap<String, String>;

/// Tells how far we wrote the hash: what a script has changed since, our own fields know nothing of.
pub(in super::super) const MARKER: &str = "wg";
/// A script's hash that has its index entries.
pub(in super::super) const ADOPTED: &str = "adopted";
/// Tells how far the numbers know the span, whoever wrote it.
pub(in super::super) const COUNTED: &str = "counted";
/// Tells that its parent was not here when it started.
pub(in super::super) const PARENT_MISSING: &str = "parent_missing";
const STARTED: &str = "started";
const ENDED: &str = "ended";

/// The fields of a hash that was read whole; what is not UTF-8 becomes U+FFFD.
pub(in super::super) fn fields(hash: RedisValue) -> Fields {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    redis::from_redis_value::<HashMap<Vec<u8>, Vec<u8>>>(hash)
        .unwrap_or_default()
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// The hash of `span`: names and values in turn.
pub(in super::super) fn encode(span: &Span) -> Vec<String> {
    let mut hash = Vec::with_capacity(40);
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            hash.extend([name.to_owned(), value]);
        }
    };
    put("span_id", Some(span.span_id.to_string()));
    put("trace_id", Some(span.trace_id.to_string()));
    put("parent_span_id", Some(span.parent_span_id.as_ref().map(SpanId::to_string).unwrap_or_default()));
    put("name", Some(span.name.clone()));
    put("start_time", Some(span.start_time.to_naive_iso()));
    put("status", Some(span.status.to_string()));
    put("end_time", span.end_time.map(Timestamp::to_naive_iso));
    // As Python writes a float: never without its point.
    put("duration_ms", span.duration_ms.map(|milliseconds| format!("{milliseconds:?}")));
    put("metadata", (!span.metadata.is_empty()).then(|| compact(&span.metadata)));
    put("kind", Some(span.kind.as_str().to_owned()));
    put("orphan", span.orphan.then(|| "1".to_owned()));
    put("parent_remote", span.parent_remote.then(|| "1".to_owned()));
    put("error", span.error.clone());
    put("agent_name", span.agent_name.clone());
    put("session_id", span.session_id.clone());
    put("model", span.model.clone());
    put("provider", span.provider.clone());
    put("usage", (!span.usage.is_empty()).then(|| compact(&span.usage)));
    put("reported_cost_pico_usd", span.reported_cost_pico_usd.map(|cost| cost.to_string()));
    put("computed_cost_pico_usd", span.computed_cost_pico_usd.map(|cost| cost.to_string()));
    put("clock_skew", span.clock_skew.then(|| "1".to_owned()));
    put("redacted", (!span.redacted.is_empty()).then(|| compact(&span.redacted)));
    put("fingerprint", Some(span.fingerprint.clone()));
    put(MARKER, Some(progress(span).to_owned()));
    put(COUNTED, Some(progress(span).to_owned()));
    hash
}

/// How far it is, as [`COUNTED`] has it.
pub(in super::super) fn progress(span: &Span) -> &'static str {
    if span.status == SpanStatus::InProgress { STARTED } else { ENDED }
}

/// The span as the numbers know it, of a hash that is `span`; `None` where they don't.
///
/// A script may have ended it since it was counted: what it changed is nothing that a start is counted by, but for
/// the agent, which metadata may name.
pub(in super::super) fn as_counted(hash: &Fields, span: &Span) -> Option<Span> {
    let counted = hash.get(COUNTED)?;
    Some(if counted == ENDED {
        span.clone()
    } else {
        Span { agent_name: hash.get("agent_name").cloned(), ..span.clone().as_started() }
    })
}

/// The span that a hash is as the numbers know it, if they do.
pub(in super::super) fn counted(hash: &Fields) -> Option<Span> {
    as_counted(hash, &decode(hash)?)
}

/// Whether the hash does not tell that the span's parent was here.
pub(in super::super) fn awaits_parent(hash: &Fields, span: &Span) -> bool {
    let is_ours = hash.get(MARKER).is_some_and(|marker| marker != ADOPTED) && hash.contains_key(COUNTED);
    !span.is_root() && (!is_ours || hash.contains_key(PARENT_MISSING))
}

/// The span that a hash is, whoever wrote it; `None` where it lacks an id, a trace or a start.
pub(in super::super) fn decode(hash: &Fields) -> Option<Span> {
    let text = |name: &str| hash.get(name).filter(|text| !text.is_empty()).cloned();
    let time = |name: &str| text(name).and_then(|text| Timestamp::parse(&text));
    let metadata: Map<String, Value> =
        hash.get("metadata").and_then(|text| json::read(text.as_bytes())).unwrap_or_default();
    let name = text("name").unwrap_or_default();
    let end_time = time("end_time");
    let kind = text("kind").and_then(|word| SpanKind::parse("kind", &word).ok());
    let mut span = Span {
        trace_id: TraceId::stored(text("trace_id")?),
        span_id: SpanId::stored(text("span_id")?),
        parent_span_id: text("parent_span_id").filter(|id| !is_none_word(id)).map(SpanId::stored),
        parent_remote: hash.contains_key("parent_remote"),
        orphan: hash.contains_key("orphan"),
        kind: kind.unwrap_or_else(|| SpanKind::infer(&name, &metadata)),
        name,
        start_time: time("start_time")?,
        end_time,
        duration_ms: text("duration_ms")
            .and_then(|text| text.parse().ok())
            .filter(|milliseconds: &f64| milliseconds.is_finite()),
        status: SpanStatus::InProgress,
        error: text("error"),
        agent_name: text("agent_name"),
        session_id: text("session_id"),
        model: text("model"),
        provider: text("provider"),
        usage: text("usage").and_then(|text| json::read(text.as_bytes())).unwrap_or_else(Usage::default),
        reported_cost_pico_usd: text("reported_cost_pico_usd").and_then(|text| text.parse().ok()),
        computed_cost_pico_usd: text("computed_cost_pico_usd").and_then(|text| text.parse().ok()),
        metadata,
        clock_skew: hash.contains_key("clock_skew"),
        redacted: text("redacted").and_then(|text| json::read(text.as_bytes())).unwrap_or_default(),
        fingerprint: text("fingerprint").unwrap_or_default(),
    };
    span.status = status(hash.get("status").map_or("", String::as_str), &span);
    let marker = hash.get(MARKER).map(String::as_str);
    let ended = span.status != SpanStatus::InProgress;
    if matches!(marker, None | Some(ADOPTED)) || (ended && marker != Some(ENDED)) {
        span.adopt(Lifted::from_metadata(&span.metadata));
    }
    Some(span)
}

/// What a status word means. The scripts stored any word: one that isn't known ended the span if it has an
/// end, in failure if the span tells of an error and well otherwise.
fn status(word: &str, span: &Span) -> SpanStatus {
    SpanStatus::from_word(word).unwrap_or_else(|| {
        let told = span.error.is_some() || Lifted::from_metadata(&span.metadata).error.is_some();
        match (span.end_time, told) {
            (None, _) => SpanStatus::InProgress,
            (Some(_), true) => SpanStatus::Error,
            (Some(_), false) => SpanStatus::Ok,
        }
    })
}

/// Our own types always serialise.
fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hash(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn written(span: &Span) -> Fields {
        encode(span).chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    }

    fn started_by_script() -> Fields {
        hash(&[
            ("span_id", "a1b2c3d4"),
            ("trace_id", "t"),
            ("parent_span_id", "{{parent_span_id}}"),
            ("name", "llm_call"),
            ("start_time", "2026-11-22T09:30:00"),
            ("status", "in_progress"),
        ])
    }

    #[test]
    fn a_span_comes_back_whole() {
        let mut span = decode(&started_by_script()).unwrap();
        span.parent_span_id = Some(SpanId::stored("p"));
        (span.parent_remote, span.clock_skew, span.orphan) = (true, true, true);
        span.computed_cost_pico_usd = Some(7);
        (span.agent_name, span.fingerprint) = (Some("a".into()), "f".into());
        span.redacted = vec!["metadata.headers[2].cookie".into()];
        span.metadata =
            json!({"input_tokens": 3, "cost_usd": 0.5, "error": "boom"}).as_object().unwrap().clone();
        span.adopt(Lifted::from_metadata(&span.metadata));
        (span.end_time, span.duration_ms) = (Some(span.start_time), Some(2_500.0));
        span.status = SpanStatus::Error;
        let hash = written(&span);
        assert_eq!(
            (hash["duration_ms"].as_str(), hash["end_time"].as_str()),
            ("2500.0", "2026-11-22T09:30:00.000000")
        );
        assert_eq!(decode(&hash).unwrap(), span);
    }

    #[test]
    fn roots_have_an_empty_parent_and_odd_words_mean_none() {
        for word in ["", "None", "none", "<nil>", "{{parent_span_id}}"] {
            let mut hash = started_by_script();
            hash.insert("parent_span_id".into(), word.into());
            let span = decode(&hash).unwrap();
            assert_eq!(span.parent_span_id, None, "{word}");
            assert_eq!(written(&span)["parent_span_id"], "");
        }
    }

    #[test]
    fn a_script_may_end_what_we_started() {
        let mut hash = written(&decode(&started_by_script()).unwrap());
        hash.insert("end_time".into(), "2026-11-22T09:30:02.500000".into());
        hash.insert("duration_ms".into(), "2500.0".into());
        hash.insert("status".into(), "{{status}}".into());
        hash.insert("metadata".into(), r#"{"output_tokens": 7, "x": NaN}"#.into());
        let span = decode(&hash).unwrap();
        assert_eq!(
            (span.status, span.duration_ms, span.usage.output),
            (SpanStatus::Ok, Some(2_500.0), Some(7))
        );
        hash.insert("metadata".into(), r#"{"error": "boom"}"#.into());
        assert_eq!(decode(&hash).unwrap().status, SpanStatus::Error);
    }

    #[test]
    fn what_is_no_span_is_none() {
        for missing in ["span_id", "trace_id", "start_time"] {
            let mut hash = started_by_script();
            hash.remove(missing);
            assert_eq!(decode(&hash), None, "{missing}");
        }
    }
}
