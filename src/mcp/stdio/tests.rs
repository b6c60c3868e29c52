use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};

use super::*;
use crate::mcp::testing::{Echo, call, initialize};

struct Client {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    server: tokio::task::JoinHandle<io::Result<Ended>>,
    stop: CancellationToken,
}

impl Client {
    fn start(handler: Echo) -> Self {
        let (input, server_input) = tokio::io::duplex(1 << 20);
        let (output, server_output) = tokio::io::duplex(1 << 20);
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(handler, server_input, server_output, stop.clone()));
        Self { input, output: BufReader::new(output).lines(), server, stop }
    }

    async fn initialized(handler: Echo, version: &str) -> Self {
        let mut client = Self::start(handler);
        client.send(&initialize(version)).await;
        assert_eq!(client.next().await["result"]["protocolVersion"], version);
        client
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).await.unwrap();
    }

    async fn send(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes()).await;
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.output.next_line().await.unwrap().expect("an answer")).unwrap()
    }
}

#[tokio::test]
async fn bad_lines_are_answered_and_the_next_line_works() {
    let mut client = Client::initialized(Echo::default(), "2025-11-25").await;
    for (line, code) in [
        (&b"garbage\n"[..], -32700),
        (b"\xef\xbb\xbf{}\n", -32700),
        (b"{\"a\":\"\xff\"}\r\n", -32700),
        (b"{}{}\n", -32700),
        (b"[]\n", -32600),
    ] {
        client.write(b"\n\r\n").await;
        client.write(line).await;
        let answer = client.next().await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &Value::Null));
        client.write(format!("{}\r\n", call(1, &json!({}))).as_bytes()).await;
        assert_eq!(client.next().await["id"], 1);
    }
}

#[tokio::test]
async fn a_line_above_the_limit_is_refused_with_the_limit() {
    let mut client = Client::initialized(Echo::default(), "2025-11-25").await;
    for _ in 0..10 {
        client.write(&vec![b'x'; 1 << 20]).await;
    }
    client.write(b"\n").await;
    client.send(&call(1, &json!({}))).await;
    let answer = client.next().await;
    assert_eq!(answer["error"]["code"], -32600);
    assert!(answer["error"]["message"].as_str().unwrap().contains("4194304"));
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test]
async fn a_bad_line_before_initialize_does_no_harm() {
    let mut client = Client::start(Echo::default());
    client.write(b"nonsense\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n").await;
    assert_eq!(client.next().await["error"]["code"], -32700);
    client.send(&initialize("2025-11-25")).await;
    assert_eq!(client.next().await["id"], "init");
}

#[tokio::test]
async fn everything_read_is_answered_before_the_end() {
    let mut client = Client::initialized(Echo::default(), "2025-11-25").await;
    for id in 0..100 {
        client.send(&call(id, &json!({}))).await;
    }
    // The last line has no line feed.
    client.write(call(100, &json!({})).to_string().as_bytes()).await;
    client.input.shutdown().await.unwrap();
    let mut ids = Vec::new();
    while let Some(line) = client.output.next_line().await.unwrap() {
        ids.push(serde_json::from_str::<Value>(&line).unwrap()["id"].as_i64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..=100).collect::<Vec<_>>());
    assert_eq!(client.server.await.unwrap().unwrap(), Ended::ByClient);
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_message_is_a_parse_error() {
    let mut client = Client::initialized(Echo::default(), "2025-11-25").await;
    client.write(b"{\"jsonrpc\":\"2.0\",\"id\":1").await;
    client.input.shutdown().await.unwrap();
    assert_eq!(client.next().await["error"]["code"], -32700);
    assert_eq!(client.server.await.unwrap().unwrap(), Ended::ByClient);
}

#[tokio::test]
async fn an_end_before_the_beginning_is_no_failure() {
    let mut client = Client::start(Echo::default());
    client.input.shutdown().await.unwrap();
    assert_eq!(client.server.await.unwrap().unwrap(), Ended::ByClient);
}

#[tokio::test]
async fn a_client_that_stops_reading_ends_the_conversation() {
    let mut client = Client::initialized(Echo::default(), "2025-11-25").await;
    drop(client.output);
    client.input.write_all(format!("{}\n", call(1, &json!({}))).as_bytes()).await.unwrap();
    assert_eq!(client.server.await.unwrap().unwrap(), Ended::ByClient);
}

#[tokio::test]
async fn cancelling_ends_the_conversation() {
    let client = Client::initialized(Echo::default(), "2025-11-25").await;
    client.stop.cancel();
    assert_eq!(client.server.await.unwrap().unwrap(), Ended::Cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pipelined_calls_come_to_their_turn_in_order() {
    let handler = Echo::default();
    let mut client = Client::initialized(handler.clone(), "2025-11-25").await;
    let calls: Vec<_> = (0..500).map(|id| call(id, &json!({ "n": id })).to_string() + "\n").collect();
    client.write(calls.concat().as_bytes()).await;
    for _ in 0..500 {
        client.next().await;
    }
    let order: Vec<_> =
        handler.order.lock().unwrap().iter().map(|seen| seen["n"].as_i64().unwrap()).collect();
    assert_eq!(order, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_call_that_hangs_and_is_cancelled_frees_those_behind_it() {
    let mut client = Client::initialized(Echo::default(), "2025-11-25").await;
    client.send(&call(1, &json!({ "hang": true }))).await;
    client.send(&call(2, &json!({}))).await;
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    client.send(&cancel).await;
    assert_eq!(client.next().await["id"], 2);
}

#[tokio::test]
async fn a_batch_is_answered_where_its_revision_was_negotiated() {
    let mut client = Client::initialized(Echo::default(), "2025-03-26").await;
    client.send(&json!([call(1, &json!({})), call(2, &json!({}))])).await;
    assert_eq!(client.next().await.as_array().unwrap().len(), 2);
    let mut client = Client::initialized(Echo::default(), "2025-06-18").await;
    client.send(&json!([call(1, &json!({}))])).await;
    assert_eq!(client.next().await["error"]["code"], -32600);
}
