//! What is replaced, and what must survive.

mod corpus;
mod properties;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::corpus::{HARMLESS, core, secrets_of_every_form};
use super::*;
use crate::model::{EventType, Labels, MetricKind, SpanId, SpanStatus, Timestamp, TraceId, testing};

fn log(message: &str, metadata: Value) -> Log {
    Log { metadata: serde_json::from_value(metadata).unwrap(), ..testing::log(message) }
}

fn open_span(metadata: Value) -> Span {
    Span { metadata: serde_json::from_value(metadata).unwrap(), ..testing::span("step") }
}

fn redacted_as(policy: ContentPolicy, log: Log) -> (Log, BTreeMap<&'static str, u64>) {
    let mut write = Write::once(Record::Log(Box::new(log)));
    let redactions = Redactor::new(policy).redact(&mut write).unwrap();
    let Record::Log(log) = write.record else { panic!("a log stays a log") };
    assert_eq!(redactions.is_empty(), log.redacted.is_empty());
    (*log, redactions.counts().collect())
}

fn redacted(log: Log) -> Log {
    redacted_as(ContentPolicy::Redacted, log).0
}

/// Metadata as it is stored, and where it was changed.
fn stored(metadata: Value) -> (Value, Vec<String>) {
    let log = redacted(log("", metadata));
    (log.metadata.into(), log.redacted)
}

#[test]
fn every_form_is_replaced_and_named() {
    for (rule, secret) in secrets_of_every_form() {
        for text in [secret.clone(), format!("it says \"{secret}\", twice: {secret}\nand goes on")] {
            let (log, counts) = redacted_as(ContentPolicy::Redacted, log(&text, json!({})));
            assert!(log.message.contains(&format!("[REDACTED:{rule}]")), "{rule}: {text}\n{}", log.message);
            assert!(!log.message.contains(core(rule, &secret)), "{rule}: {}", log.message);
            assert_eq!(log.redacted, ["message"], "{rule}");
            assert_eq!(counts.keys().collect::<Vec<_>>(), [&rule], "{text}");
            assert!(text == secret || log.message.ends_with("\nand goes on"), "{}", log.message);
        }
    }
}

#[test]
fn a_secret_is_found_inside_of_what_is_none() {
    for text in [
        "api_key='http://bob:hunter@host'",
        "password = \"see redis://:hunter@host/docs\"",
        "bearer redis://:hunter@host/docs",
        "http://bob:hunter@host?mail=me@here",
    ] {
        let message = redacted(log(text, json!({}))).message;
        assert_eq!(
            message,
            text.replace("bob:hunter", ":hunter").replace(":hunter", "[REDACTED:url_credentials]")
        );
    }
}

#[test]
fn what_only_looks_like_a_secret_survives() {
    for text in HARMLESS {
        let given = log(
            text,
            json!({ "text": text, "list": [text, {"deep": text}], "json": json!({ "a": text }).to_string() }),
        );
        assert_eq!(redacted(given.clone()), given);
    }
}

#[test]
fn what_stands_under_the_name_of_a_secret_is_replaced() {
    let (metadata, marks) = stored(json!({
        "password": "hunter2",
        "headers": [{"accept": "*/*"}, {"Set-Cookie": "a=b"}],
        "service": {"api_key": "k", "retries": 3},
        "credentials": {"user": "bob", "pin": 1234, "keys": ["a", null]},
        "session": "abc",
        "agent": {"session": {"turns": 2, "id": "s-1"}},
    }));
    assert_eq!(
        metadata,
        json!({
            "password": "[REDACTED:password]",
            "headers": [{"accept": "*/*"}, {"Set-Cookie": "[REDACTED:cookie]"}],
            "service": {"api_key": "[REDACTED:api_key]", "retries": 3},
            "credentials": {
                "user": "[REDACTED:credentials]",
                "pin": 1234,
                "keys": ["[REDACTED:credentials]", null],
            },
            "session": "[REDACTED:session]",
            "agent": {"session": {"turns": 2, "id": "s-1"}},
        })
    );
    let expected = [
        "metadata.password",
        "metadata.headers[1].Set-Cookie",
        "metadata.service.api_key",
        "metadata.credentials",
        "metadata.session",
    ];
    assert_eq!(marks, expected);
}

#[test]
fn numbers_counts_and_the_marks_of_others_stay() {
    let metadata = json!({
        "token": 5, "password": true, "secret": null, "api_key": "", "token_type": "cache_read", "max_tokens": 1024,
        "input_tokens": 7, "gen_ai.usage.output_tokens": 9, "session_id": "s-1", "session.id": "s-1",
        "auth": "<REDACTED>", "cookie": "__REDACTED__", "bearer": "[Filtered]", "credentials": "***",
        "authorization": "[REDACTED:auth]", "passwd": {"set": false, "was": "[REDACTED]"},
    });
    assert_eq!(stored(metadata.clone()), (metadata, vec![]));
}

#[test]
fn a_key_that_is_a_secret_is_replaced_and_keeps_its_value() {
    let secret = &secrets_of_every_form()[1].1;
    let (metadata, marks) =
        stored(json!({ secret: 1, format!("{secret}x"): 2, "a": {format!("for {secret}"): "b"} }));
    let mark = "[REDACTED:anthropic_key]";
    assert_eq!(metadata, json!({ mark: 1, format!("{mark} 2"): 2, "a": {format!("for {mark}"): "b"} }));
    assert_eq!(
        marks,
        [format!("metadata.{mark}"), format!("metadata.{mark} 2"), format!("metadata.a.for {mark}")]
    );
}

#[test]
fn json_in_a_text_is_rewritten_where_it_holds_a_secret_and_nowhere_else() {
    let text = |text: &str| {
        let log = redacted(log(text, json!({})));
        assert!(log.message == text || log.redacted == ["message"]);
        log.message
    };
    assert_eq!(
        text(
            r#" { "password" : "hunter2", "n": 1.10, "n": 123456789012345678901234567890, "ok": ["\u00e9"] } "#
        ),
        r#" { "password" : "[REDACTED:password]", "n": 1.10, "n": 123456789012345678901234567890, "ok": ["\u00e9"] } "#
    );
    assert_eq!(
        text(r#"[{"auth": {"user": "bob", "n": 5, "l": ["x"]}, "b": "c"}]"#),
        r#"[{"auth": {"user": "[REDACTED:auth]", "n": 5, "l": ["[REDACTED:auth]"]}, "b": "c"}]"#
    );
    assert_eq!(
        text(r#"{"password": "a", "password": 5, "x": "y"}"#),
        r#"{"password": "[REDACTED:password]", "password": 5, "x": "y"}"#
    );
    assert_eq!(
        text(r#"{"u": "redis:\/\/:hunter2@host"}"#),
        r#"{"u": "redis://[REDACTED:url_credentials]@host"}"#
    );
    assert_eq!(
        text(r#"{"session": {"id": "s"}, "card": 4111111111111111}"#),
        r#"{"session": {"id": "s"}, "card": 4111111111111111}"#
    );
    assert_eq!(
        text(r#"{"half": "\ud83d", "password": "\udc4d", "a": "\ud83d redis://:hunter2@host"}"#),
        r#"{"half": "\ud83d", "password": "[REDACTED:password]", "a": "\\ud83d redis://[REDACTED:url_credentials]@host"}"#
    );
    let unfinished =
        r#"{"password": "hunter2", "password": "hunter", "token": "hunter2", "u": "redis://:hunter2@host"#;
    let expected = r#"{"password": "[REDACTED:quoted_assignment]", "password": "hunter", "token": "hunter2", "u": "redis://[REDACTED:url_credentials]@host"#;
    assert_eq!(text(unfinished), expected, "what is no json is searched for forms alone");
    let log = redacted(log("", json!({"arguments": r#"{"token":"t"}"#})));
    assert_eq!(log.metadata["arguments"], r#"{"token":"[REDACTED:token]"}"#);
    assert_eq!(log.redacted, ["metadata.arguments"]);
}

#[test]
fn content_is_dropped_as_the_policy_says_and_leaves_a_mark() {
    let metadata = json!({
        "gen_ai.input.messages": [{"role": "user", "parts": []}],
        "gen_ai.prompt.0.content": "hello",
        "llm.input_messages.0.message.content": "hello",
        "arguments": {"city": "Rome"},
        "result": 42,
        "attributes": {"output": "text", "usage": {"input": 3, "output": 4}},
        "output": null,
        "input": "<REDACTED>",
        "model": "m", "input_tokens": 3, "error": "boom", "gen_ai.usage.output_tokens": 4,
        "api_key": "k",
        "body": r#"{"messages": [{"a": 1}], "prompt": "p", "input": 5, "model": "m"}"#,
    });
    let (log, counts) = redacted_as(ContentPolicy::MetadataOnly, log("m", metadata.clone()));
    let mark = "[REDACTED:content]";
    let expected = json!({
        "gen_ai.input.messages": mark,
        "gen_ai.prompt.0.content": mark,
        "llm.input_messages.0.message.content": mark,
        "arguments": mark,
        "result": mark,
        "attributes": {"output": mark, "usage": {"input": 3, "output": 4}},
        "output": null,
        "input": "<REDACTED>",
        "model": "m", "input_tokens": 3, "error": "boom", "gen_ai.usage.output_tokens": 4,
        "api_key": "[REDACTED:api_key]",
        "body": format!(r#"{{"messages": "{mark}", "prompt": "{mark}", "input": 5, "model": "m"}}"#),
    });
    assert_eq!(Value::Object(log.metadata), expected);
    assert_eq!(counts, BTreeMap::from([("content", 8), ("api_key", 1)]));
    let given = self::log("m", metadata);
    assert_eq!(redacted_as(ContentPolicy::Full, given.clone()).0, given);
}

#[test]
fn every_text_of_a_span_and_of_a_point_is_looked_at() {
    let secret = secrets_of_every_form()[0].1.clone();
    let mut span = open_span(json!({ "a": secret, "password": "p" }));
    span.name = format!("call {secret}");
    for field in [&mut span.error, &mut span.agent_name, &mut span.session_id, &mut span.model] {
        *field = Some(secret.clone());
    }
    let mut write = Write::once(Record::SpanStart(Box::new(span)));
    let redactions = Redactor::default().redact(&mut write).unwrap();
    assert!(!format!("{write:?}").contains(&secret));
    let expected = ["name", "error", "agent_name", "session_id", "model", "metadata.a", "metadata.password"];
    assert_eq!(redactions.paths(), expected);
    let Record::SpanStart(span) = write.record else { panic!("a start stays a start") };
    assert_eq!(span.redacted, expected);

    let end = SpanEnd {
        span_id: SpanId::stored("1"),
        end_time: Timestamp::from_micros(1),
        status: SpanStatus::Ok,
        metadata: Map::from_iter([("output".to_owned(), secret.clone().into())]),
        redacted: Vec::new(),
    };
    let mut write = Write::once(Record::SpanEnd(Box::new(end)));
    Redactor::default().redact(&mut write).unwrap();
    let Record::SpanEnd(end) = write.record else { panic!("an end stays an end") };
    assert_eq!(
        (end.redacted, &end.metadata["output"]),
        (vec!["metadata.output".into()], &json!("[REDACTED:watchglass_key]"))
    );

    let labels =
        [("agent_name", secret.as_str()), ("token_type", "input"), ("api_key", "k"), ("result", "ok")];
    let mut write = Write::once(Record::Point(Box::new(point("calls_total", &labels))));
    let redactions = Redactor::new(ContentPolicy::MetadataOnly).redact(&mut write).unwrap();
    let Record::Point(point) = write.record else { panic!("a point stays a point") };
    let expected = [
        ("agent_name", "[REDACTED:watchglass_key]"),
        ("token_type", "input"),
        ("api_key", "[REDACTED:api_key]"),
        ("result", "ok"),
    ];
    assert_eq!(point.labels, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(redactions.counts().collect::<Vec<_>>(), [("api_key", 1), ("watchglass_key", 1)]);
}

fn point(name: &str, labels: &[(&str, &str)]) -> Point {
    Point {
        id: "1".into(),
        timestamp: Timestamp::from_micros(0),
        name: name.into(),
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Labels>(),
        kind: MetricKind::Counter,
        kind_given: true,
        value: 1.0,
        trace_id: None,
    }
}

#[test]
fn names_that_hold_a_secret_are_refused_without_repeating_it() {
    let redactor = Redactor::default();
    for (rule, secret) in secrets_of_every_form().into_iter().filter(|(rule, _)| *rule != "card") {
        let problem = redactor.check_name("trace_id", &secret).unwrap_err();
        assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidArgument, Some("trace_id")));
        assert!(
            problem.message.contains(rule) && !format!("{problem:?}").contains(core(rule, &secret)),
            "{problem:?}"
        );
        assert!(Redactor::new(ContentPolicy::Full).check_name("trace_id", &secret).is_ok());
    }
    for name in HARMLESS.iter().chain(&["4111111111111111", "step", "agent.request.start"]) {
        assert!(redactor.check_name("trace_id", name).is_ok(), "{name}");
    }
    let secret = &secrets_of_every_form()[0].1;
    let refused = |record: Record| redactor.redact(&mut Write::once(record)).unwrap_err().field.clone();
    let mut typed = log("", json!({}));
    typed.event_type = EventType::stored(secret);
    assert_eq!(refused(Record::Log(Box::new(typed))).as_deref(), Some("event_type"));
    let refused_span = |change: fn(&mut Span, &str)| {
        let mut span = open_span(json!({}));
        change(&mut span, secret);
        refused(Record::SpanStart(Box::new(span)))
    };
    assert_eq!(refused_span(|span, id| span.trace_id = TraceId::stored(id)).as_deref(), Some("trace_id"));
    assert_eq!(refused_span(|span, id| span.span_id = SpanId::stored(id)).as_deref(), Some("span_id"));
    assert_eq!(
        refused_span(|span, id| span.parent_span_id = Some(SpanId::stored(id))).as_deref(),
        Some("parent_span_id")
    );
    assert_eq!(refused(Record::Point(Box::new(point(secret, &[])))).as_deref(), Some("metric_name"));
    assert_eq!(refused(Record::Point(Box::new(point("m", &[(secret, "x")])))).as_deref(), Some("labels"));
    let mut write = Write::once(Record::Log(Box::new(log("", json!({})))));
    write.idempotency = Some(crate::model::Idempotency { key: secret.clone(), fingerprint: String::new() });
    assert_eq!(redactor.redact(&mut write).unwrap_err().field.as_deref(), Some("idempotency_key"));
}

#[test]
fn ids_lifted_out_of_metadata_are_left_out_where_they_are_secrets() {
    let secret = secrets_of_every_form()[0].1.clone();
    let mut given = log("", json!({ "trace_id": secret, "span_id": secret }));
    (given.trace_id, given.span_id) = (Some(TraceId::stored(&secret)), Some(SpanId::stored(&secret)));
    let log = redacted(given);
    assert_eq!((log.trace_id, log.span_id), (None, None));
    assert_eq!(log.redacted, ["metadata.trace_id", "metadata.span_id"]);
}

#[test]
fn one_more_mark_says_that_there_are_others() {
    let metadata: Map<String, Value> =
        (0..100).map(|number| (format!("password {number}"), "p".into())).collect();
    let (log, counts) = redacted_as(ContentPolicy::Redacted, log("", metadata.into()));
    assert_eq!((log.redacted.len(), log.redacted.last().map(String::as_str)), (MAX_MARKS + 1, Some("…")));
    assert_eq!(counts, BTreeMap::from([("password", 100)]));
}
