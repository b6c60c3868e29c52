//! A log as a member of a sorted set.
//!
//! It begins with what the published scripts wrote: `timestamp`, `event_type`, `message` and metadata's keys.
//! A key of metadata that bears the name of one of the record's own fields stands under `metadata` instead.

use serde_json::{Map, Value};

use super::json;
use crate::model::{EventType, Level, Lifted, Log, SpanId, Timestamp, TraceId, digest};

/// Tells our members from the scripts', and by its number one form of ours from the next.
const MARKER: &str = "wg";
/// How a member of ours ends: [`encode`] puts the mark last, and Python puts a space before the number.
pub(in super::super) const MARKED_END: &str = "\"wg\":1}";
/// Names that metadata's keys can't have at the top level.
const RESERVED: [&str; 13] = [
    "timestamp",
    "event_type",
    "message",
    "metadata",
    "level",
    "id",
    "agent_name",
    "trace_id",
    "span_id",
    "session_id",
    "sanitized",
    "redacted",
    MARKER,
];

/// The member of `log`.
pub(in super::super) fn encode(log: &Log) -> String {
    let mut member = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            member.insert(name.to_owned(), value);
        }
    };
    put("timestamp", Some(log.timestamp.to_naive_iso().into()));
    put("event_type", Some(log.event_type.as_str().into()));
    put("message", Some(log.message.as_str().into()));
    let mut shadowed = Map::new();
    for (name, value) in &log.metadata {
        if RESERVED.contains(&name.as_str()) {
            shadowed.insert(name.clone(), value.clone());
        } else {
            put(name, Some(value.clone()));
        }
    }
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    put("metadata", (!shadowed.is_empty()).then_some(Value::Object(shadowed)));
    put("level", log.level.map(|level| level.as_str().into()));
    put("id", Some(log.id.as_str().into()));
    put("agent_name", text(&log.agent_name));
    put("trace_id", log.trace_id.as_ref().map(|id| id.as_str().into()));
    put("span_id", log.span_id.as_ref().map(|id| id.as_str().into()));
    put("session_id", text(&log.session_id));
    put("sanitized", log.sanitized.then_some(true.into()));
    put("redacted", (!log.redacted.is_empty()).then(|| log.redacted.clone().into()));
    put(MARKER, Some(1.into()));
    Value::Object(member).to_string()
}

/// The log that `member` of `logs:{event_type}` is, whoever wrote it; `None` where it is no JSON object.
///
/// Its time is the score: metadata could override a script's own `timestamp`, and order and paging go by the
/// score.
pub(in super::super) fn decode(member: &[u8], timestamp: Timestamp, event_type: &str) -> Option<Log> {
    let mut fields: Map<String, Value> = json::read(member)?;
    let ours = fields.get(MARKER).is_some_and(|version| version == 1)
        && fields.get("id").is_some_and(Value::is_string);
    for name in ["timestamp", "event_type"] {
        fields.shift_remove(name);
    }
    let message = match fields.shift_remove("message") {
        Some(Value::String(message)) => message,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let event_type = EventType::stored(event_type);
    if !ours {
        let lifted = Lifted::from_metadata(&fields);
        return Some(Log {
            id: format!("seed-{}", digest([String::from_utf8_lossy(member).as_ref()]).get(..16)?),
            timestamp,
            level: fields.get("level").and_then(Value::as_str).and_then(Level::from_word),
            event_type,
            message,
            metadata: fields,
            agent_name: lifted.agent_name,
            trace_id: lifted.trace_id,
            span_id: lifted.span_id,
            session_id: lifted.session_id,
            sanitized: false,
            redacted: Vec::new(),
        });
    }
    let shadowed = fields.shift_remove("metadata");
    let mut text = |name: &str| match fields.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let mut log = Log {
        id: text("id")?,
        timestamp,
        level: text("level").as_deref().and_then(Level::from_word),
        event_type,
        message,
        metadata: Map::new(),
        agent_name: text("agent_name"),
        trace_id: text("trace_id").map(TraceId::stored),
        span_id: text("span_id").map(SpanId::stored),
        session_id: text("session_id"),
        sanitized: false,
        redacted: Vec::new(),
    };
    log.sanitized = fields.shift_remove("sanitized").is_some();
    let redacted = fields.shift_remove("redacted").and_then(|marks| serde_json::from_value(marks).ok());
    log.redacted = redacted.unwrap_or_default();
    fields.shift_remove(MARKER);
    if let Some(Value::Object(shadowed)) = shadowed {
        fields.extend(shadowed);
    }
    log.metadata = fields;
    Some(log)
}

/// The index member of a log.
pub(in super::super) fn index_member(log: &Log) -> String {
    format!("{}|{}", log.id, log.event_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TIME: Timestamp = Timestamp::from_micros(1_795_339_800_123_456);

    fn log(metadata: Value) -> Log {
        Log {
            id: "0199".into(),
            timestamp: TIME,
            level: Some(Level::Warn),
            event_type: EventType::stored("agent.start"),
            message: "hello".into(),
            metadata: serde_json::from_value(metadata).unwrap(),
            agent_name: Some("a".into()),
            trace_id: Some(TraceId::stored("t")),
            span_id: None,
            session_id: Some("s".into()),
            sanitized: true,
            redacted: vec!["message".into(), "metadata.a".into()],
        }
    }

    #[test]
    fn it_begins_with_the_published_fields_and_comes_back_whole() {
        let log = log(
            json!({"step": 1, "id": "mine", "metadata": {"a": 1}, "level": 3, "agent_name": "b", "redacted": 4}),
        );
        let member = encode(&log);
        assert!(
            member.starts_with(
                r#"{"timestamp":"2026-11-22T09:30:00.123456","event_type":"agent.start","message":"hello","step":1"#
            ),
            "{member}"
        );
        assert!(member.ends_with(MARKED_END), "{member}");
        assert_eq!(decode(member.as_bytes(), TIME, "agent.start").unwrap(), log);
    }

    #[test]
    fn what_the_scripts_wrote_is_read() {
        let member = br#"{"timestamp": "2026-11-22T09:30:00", "event_type": "e", "message": "m", "agent_name": "a", "cost": NaN, "bad": "\udcff"}"#;
        let log = decode(member, TIME, "e").unwrap();
        assert_eq!((log.level, log.agent_name.as_deref()), (None, Some("a")));
        assert_eq!(Value::Object(log.metadata), json!({"agent_name": "a", "cost": null, "bad": "\u{fffd}"}));
        assert!(log.id.starts_with("seed-") && log.id.len() == 21, "{}", log.id);
        assert_eq!(
            decode(br#"{"level": "WARNING", "message": 5}"#, TIME, "e").unwrap().level,
            Some(Level::Warn)
        );
        for member in ["", "plain", "[1]", "7"] {
            assert_eq!(decode(member.as_bytes(), TIME, "e"), None, "{member}");
        }
    }
}
