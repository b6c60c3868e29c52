use rmcp::model::ErrorCode;
use serde_json::json;

use super::*;

fn rejection(text: &str) -> Rejection {
    match decode(text.as_bytes(), Batches::Refused) {
        Err(rejection) => rejection,
        Ok(Incoming::One(message)) => message.into_rmcp().expect_err(text),
        Ok(other) => panic!("{text}: {other:?}"),
    }
}

fn call(arguments: &str) -> String {
    format!(
        r#"{{"params":{{"name":"log_event","arguments":{arguments}}},"method":"tools/call","jsonrpc":"2.0","id":7}}"#
    )
}

#[test]
fn what_is_not_json_is_a_parse_error_with_its_position() {
    let bytes: [&[u8]; 7] =
        [b"", b"{", b"{}{}", b"\xef\xbb\xbf{}", b"{\"a\":\"\\ud800\"}", b"{\"a\":\"\xff\"}", b"x"];
    for text in bytes {
        let answer = decode(text, Batches::Refused).unwrap_err().to_json();
        assert_eq!(answer["error"]["code"], -32700);
        assert_eq!(answer["id"], Value::Null);
        assert!(answer.as_object().unwrap().contains_key("id"));
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("line 1 column"), "{message}");
    }
}

#[test]
fn envelopes_that_are_not_json_rpc_are_invalid_requests() {
    for text in [
        "1",
        "\"x\"",
        "null",
        "{}",
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":3}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":99999999999999999999,"method":"ping"}"#,
        "[]",
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
    ] {
        assert_eq!(rejection(text).code(), Some(ErrorCode::INVALID_REQUEST), "{text}");
    }
}

#[test]
fn the_id_is_found_after_the_fault() {
    let answer = rejection(r#"{"x":1,"x":2,"method":"ping","jsonrpc":"2.0","id":"later"}"#).to_json();
    assert_eq!(answer["id"], "later");
    assert_eq!(answer["error"]["message"], "duplicate key `x`");
}

#[test]
fn parameters_of_the_wrong_form_are_invalid_params() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["log_event"]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":5}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[1]}}"#,
    ] {
        assert_eq!(rejection(text).code(), Some(ErrorCode::INVALID_PARAMS), "{text}");
    }
}

#[test]
fn a_fault_in_the_arguments_is_a_tool_result() {
    let deep = format!("{{\"metadata\":{{\"a\":{}1{}}}}}", "{\"b\":".repeat(70), "}".repeat(70));
    for (arguments, code, field) in [
        (r#"{"metadata":{"a":1,"a":2}}"#, "INVALID_ARGUMENT", "metadata.a"),
        (r#"{"message":"x","message":"y"}"#, "INVALID_ARGUMENT", "message"),
        (r#"{"value":[18446744073709551616]}"#, "INVALID_NUMBER", "value[0]"),
        (&deep, "FIELD_TOO_LARGE", "metadata.a.b.b.b.b.b.b…"),
    ] {
        let rejection = rejection(&call(arguments));
        assert!(rejection.is_result());
        let answer = rejection.to_json();
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["result"]["isError"], true);
        assert_eq!(answer["result"]["resultType"], "complete");
        assert!(answer["result"].get("structuredContent").is_none());
        let problem: Value =
            serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(problem["code"], code);
        assert_eq!(problem["field"], field);
    }
}

#[test]
fn the_limit_of_depth_is_named() {
    let answer =
        rejection(&call(&format!("{{\"m\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)))).to_json();
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains(r#""limit":32"#));
}

#[test]
fn a_tool_is_called_with_what_was_sent() {
    let text = call(r#"{"metadata":{"f":1e300,"i":9223372036854775807}}"#);
    let Ok(Incoming::One(message)) = decode(text.as_bytes(), Batches::Refused) else { panic!("refused") };
    assert!(message.is_tool_call());
    assert!(message.into_rmcp().unwrap().is_some());
}

#[test]
fn answers_and_unknown_notifications_do_no_harm() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#,
    ] {
        assert!(matches!(decode(text.as_bytes(), Batches::Refused), Ok(Incoming::Ignored)), "{text}");
    }
    for text in [
        r#"{"jsonrpc":"2.0","method":"notifications/unheard-of"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[1]}"#,
    ] {
        let Ok(Incoming::One(message)) = decode(text.as_bytes(), Batches::Refused) else { panic!("{text}") };
        assert!(message.into_rmcp().is_ok(), "{text}");
    }
}

#[test]
fn a_batch_is_taken_apart_where_its_revision_was_negotiated() {
    let text = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},5,{"jsonrpc":"2.0","id":2,"result":{}},
        {"jsonrpc":"2.0","id":3,"method":"ping","a":1,"a":2}]"#;
    let Ok(Incoming::Batch(items)) = decode(text.as_bytes(), Batches::Accepted) else { panic!("refused") };
    assert!(matches!(&items[..], [Ok(_), Err(_), Err(_)]));
    assert_eq!(items[2].as_ref().unwrap_err().to_json()["id"], json!(3));
    assert!(decode(b"[]", Batches::Accepted).is_err());
}
