//! Ids and event types: what they refuse, and the forms in which they are found again (B-18 … B-20).

use serde_json::{Value, json};

use super::case::{Case, check, refuse};
use crate::support::bench::Bench;

const INVALID: &str = "INVALID_ARGUMENT";
const TOO_LARGE: &str = "FIELD_TOO_LARGE";

#[tokio::test]
async fn b_18_event_types_outside_the_allowed_set() {
    let mut cases: Vec<Case> = Vec::new();
    for odd in
        ["*", "?", "[a-z]", "../x", "\n", "\" OR 1=1 --", "%00", "{tag}", "__proto__", "", " a", "a*", "/a"]
    {
        let log = json!({ "event_type": odd, "message": "m" });
        cases.push(refuse("log_event", &log, INVALID, "event_type").says("A-Z a-z 0-9"));
    }
    for pattern in ["?", "[a-z]", "../*", "\" OR 1=1 --", "%", "a*b", "**", "{tag}"] {
        cases.push(refuse("query_logs", &json!({ "event_type": pattern }), INVALID, "event_type"));
    }
    check("B-18", &cases).await;
}

#[tokio::test]
async fn b_18_event_types_are_matched_literally() {
    let bench = Bench::start();
    let types = ["a:b", "a", "ab", "a/b", "constructor", "agent.request.start", "A"];
    for client in bench.clients().await {
        for event_type in types {
            client.call("log_event", json!({ "event_type": event_type, "message": "m" })).await.ok();
        }
    }
    for client in bench.clients().await {
        let total = async |event_type: &str| {
            client.call("query_logs", json!({ "event_type": event_type })).await.ok()["total"].clone()
        };
        for event_type in types {
            assert_eq!(total(event_type).await, 4, "{} {event_type}", client.name);
        }
        assert_eq!(total("a.b").await, 0, "{}: a dot is a dot", client.name);
        assert_eq!(total("a*").await, 20, "{}: a prefix, in its own case", client.name);
        assert_eq!(total("*").await, 28, "{}", client.name);
    }
}

#[tokio::test]
async fn b_19_trace_ids_that_can_be_none() {
    let zeros = "0".repeat(32);
    let mut cases: Vec<Case> = Vec::new();
    for odd in ["a}b", "{07}", "a\nb", "", "None", "<nil>", "{{trace_id}}", &zeros, "0000000000000000", " a"]
    {
        cases.push(refuse("start_span", &json!({ "span_name": "s", "trace_id": odd }), INVALID, "trace_id"));
        cases.push(refuse("get_trace", &json!({ "trace_id": odd }), INVALID, "trace_id"));
    }
    let long = "a".repeat(10 * 1024);
    cases.push(
        refuse("start_span", &json!({ "span_name": "s", "trace_id": long }), TOO_LARGE, "trace_id")
            .limit(128),
    );
    cases.push(refuse("get_trace", &json!({ "trace_id": long }), TOO_LARGE, "trace_id").limit(128));
    cases.push(refuse("end_span", &json!({ "span_id": long }), TOO_LARGE, "span_id").limit(128));
    check("B-19", &cases).await;
}

#[tokio::test]
async fn b_19_words_that_mean_no_parent() {
    let bench = Bench::start();
    for client in bench.clients().await {
        for word in ["", "None", "none", "null", "<nil>", "{{parent_span_id}}"] {
            let started =
                client.call("start_span", json!({ "span_name": "s", "parent_span_id": word })).await.ok();
            assert_eq!(started["parent_span_id"], Value::Null, "{} {word:?}", client.name);
        }
    }
}

/// Ids as given, and the W3C form that stands for each.
const FORMS: [(&str, &str); 6] = [
    ("a1b2c3d4", "000000000000000000000000a1b2c3d4"),
    ("00f067aa0ba902b7", "000000000000000000f067aa0ba902b7"),
    ("4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ("4BF92F35-77b3-4da6-a3ce-929d0e0e4737", "4bf92f3577b34da6a3ce929d0e0e4737"),
    ("ABCDEF01", "000000000000000000000000abcdef01"),
    // The first half of its SHA-256.
    ("run-1", "4e65d3fbe8ad6535681b021b30785b12"),
];

#[tokio::test]
async fn b_20_ids_are_kept_as_given_and_found_by_either_form() {
    for transport in 0..4 {
        // A store for each transport: there the ids are new.
        let bench = Bench::start();
        let client = &bench.clients().await[transport];
        for (given, form) in FORMS {
            let started =
                client.call("start_span", json!({ "span_name": "s", "trace_id": given })).await.ok();
            assert_eq!(started["trace_id"], given, "{}", client.name);
            let traceparent = started["traceparent"].as_str().unwrap().to_owned();

            assert_eq!(traceparent.split('-').nth(1), Some(form), "{} {given}", client.name);
            for asked in [given, form] {
                let trace = client.call("get_trace", json!({ "trace_id": asked })).await.ok();
                assert_eq!(
                    (&trace["trace_id"], &trace["total"]),
                    (&json!(given), &json!(1)),
                    "{} {asked}",
                    client.name
                );
            }
            // What comes back under the alias joins the trace that it stands for.
            client.call("end_span", json!({ "span_id": started["span_id"] })).await.ok();
        }
    }
}

#[tokio::test]
async fn b_20_a_span_is_ended_by_either_form() {
    let bench = Bench::start();
    for (index, client) in bench.clients().await.iter().enumerate() {
        let given = format!("step.{index}");
        let started = client.call("start_span", json!({ "span_name": "s", "span_id": given })).await.ok();
        let form = started["traceparent"].as_str().unwrap().split('-').nth(2).unwrap().to_owned();
        assert_ne!(form, given);
        let ended = client.call("end_span", json!({ "span_id": form })).await.ok();
        assert_eq!(ended["span_id"], given, "{}", client.name);
        let again = client.call("end_span", json!({ "span_id": given })).await.ok();
        assert_eq!(again["already_ended"], true, "{}", client.name);
    }
}
