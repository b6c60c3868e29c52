//! Bytes that are no JSON, or no text at all (B-15, B-17).

use serde_json::Value;

use crate::support::bench::{Bench, assert_works};
use crate::support::http::Connection;
use crate::support::mcp::{Client, Wire, in_time};

/// A call of `log_event` with these bytes inside the message's quotes.
fn log(message: &[u8]) -> Vec<u8> {
    let mut bytes =
        br#"{"jsonrpc":"2.0","id":9001,"method":"tools/call","params":{"name":"log_event","arguments":"#
            .to_vec();
    bytes.extend(br#"{"event_type":"e","message":""#);
    bytes.extend(message);
    bytes.extend(br#""}}}"#);
    bytes
}

/// The bytes get a parse error for nobody on every transport, store nothing and harm nothing.
pub(super) async fn assert_unreadable(row: &str, bytes: &[u8]) {
    let bench = Bench::start();
    for mut client in bench.clients().await {
        assert_works(&client, row).await;
        let before = bench.file.rows();
        let answer = client.raw(bytes).await;
        let shown = String::from_utf8_lossy(bytes);
        let context = format!("{row} {} {shown:?}\n{answer:?}", client.name);
        assert!(answer.status.is_none_or(|status| status == 400), "{context}");
        assert_eq!(answer.body["error"]["code"], -32_700, "{context}");
        assert_eq!(answer.body.get("id"), Some(&Value::Null), "{context}");
        let message = answer.body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("line 1 column"), "{context}");
        assert_eq!(bench.file.rows(), before, "{context}");
        bench.reconnect(&mut client).await;
        assert_works(&client, row).await;
    }
}

#[tokio::test]
async fn b_15_bytes_that_are_no_text() {
    assert_unreadable("B-15 invalid UTF-8", &log(b"\xff\xfe")).await;
    let utf_16: Vec<u8> =
        String::from_utf8(log(b"m")).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
    // Over stdio a line ends at a line feed, of which this text has none.
    assert_unreadable("B-15 UTF-16", &utf_16).await;
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(log(b"m"));
    assert_unreadable("B-15 byte order mark", &marked).await;
}

#[tokio::test]
async fn b_15_bytes_that_are_no_text_around_the_body() {
    let bench = Bench::start();
    let client = Client::sse(&bench.server).await.unwrap();
    let body = log(b"m");
    let json = "Content-Type: application/json";
    let accept = "Accept: application/json, text/event-stream";
    let request = |path: &[u8], header: &[u8]| {
        let mut request = [b"POST ".as_slice(), path, b" HTTP/1.1\r\nHost: localhost\r\n"].concat();
        request.extend(format!("{json}\r\n{accept}\r\n").bytes());
        request.extend(header);
        request.extend(format!("\r\nContent-Length: {}\r\n\r\n", body.len()).bytes());
        request.extend(&body);
        request
    };
    for (path, header, expected) in [
        (b"/mcp\xff".as_slice(), b"X: y".as_slice(), [400, 404]),
        (b"/mcp", b"MCP-Protocol-Version: \xff\xfe", [400, 400]),
        (b"/messages?sessionId=\xff", b"X: y", [400, 404]),
        (b"/messages?sessionId=%ff", b"X: y", [404, 404]),
        (b"/messages", b"X: y", [404, 404]),
    ] {
        let connection = Connection::open(bench.server.address()).await.unwrap();
        let response = in_time("a refusal", connection.send(request(path, header))).await.expect("an answer");
        assert!(expected.contains(&response.status), "{} {response:?}", String::from_utf8_lossy(path));
        assert_works(&client, "B-15").await;
    }
    let logs = client.call("query_logs", serde_json::json!({ "event_type": "e" })).await.ok();
    assert_eq!(logs["total"], 0);
}

#[tokio::test]
async fn b_17_characters_that_are_none() {
    assert_unreadable("B-17 lone surrogate", &log(br"\ud800")).await;
    assert_unreadable("B-17 reversed surrogates", &log(br"\udc00\ud800")).await;
    assert_unreadable("B-17 overlong", &log(b"\xc0\xaf")).await;
    assert_unreadable("B-17 surrogate in UTF-8", &log(b"\xed\xa0\x80")).await;
    assert_unreadable("B-17 raw control character", &log(b"\x01")).await;
    assert_unreadable("B-17 cut off", br#"{"jsonrpc":"2.0","id":1,"met"#).await;
}

#[tokio::test]
async fn b_17_noncharacters_are_characters() {
    let bench = Bench::start();
    for client in bench.clients().await {
        let message = "\u{fffe}\u{ffff}\u{10ffff}";
        let log = serde_json::json!({ "event_type": "e", "message": message });
        client.call("log_event", log).await.ok();
        let found =
            client.call("query_logs", serde_json::json!({ "event_type": "e", "limit": 1 })).await.ok();
        assert_eq!(found["logs"][0]["message"], message, "{}", client.name);
    }
}

#[tokio::test]
async fn a_line_may_end_in_crlf_be_blank_and_stand_after_garbage() {
    let bench = Bench::start();
    let client = Client::stdio(&bench.file.store()).await;
    assert!(matches!(client.wire, Wire::Stdio(_)));
    client.send_bytes(b"");
    client.send_bytes(b"   \t\r");
    let crlf = [log(b"m"), b"\r".to_vec()].concat();
    assert_eq!(client.raw(&crlf).await.body["id"], 9_001);
    let two = [log(b"m"), log(b"m")].concat();
    assert_eq!(client.raw(&two).await.body["error"]["code"], -32_700, "two messages on one line");
    assert_works(&client, "garbage").await;
}
