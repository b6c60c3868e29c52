//! Metadata: too deep, too wide, in odd forms, and pretending to be the record (B-02 … B-05).

use serde_json::{Value, json};

use super::case::{Case, check, refuse, refuse_text};
use crate::support::bench::Bench;

const TOO_LARGE: &str = "FIELD_TOO_LARGE";
const INVALID: &str = "INVALID_ARGUMENT";

fn log(metadata: &Value) -> Value {
    json!({ "event_type": "e", "message": "m", "metadata": metadata })
}

/// A log whose metadata is this text of JSON.
fn log_with(metadata: &str) -> String {
    format!(r#"{{"event_type":"e","message":"m","metadata":{metadata}}}"#)
}

fn objects(levels: usize) -> String {
    format!("{}{}", r#"{"a":"#.repeat(levels - 1) + "{}", "}".repeat(levels - 1))
}

fn arrays(levels: usize) -> String {
    format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1))
}

#[tokio::test]
async fn b_02_metadata_nested_too_deeply() {
    let mut cases = Vec::new();
    for levels in [33, 60, 64, 127, 128, 129, 1_000, 100_000] {
        for nested in [objects(levels), arrays(levels)] {
            let arguments = log_with(&nested);
            cases.push(refuse_text("log_event", arguments, TOO_LARGE, "metadata").limit(32));
            // As text it passes the reader of messages unseen, and must meet the same limit.
            cases.push(refuse("log_event", &log(&nested.into()), TOO_LARGE, "metadata").limit(32));
        }
    }
    let label = json!({ "metric_name": "m", "value": 1, "labels": { "a": { "b": 1 } } });
    cases.push(refuse("record_metric", &label, INVALID, "labels"));
    check("B-02", &cases).await;
}

#[tokio::test]
async fn b_03_metadata_too_wide_too_long_or_with_a_key_twice() {
    let wide: Value = (0..10_000).map(|key| (key.to_string(), Value::Null)).collect();
    let long = json!({ "a": "x".repeat(65_536 - 7) });
    let long_key = json!({ "k".repeat(257): 1 });
    let mut cases: Vec<Case> = [wide.clone(), wide.to_string().into()]
        .iter()
        .map(|wide| refuse("log_event", &log(wide), TOO_LARGE, "metadata").limit(128))
        .collect();
    cases.push(refuse("log_event", &log(&long), TOO_LARGE, "metadata").limit(65_536));
    cases.push(refuse("end_span", &json!({ "span_id": "a", "metadata": long }), TOO_LARGE, "metadata"));
    cases.push(refuse("start_span", &json!({ "span_name": "a", "metadata": wide }), TOO_LARGE, "metadata"));
    cases.push(refuse("log_event", &log(&long_key), TOO_LARGE, "metadata").limit(256));
    for twice in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#] {
        cases.push(refuse_text("log_event", log_with(twice), INVALID, "metadata.a"));
        cases.push(refuse("log_event", &log(&twice.into()), INVALID, "metadata.a"));
    }
    let twice = r#"{"event_type":"e","message":"one","message":"two"}"#;
    cases.push(refuse_text("log_event", twice.to_owned(), INVALID, "message"));
    check("B-03", &cases).await;
}

#[tokio::test]
async fn b_04_metadata_in_every_form() {
    let bench = Bench::start();
    let object = json!({ "a": 1, "b": [true, null, "c"] });
    let forms = [
        (object.clone(), object.clone()),
        (object.to_string().into(), object),
        (json!(""), json!({})),
        (json!(null), json!({})),
        (json!("null"), json!({})),
        (json!("{}"), json!({})),
        (json!("<nil>"), json!({})),
        (json!("{{metadata}}"), json!({})),
    ];
    for client in bench.callers().await {
        for (given, stored) in &forms {
            client.call("log_event", log(given)).await.ok();
            let found = client.call("query_logs", json!({ "event_type": "e", "limit": 1 })).await.ok();
            assert_eq!(&found["logs"][0]["metadata"], stored, "{} {given}", client.name);
        }
    }
}

#[tokio::test]
async fn b_04_metadata_that_is_no_object() {
    let refused = |metadata: Value| refuse("log_event", &log(&metadata), INVALID, "metadata");
    check(
        "B-04",
        &[
            refused(json!("{\n \"a\": }")).says("line 2, column 7"),
            refused(json!("not json")).says("line 1, column 2"),
            refused(json!("{\"a\": 1} x")).says("line 1, column 10"),
            refused(json!("[1]")).says("object"),
            refused(json!([1])).says("object"),
            refused(json!(5)).says("object"),
            refused(json!(true)).says("object"),
            refused(json!("5")).says("object"),
            refused(json!("map[k:v n:1]")).says("json string"),
        ],
    )
    .await;
}

#[tokio::test]
async fn b_05_metadata_never_overrides_the_record() {
    let bench = Bench::start();
    let forged = json!({
        "id": "forged", "timestamp": "1970-01-01T00:00:00Z", "event_type": "forged", "level": "debug",
        "message": "forged", "metadata": { "deeper": 1 }, "sanitized": true, "project": "other",
    });
    for client in bench.callers().await {
        let mut call = log(&forged);
        call["level"] = "error".into();
        let logged = client.call("log_event", call).await.ok();
        assert_eq!(logged["event_type"], "e");
        let page = client.call("query_logs", json!({ "event_type": "e", "limit": 1 })).await.ok();
        let found = &page["logs"][0];
        assert_eq!(found["id"], logged["id"], "{}", client.name);
        assert_eq!((&found["level"], &found["message"]), (&json!("error"), &json!("m")), "{}", client.name);
        assert!(found["timestamp"].as_str().unwrap() > "2026", "{}", client.name);
        assert_eq!(found["metadata"], forged, "{}", client.name);
        assert!(found.get("sanitized").is_none(), "{}", client.name);
        let none = client.call("query_logs", json!({ "event_type": "forged" })).await.ok();
        assert_eq!(none["total"], 0, "{}", client.name);
    }
}
