//! Headers that contradict the message (B-36), and batches over HTTP, which hang on a header (B-35).

use serde_json::{Value, json};

use crate::support::bench::{Bench, assert_works};
use crate::support::http::{self, Connection};
use crate::support::mcp::{Client, Era, in_time};

const CONTENT: &str = "Content-Type: application/json";
const ACCEPT: &str = "Accept: application/json, text/event-stream";
const STATELESS: &str = "MCP-Protocol-Version: 2026-07-28";
const METHOD: &str = "Mcp-Method: tools/call";
const NAME: &str = "Mcp-Name: log_event";

fn call(meta: &Value) -> Value {
    let mut params = json!({ "name": "log_event", "arguments": { "event_type": "e", "message": "m" } });
    if !meta.is_null() {
        params["_meta"] = meta.clone();
    }
    json!({ "jsonrpc": "2.0", "id": 9001, "method": "tools/call", "params": params })
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

async fn post(bench: &Bench, headers: &[&str], body: &Value) -> (u16, Value) {
    let connection = Connection::open(bench.server.address()).await.unwrap();
    let request = http::post("/mcp", headers, body.to_string().as_bytes());
    let response = in_time("an answer", connection.send(request)).await.expect("an answer");
    let body = serde_json::from_slice(&response.body)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&response.body)));
    (response.status, body)
}

#[tokio::test]
async fn b_36_headers_missing_or_unlike_the_body() {
    let bench = Bench::start();
    let client = Client::http(&bench.server, Era::Stateless).await.unwrap();
    assert_works(&client, "B-36").await;
    let before = bench.file.rows();
    let sound = call(&meta());
    let mismatches: [&[&str]; 9] = [
        &[CONTENT, ACCEPT, STATELESS, NAME],
        &[CONTENT, ACCEPT, STATELESS, METHOD],
        &[CONTENT, ACCEPT, STATELESS, "Mcp-Method: tools/list", NAME],
        &[CONTENT, ACCEPT, STATELESS, METHOD, "Mcp-Name: start_span"],
        &[CONTENT, ACCEPT, STATELESS, METHOD, "Mcp-Name: =?base64?!!!?="],
        &[CONTENT, ACCEPT, STATELESS, METHOD, METHOD, "Mcp-Name: start_span"],
        &[CONTENT, ACCEPT, STATELESS, STATELESS, METHOD, NAME],
        &[CONTENT, ACCEPT, STATELESS, "MCP-Protocol-Version: 2025-11-25", METHOD, NAME],
        &[CONTENT, ACCEPT, "MCP-Protocol-Version: 2025-11-25", METHOD, NAME],
    ];
    for headers in mismatches {
        let (status, body) = post(&bench, headers, &sound).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_020)), "{headers:?} {body}");
    }
    assert_eq!(bench.file.rows(), before);
    assert_works(&client, "B-36").await;
}

#[tokio::test]
async fn b_36_versions_that_nobody_knows() {
    let bench = Bench::start();
    let client = Client::http(&bench.server, Era::Stateless).await.unwrap();
    for version in ["1999-01-01", "2099-01-01", "latest", "''", "2026-07-28;q=1"] {
        let header = format!("MCP-Protocol-Version: {version}");
        for sent in [call(&meta()), call(&Value::Null)] {
            let (status, body) = post(&bench, &[CONTENT, ACCEPT, &header, METHOD, NAME], &sent).await;
            assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_022)), "{version} {body}");
            let supported = body["error"]["data"]["supported"].to_string();
            assert!(supported.contains("2026-07-28") && supported.contains("2024-11-05"), "{body}");
        }
    }
    let mut unknown = meta();
    unknown["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    let header = "MCP-Protocol-Version: 2099-01-01";
    let (status, body) = post(&bench, &[CONTENT, ACCEPT, header, METHOD, NAME], &call(&unknown)).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_022)), "{body}");
    let logs = client.call("query_logs", json!({ "event_type": "e" })).await.ok();
    assert_eq!(logs["total"], 0);
}

#[tokio::test]
async fn b_36_what_the_stateless_era_demands_of_the_body() {
    let bench = Bench::start();
    let client = Client::http(&bench.server, Era::Stateless).await.unwrap();
    let headers = [CONTENT, ACCEPT, STATELESS, METHOD, NAME];
    for missing in ["io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"] {
        let mut rest = meta();
        rest.as_object_mut().unwrap().remove(missing);
        let (status, body) = post(&bench, &headers, &call(&rest)).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_602)), "without {missing}: {body}");
    }
    let logs = client.call("query_logs", json!({ "event_type": "e" })).await.ok();
    assert_eq!(logs["total"], 0);
}

#[tokio::test]
async fn b_36_media_types_and_methods() {
    let bench = Bench::start();
    let client = Client::http(&bench.server, Era::Initialize).await.unwrap();
    let sound = call(&Value::Null);
    for content in ["Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "X: y"] {
        let (status, _) = post(&bench, &[content, ACCEPT], &sound).await;
        assert_eq!(status, 415, "{content}");
    }
    // Nothing is unpacked, so nothing can grow (B-38).
    for encoding in ["gzip", "deflate", "zstd", "br", "identity, gzip", "nonsense", "\u{9b}2J"] {
        let encoding = format!("Content-Encoding: {encoding}");
        let (status, problem) = post(&bench, &[CONTENT, ACCEPT, &encoding], &sound).await;
        assert_eq!((status, &problem["field"]), (415, &json!("Content-Encoding")), "{encoding}");
    }
    let (status, _) = post(&bench, &[CONTENT, "Accept: text/html"], &sound).await;
    assert_eq!(status, 406);
    for method in ["GET", "DELETE", "PUT"] {
        let connection = Connection::open(bench.server.address()).await.unwrap();
        let mut request = http::head(method, "/mcp", &[ACCEPT]);
        request.extend(b"\r\n");
        let response = in_time("an answer", connection.send(request)).await.expect("an answer");
        assert_eq!(response.status, 405, "{method}");
    }
    let logs = client.call("query_logs", json!({ "event_type": "e" })).await.ok();
    assert_eq!(logs["total"], 0);
}

#[tokio::test]
async fn b_35_batches_exist_in_one_version() {
    let bench = Bench::start();
    let client = Client::http(&bench.server, Era::Initialize).await.unwrap();
    let batch = json!([call(&Value::Null), { "jsonrpc": "2.0", "id": 2, "method": "ping" }, 5]);
    for version in ["2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28"] {
        let header = format!("MCP-Protocol-Version: {version}");
        let (status, body) = post(&bench, &[CONTENT, ACCEPT, &header], &batch).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(-32_600)), "{version} {body}");
    }
    let total = async || client.call("query_logs", json!({ "event_type": "e" })).await.ok()["total"].clone();
    assert_eq!(total().await, 0);
    let (status, body) = post(&bench, &[CONTENT, ACCEPT, "MCP-Protocol-Version: 2025-03-26"], &batch).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body.as_array().map(Vec::len), Some(3), "{body}");
    assert_eq!(
        (&body[0]["id"], &body[1]["id"], &body[2]["error"]["code"]),
        (&json!(9001), &json!(2), &json!(-32_600))
    );
    assert_eq!(total().await, 1);
}
