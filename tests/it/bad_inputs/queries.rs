//! Questions outside their range (B-31 … B-33).

use serde_json::{Value, json};

use super::case::{Case, check, refuse};
use crate::support::bench::Bench;

const INVALID: &str = "INVALID_ARGUMENT";
const NUMBER: &str = "INVALID_NUMBER";

#[tokio::test]
async fn b_31_levels_and_their_synonyms() {
    let bench = Bench::start();
    for client in bench.clients().await {
        for (word, level) in [
            ("WARN", "warn"),
            ("warning", "warn"),
            ("Critical", "error"),
            ("fatal", "error"),
            ("verbose", "debug"),
            ("notice", "info"),
            ("trace", "debug"),
        ] {
            let log = json!({ "event_type": "e", "message": "m", "level": word });
            client.call("log_event", log).await.ok();
            let found = client.call("query_logs", json!({ "limit": 1, "level": word })).await.ok();
            assert_eq!(found["logs"][0]["level"], level, "{} {word}", client.name);
        }
    }
    let mut cases: Vec<Case> = Vec::new();
    for odd in ["5", "", "loud", "info,warn", "\u{202e}info"] {
        let log = json!({ "event_type": "e", "message": "m", "level": odd });
        cases.push(refuse("log_event", &log, INVALID, "level").says("debug, info, warn, error"));
    }
    cases.push(refuse("query_logs", &json!({ "level": "loud" }), INVALID, "level"));
    cases.push(refuse("query_logs", &json!({ "min_level": "loud" }), INVALID, "min_level"));
    cases.push(refuse("query_logs", &json!({ "level": "warn", "min_level": "info" }), INVALID, "min_level"));
    check("B-31", &cases).await;
}

#[tokio::test]
async fn b_32_minutes_out_of_range() {
    let since = |minutes: Value| json!({ "since_minutes": minutes });
    let odd = [json!(0), json!(-1), json!(1e12), json!(1.5), json!("soon"), json!(true), json!([60])];
    let cases: Vec<Case> = odd
        .into_iter()
        .map(|odd| refuse("query_logs", &since(odd), NUMBER, "since_minutes").says("from 1 to "))
        .collect();
    check("B-32", &cases).await;

    let bench = Bench::start();
    for client in bench.clients().await {
        client
            .call("log_event", json!({ "event_type": client.name.replace(' ', "."), "message": "m" }))
            .await
            .ok();
        for fits in [since(json!("60")), since(json!(60)), since(json!(60.0)), since(json!(null)), json!({})]
        {
            let mut question = fits;
            question["event_type"] = client.name.replace(' ', ".").into();
            let found = client.call("query_logs", question.clone()).await.ok();
            assert_eq!(found["total"], 1, "{} {question}", client.name);
        }
    }
}

#[tokio::test]
async fn b_33_limits_and_cursors() {
    let limits = [json!(-1), json!(0), json!(1.5), json!("many")];
    let mut cases: Vec<Case> = limits
        .iter()
        .flat_map(|odd| {
            [
                refuse("query_logs", &json!({ "limit": odd }), NUMBER, "limit"),
                refuse("get_trace", &json!({ "trace_id": "t", "limit": odd }), NUMBER, "limit"),
            ]
        })
        .collect();
    for bad in ["bad", "eyJwIjoxfQ", &"a".repeat(2_000), "\u{0}"] {
        cases.push(refuse("query_logs", &json!({ "cursor": bad }), "INVALID_CURSOR", "cursor"));
        let trace = json!({ "trace_id": "t", "cursor": bad });
        cases.push(refuse("get_trace", &trace, "INVALID_CURSOR", "cursor"));
    }
    check("B-33", &cases).await;
}

#[tokio::test]
async fn b_33_a_cursor_belongs_to_its_question() {
    let bench = Bench::start();
    for client in bench.clients().await {
        let event_type = client.name.replace(' ', ".");
        for message in 0..5 {
            let log = json!({ "event_type": event_type, "message": message.to_string() });
            client.call("log_event", log).await.ok();
        }
        let question = |cursor: &Value| json!({ "event_type": event_type, "limit": 2, "cursor": cursor });
        let first = client.call("query_logs", question(&json!(""))).await.ok();
        assert_eq!(
            (&first["total"], &first["returned"], &first["truncated"]),
            (&json!(5), &json!(2), &json!(true))
        );
        let mut other = question(&first["next"]);
        other["event_type"] = "other".into();
        let problem = client.call("query_logs", other).await.problem();
        assert_eq!(problem["code"], "INVALID_CURSOR", "{}", client.name);

        let mut seen = messages(&first);
        let mut next = first["next"].clone();
        while !next.is_null() {
            let page = client.call("query_logs", question(&next)).await.ok();
            seen.extend(messages(&page));
            next = page["next"].clone();
        }
        assert_eq!(seen, ["4", "3", "2", "1", "0"], "{}", client.name);
        let clamped = client.call("query_logs", json!({ "limit": 1_000_000_000 })).await.ok();
        assert_eq!(clamped["limit"], 200, "{}: it says what was made of it", client.name);
    }
}

fn messages(page: &Value) -> Vec<String> {
    let logs = page["logs"].as_array().unwrap();
    logs.iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
}
