use axum::http::header;
use futures::stream;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::http::testing::behind_open_gate;
use crate::mcp::testing::{Echo, call, initialize};

fn post() -> axum::http::request::Builder {
    Request::post("/mcp")
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
}

async fn send(request: Request) -> (StatusCode, Value) {
    let response = behind_open_gate(routes(Echo::default(), CancellationToken::new()))
        .await
        .oneshot(request)
        .await
        .unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()))
}

async fn send_json(value: &Value) -> (StatusCode, Value) {
    send(post().body(Body::from(value.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_call_is_answered_without_a_session() {
    let (status, answer) = send_json(&call(1, &json!({ "a": 1 }))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["result"]["content"][0]["text"], r#"{"a":1}"#);
}

#[tokio::test]
async fn every_revision_with_a_handshake_can_initialize() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (status, answer) = send_json(&initialize(version)).await;
        assert_eq!((status, &answer["result"]["protocolVersion"]), (StatusCode::OK, &json!(version)));
    }
}

#[tokio::test]
async fn there_is_nothing_to_get_or_to_delete() {
    for method in ["GET", "DELETE"] {
        let request = Request::builder().method(method).uri("/mcp").header(header::HOST, "localhost");
        let (status, _) = send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn what_is_not_a_message_is_a_bad_request() {
    for (body, code) in [("{", -32700), ("\u{feff}{}", -32700), ("5", -32600), ("[]", -32600)] {
        let (status, answer) = send(post().body(Body::from(body)).unwrap()).await;
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{body}");
        assert_eq!(answer["id"], Value::Null);
    }
}

#[tokio::test]
async fn a_fault_in_arguments_is_a_tool_result() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":1,"a":2}}}"#;
    let (status, answer) = send(post().body(Body::from(body)).unwrap()).await;
    assert_eq!((status, &answer["result"]["isError"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn an_answer_to_the_server_is_accepted_and_ignored() {
    let (status, _) = send_json(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} })).await;
    assert_eq!(status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_the_limit() {
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(vec![b' '; 64 * 1024]));
    let (status, answer) = send(post().body(Body::from_stream(endless)).unwrap()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer["limit"], MAX_MESSAGE_BYTES as u64);
}

#[tokio::test]
async fn an_announced_length_is_refused_unread() {
    let request = post().header(header::CONTENT_LENGTH, MAX_MESSAGE_BYTES + 1);
    let unread = Body::from_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
    assert_eq!(send(request.body(unread).unwrap()).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_body_must_be_json() {
    let request =
        Request::post("/mcp").header(header::HOST, "localhost").header(header::CONTENT_TYPE, "text/plain");
    assert_eq!(send(request.body(Body::from("{}")).unwrap()).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_batch_is_answered_in_one_array_where_the_header_allows_it() {
    let batch = json!([call(1, &json!({ "a": 1 })), 5, { "jsonrpc": "2.0", "method": "notifications/initialized" },
        call(1, &json!({})), call(2, &json!({}))]);
    for header in [None, Some("2025-03-26")] {
        let mut request = post();
        if let Some(version) = header {
            request = request.header("MCP-Protocol-Version", version);
        }
        let (status, answer) = send(request.body(Body::from(batch.to_string())).unwrap()).await;
        assert_eq!(status, StatusCode::OK);
        let ids: Vec<_> = answer.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
        assert_eq!(ids, [json!(1), Value::Null, json!(1), json!(2)]);
        assert_eq!(answer[0]["result"]["content"][0]["text"], r#"{"a":1}"#);
    }
    let request = post().header("MCP-Protocol-Version", "2025-06-18");
    let (status, answer) = send(request.body(Body::from(batch.to_string())).unwrap()).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32600)));
}

/// A call as 2026-07-28 sends it, with headers of the test's own.
async fn modern(headers: &[(&str, &str)]) -> (StatusCode, Value) {
    let mut message = call(1, &json!({}));
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let request = headers.iter().fold(post(), |request, (name, value)| request.header(*name, *value));
    send(request.body(Body::from(message.to_string())).unwrap()).await
}

#[tokio::test]
async fn headers_must_agree_with_the_body() {
    let version = ("MCP-Protocol-Version", "2026-07-28");
    let (method, name) = (("Mcp-Method", "tools/call"), ("Mcp-Name", "echo"));
    assert_eq!(modern(&[version, method, name]).await.0, StatusCode::OK);
    for (headers, code) in [
        (&[version, name][..], -32020),
        (&[version, method][..], -32020),
        (&[version, ("Mcp-Method", "tools/list"), name][..], -32020),
        (&[version, method, ("Mcp-Name", "other")][..], -32020),
        (&[version, method, ("Mcp-Name", "=?base64?!!?=")][..], -32020),
        (&[version, version, method, name][..], -32020),
        (&[("MCP-Protocol-Version", "2025-11-25"), method, name][..], -32020),
        (&[("MCP-Protocol-Version", "1900-01-01"), method, name][..], -32022),
    ] {
        let (status, answer) = modern(headers).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (StatusCode::BAD_REQUEST, &json!(code)),
            "{headers:?}"
        );
        if code == -32022 {
            assert!(answer["error"]["data"]["supported"].as_array().unwrap().contains(&json!("2026-07-28")));
        }
    }
}
