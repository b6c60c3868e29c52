//! Bodies that an endpoint does not take, and batches that hold some.

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Operation, World};
use crate::support::http::{self, Connection};

/// The writes: what takes one record or an array of them.
async fn writes(world: &World) -> Vec<Operation> {
    let operations = world.operations().await.into_iter();
    let writes: Vec<Operation> =
        operations.filter(|operation| operation.body.as_deref() == Some("application/json")).collect();
    assert!(writes.len() >= 4);
    writes
}

fn json_body(request: RequestBuilder, body: impl Into<reqwest::Body>) -> RequestBuilder {
    request.header(CONTENT_TYPE, "application/json").body(body)
}

#[tokio::test]
async fn a_body_that_can_not_be_read_is_refused() {
    let world = World::start().await;
    for operation in writes(&world).await {
        let address = operation.address(&[]);
        let request = || world.request(&Method::POST, &address);
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for (body, status) in [
            (json_body(request(), "{"), 400),
            (json_body(request(), ""), 400),
            (json_body(request(), vec![0xff, 0xfe]), 400),
            (json_body(request(), r#"{"message":"a","message":"b"}"#), 400),
            (json_body(request(), "5"), 400),
            (json_body(request(), "null"), 400),
            (json_body(request(), deep), 400),
            (json_body(request(), "{}").header(CONTENT_ENCODING, "gzip"), 415),
            (request().body("{}"), 415),
            (request().header(CONTENT_TYPE, "text/plain").body("{}"), 415),
        ] {
            let answer = world.send(body).await;
            answer.assert_sound(&address);
            assert_eq!(answer.status, status, "{address}: {}", answer.body);
        }
        // Refused for what it announces, before any of it is sent.
        let announced = format!("Content-Length: {}", 8 * 1024 * 1024 + 1);
        let mut head = http::head("POST", &address, &["Content-Type: application/json", &announced]);
        head.extend(b"\r\n");
        let connection = Connection::open(world.server.address()).await.unwrap();
        let answer = connection.send(head).await.expect("an answer");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &problem["limit"]), (413, &json!(8 * 1024 * 1024)), "{address}");
    }
}

#[tokio::test]
async fn every_record_of_a_batch_has_its_own_answer() {
    let world = World::start().await;
    let log = json!({ "event_type": "a", "message": "b" });
    let batch = json!([log, {}, { "event_type": "a", "message": 5 }, { "evnt_type": "a" }, "log", log]);
    let answer = world.send(world.request(&Method::POST, "/api/v1/logs").json(&batch)).await;
    assert_eq!((answer.status, answer.body["failed"].as_u64()), (200, Some(4)), "{}", answer.body);
    let items = answer.body["items"].as_array().unwrap();
    let statuses: Vec<_> = items.iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 200]);
    let fields: Vec<_> = items.iter().map(|item| item["error"]["field"].as_str()).collect();
    assert_eq!(fields, [None, Some("event_type"), Some("message"), Some("evnt_type"), None, None]);
    assert_ne!(items[0]["result"]["id"], items[5]["result"]["id"]);
}

#[tokio::test]
async fn a_batch_holds_a_thousand_records_and_no_more() {
    let world = World::start().await;
    let batch = |length: usize| Value::from(vec![json!({ "metric_name": "calls", "value": 1 }); length]);
    let send =
        async |length| world.send(world.request(&Method::POST, "/api/v1/metrics").json(&batch(length))).await;
    let taken = send(1_000).await;
    assert_eq!((taken.status, taken.body["returned"].as_u64()), (200, Some(1_000)));
    let refused = send(1_001).await;
    assert_eq!((refused.status, refused.body["limit"].as_u64()), (400, Some(1_000)), "{}", refused.body);
    let none = send(0).await;
    assert_eq!((none.status, none.body["returned"].as_u64()), (200, Some(0)), "{}", none.body);
}
