//! What is too long (B-01).

use serde_json::{Value, json};

use super::case::{check, refuse};
use crate::support::bench::{Bench, assert_works};
use crate::support::http::{self, Connection};
use crate::support::mcp::{Wire, in_time};

const TOO_LARGE: &str = "FIELD_TOO_LARGE";
const MESSAGE: u64 = 256 * 1024;
const BODY: usize = 4 * 1024 * 1024;

#[tokio::test]
async fn b_01_a_field_above_its_limit() {
    let text = |bytes: u64| "x".repeat(usize::try_from(bytes).unwrap());
    let log = |field: &str, value: Value| {
        let mut log = json!({ "event_type": "e", "message": "m" });
        log[field] = value;
        log
    };
    check(
        "B-01",
        &[
            refuse("log_event", &log("message", text(MESSAGE + 1).into()), TOO_LARGE, "message")
                .limit(MESSAGE),
            // Bytes are what is limited, not characters.
            refuse("log_event", &log("message", "é".repeat(131_073).into()), TOO_LARGE, "message")
                .limit(MESSAGE),
            refuse("log_event", &log("event_type", text(129).into()), TOO_LARGE, "event_type").limit(128),
            refuse("log_event", &log("event_type", text(1 << 20).into()), TOO_LARGE, "event_type").limit(128),
            refuse("log_event", &log("idempotency_key", text(257).into()), TOO_LARGE, "idempotency_key")
                .limit(256),
            refuse("start_span", &json!({ "span_name": text(257) }), TOO_LARGE, "span_name").limit(256),
            refuse("query_logs", &json!({ "text": text(1_025) }), TOO_LARGE, "text").limit(1_024),
        ],
    )
    .await;
}

#[tokio::test]
async fn b_01_a_message_of_just_the_limit() {
    let bench = Bench::start();
    for client in bench.clients().await {
        let message = "x".repeat(usize::try_from(MESSAGE).unwrap());
        let id = client.call("log_event", json!({ "event_type": "e", "message": message })).await.ok()["id"]
            .clone();
        let found = client.call("query_logs", json!({ "event_type": "e", "limit": 1 })).await.ok();
        assert_eq!(found["logs"][0]["id"], id);
        assert_eq!(found["logs"][0]["message"], Value::from(message), "{}", client.name);
    }
}

#[tokio::test]
async fn b_01_a_body_above_the_limit() {
    let bench = Bench::start();
    for mut client in bench.clients().await {
        let answer = match &client.wire {
            Wire::Stdio(_) => client.raw(&vec![b' '; BODY + 1]).await,
            // By its announced length: not one byte of the body has to be sent.
            Wire::Sse(wire) => announce(&bench, wire.path()).await,
            Wire::Streamable(_) => announce(&bench, "/mcp").await,
            Wire::Command(_) => unreachable!("it has no body"),
        };
        assert!(answer.status.is_none_or(|status| status == 413), "{}: {answer:?}", client.name);
        assert!(answer.body.to_string().contains(&BODY.to_string()), "{}: {answer:?}", client.name);
        bench.reconnect(&mut client).await;
        assert_works(&client, "a body above the limit").await;
    }
}

#[tokio::test]
async fn b_01_a_body_without_end() {
    let bench = Bench::start();
    let sse = crate::support::mcp::Client::sse(&bench.server).await.unwrap();
    let Wire::Sse(wire) = &sse.wire else { unreachable!("it was asked for") };
    for path in ["/mcp", wire.path()] {
        let connection = Connection::open(bench.server.address()).await.unwrap();
        let mut head =
            http::head("POST", path, &["Content-Type: application/json", "Transfer-Encoding: chunked"]);
        head.extend(b"\r\n");
        let answered = connection.send(head);
        let mut chunk = b"10000\r\n".to_vec();
        chunk.extend(vec![b' '; 0x10000]);
        chunk.extend(b"\r\n");
        // One chunk past the limit; the last chunk, which would end the body, never comes.
        (0..=BODY / 0x10000).for_each(|_| connection.push(chunk.clone()));
        let response = in_time("413", answered).await.expect("an answer before the connection is closed");
        assert_eq!(response.status, 413, "{path}");
        assert_works(&sse, "a body without end").await;
    }
}

async fn announce(bench: &Bench, path: &str) -> crate::support::mcp::Unaddressed {
    let connection = Connection::open(bench.server.address()).await.unwrap();
    let length = format!("Content-Length: {}", BODY + 1);
    let mut head = http::head("POST", path, &["Content-Type: application/json", &length]);
    head.extend(b"\r\n");
    let response = in_time("413", connection.send(head)).await.expect("an answer");
    let body = serde_json::from_slice(&response.body).unwrap();
    crate::support::mcp::Unaddressed { status: Some(response.status), body }
}
