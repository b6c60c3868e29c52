//! Texts that hide, or drive whatever shows them (B-16).

use serde_json::{Value, json};

use super::case::{Case, check, refuse};
use crate::support::bench::Bench;

/// As it is sent, and as it is shown: nothing hides, nothing drives a terminal.
const SHOWN: [(&str, &str); 9] = [
    ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
    ("bell\u{7}", "bell\\u{7}"),
    ("\u{7f}", "\\u{7f}"),
    ("\u{9b}31m", "\\u{9b}31m"),
    ("\u{202e}evil", "\\u{202e}evil"),
    ("a\u{200b}b\u{2066}c", "a\\u{200b}b\\u{2066}c"),
    ("\u{e0049}\u{e0067}", "\\u{e0049}\\u{e0067}"),
    ("line\r\nnext\ttab", "line\\u{d}\nnext\ttab"),
    ("👩‍👩‍👧 naïve", "👩‍👩‍👧 naïve"),
];

#[tokio::test]
async fn b_16_hidden_characters_become_visible() {
    let bench = Bench::start();
    for client in bench.callers().await {
        for (sent, shown) in SHOWN {
            let log = json!({ "event_type": "e", "message": sent, "metadata": { sent: [sent] } });
            client.call("log_event", log).await.ok();
            let outcome = client.call("query_logs", json!({ "event_type": "e", "limit": 1 })).await;
            let found = outcome.clone().ok();
            let log = &found["logs"][0];
            assert_eq!(log["message"], shown, "{}", client.name);
            assert_eq!(log["metadata"], json!({ shown: [shown] }), "{}", client.name);
            assert_eq!(found["untrusted"], true, "{}", client.name);
            assert_eq!(serde_json::from_str::<Value>(&outcome.text).unwrap(), found, "{}", client.name);
        }
        let stored: String = bench.file.look_up("SELECT body FROM logs ORDER BY sequence LIMIT 1");
        let stored: Value = serde_json::from_str(&stored).unwrap();
        assert_eq!(stored["message"], SHOWN[0].0, "it is stored as it was sent");
    }
}

#[tokio::test]
async fn b_16_nul_is_replaced_and_said_to_be() {
    let bench = Bench::start();
    for client in bench.callers().await {
        client.call("log_event", json!({ "event_type": "e", "message": "a\0b" })).await.ok();
        let found = client.call("query_logs", json!({ "event_type": "e", "limit": 1 })).await.ok();
        assert_eq!(found["logs"][0]["message"], "a\u{fffd}b", "{}", client.name);
        assert_eq!(found["logs"][0]["sanitized"], true, "{}", client.name);
    }
}

#[tokio::test]
async fn b_16_ten_thousand_combining_marks() {
    let bench = Bench::start();
    for client in bench.callers().await {
        let message = format!("a{}", "\u{301}".repeat(10_000));
        client.call("log_event", json!({ "event_type": "e", "message": message })).await.ok();
        let found = client.call("query_logs", json!({ "event_type": "e", "limit": 1 })).await.ok();
        assert_eq!(found["logs"][0]["message"], Value::from(message), "{}", client.name);
    }
}

#[tokio::test]
async fn b_16_ids_and_names_refuse_what_hides() {
    let mut cases: Vec<Case> = Vec::new();
    for hidden in ["a\0", "a\u{1b}[31m", "\u{202e}a", "a\u{200b}", "a\u{e0041}", "a\n", "é"] {
        for (tool, field, mut arguments) in [
            ("start_span", "trace_id", json!({ "span_name": "s" })),
            ("start_span", "span_id", json!({ "span_name": "s" })),
            ("start_span", "parent_span_id", json!({ "span_name": "s" })),
            ("end_span", "span_id", json!({})),
            ("get_trace", "trace_id", json!({})),
            ("log_event", "event_type", json!({ "message": "m" })),
            ("record_metric", "metric_name", json!({ "value": 1 })),
        ] {
            arguments[field] = hidden.into();
            cases.push(refuse(tool, &arguments, "INVALID_ARGUMENT", field));
        }
    }
    for control in ["a\0", "a\u{1b}[31m", "a\n", "   "] {
        cases.push(refuse("start_span", &json!({ "span_name": control }), "INVALID_ARGUMENT", "span_name"));
    }
    check("B-16", &cases).await;
}
