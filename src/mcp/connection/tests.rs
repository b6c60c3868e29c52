use rmcp::model::{ErrorData, InitializeResult, ServerCapabilities};
use serde_json::json;

use super::*;
use crate::mcp::turn::Turn;

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn ping(id: i64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })
}

fn done(id: i64) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::response(ServerResult::empty(()), RequestId::Number(id))
}

/// A connection on which `version` was negotiated.
fn begun(version: &str) -> Connection {
    let connection = Connection::default();
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    assert_eq!(connection.receive(&text(&initialize)).deliver.len(), 1);
    let version = serde_json::from_value(json!(version)).unwrap();
    let result = InitializeResult::new(ServerCapabilities::default()).with_protocol_version(version);
    connection.answer(&ServerJsonRpcMessage::response(
        ServerResult::InitializeResult(result),
        RequestId::Number(0),
    ));
    connection
}

#[test]
fn an_id_in_flight_is_refused_and_free_again_once_answered() {
    let connection = begun("2025-11-25");
    assert_eq!(connection.receive(&text(&ping(1))).deliver.len(), 1);
    let second = connection.receive(&text(&ping(1)));
    assert!(second.deliver.is_empty());
    assert_eq!(second.answer.unwrap()["error"]["code"], -32600);
    connection.answer(&done(1));
    assert_eq!(connection.receive(&text(&ping(1))).deliver.len(), 1);
}

#[test]
fn a_cancelled_id_is_free_again() {
    let connection = begun("2025-11-25");
    connection.receive(&text(&ping(1)));
    let cancelled =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    assert_eq!(connection.receive(&text(&cancelled)).deliver.len(), 1);
    assert_eq!(connection.receive(&text(&ping(1))).deliver.len(), 1);
}

#[test]
fn a_batch_is_refused_unless_its_revision_was_negotiated() {
    let batch = text(&json!([ping(1)]));
    for connection in [Connection::default(), begun("2025-11-25"), begun("2024-11-05")] {
        let received = connection.receive(&batch);
        assert!(received.deliver.is_empty());
        assert_eq!(received.answer.unwrap()["error"]["code"], -32600);
    }
    assert_eq!(begun("2025-03-26").receive(&batch).deliver.len(), 1);
}

#[test]
fn the_answers_of_a_batch_come_in_one_array() {
    let connection = begun("2025-03-26");
    let batch =
        json!([ping(1), 5, ping(2), { "jsonrpc": "2.0", "method": "notifications/x" }, ping(1), ping(3)]);
    let received = connection.receive(&text(&batch));
    assert_eq!(received.deliver.len(), 4);
    assert!(received.answer.is_none());
    assert!(connection.answer(&done(2)).is_none());
    let error = ServerJsonRpcMessage::error(ErrorData::internal_error("x", None), Some(RequestId::Number(1)));
    assert!(connection.answer(&error).is_none());
    let answers = connection.answer(&done(3)).unwrap();
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [Value::Null, json!(1), json!(2), json!(1), json!(3)]);
}

#[test]
fn a_cancellation_in_a_batch_completes_it() {
    let connection = begun("2025-03-26");
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    let received = connection.receive(&text(&json!([ping(1), cancel, ping(2)])));
    assert!(received.answer.is_none());
    assert_eq!(connection.answer(&done(2)).unwrap().as_array().unwrap().len(), 1);
    assert!(connection.receive(&text(&json!([cancel]))).answer.is_none());
}

#[test]
fn a_notification_before_the_beginning_is_ignored() {
    let early = Connection::default().receive(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert!(early.deliver.is_empty() && early.answer.is_none());
}

#[test]
fn calls_get_turns_in_the_order_of_arrival() {
    let connection = begun("2025-11-25");
    let call = |id: i64| {
        let call =
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "echo" } });
        let mut received = connection.receive(&text(&call));
        match received.deliver.remove(0) {
            ClientJsonRpcMessage::Request(request) => {
                request.request.extensions().get::<Turn>().cloned().expect("a turn")
            }
            other => panic!("{other:?}"),
        }
    };
    let names: Vec<_> = (1..4).map(|id| format!("{:?}", call(id))).collect();
    assert_eq!(names, ["Turn(0)", "Turn(1)", "Turn(2)"]);
}
