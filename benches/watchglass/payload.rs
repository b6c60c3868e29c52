//! What is written: the log that an instrumented agent sends at the start of each request.

use serde_json::{Map, Value, json};
use watchglass::clock::{Clock, Ids, SystemClock};
use watchglass::model::{EventType, Level, Log, Record, TraceId, Write};

/// The revision of the protocol that the callers speak.
pub(crate) const PROTOCOL: &str = "2025-11-25";

const EVENT_TYPE: &str = "agent.request.start";
const MESSAGE: &str = "Processing request: Which of our suppliers have raised their prices since May?";
const AGENT: &str = "bench";

fn metadata(trace_id: &str) -> Value {
    json!({ "agent_name": AGENT, "trace_id": trace_id })
}

/// A call of `log_event`, without the braces of its message: `id` goes before it.
pub(crate) fn log_event(trace_id: &str) -> String {
    let arguments = json!({
        "level": "info", "event_type": EVENT_TYPE, "message": MESSAGE, "metadata": metadata(trace_id),
    });
    call("log_event", &arguments)
}

/// A call of any tool, as the end of a message whose beginning is [`message`]'s.
pub(crate) fn call(tool: &str, arguments: &Value) -> String {
    format!(r#""method":"tools/call","params":{}}}"#, json!({ "name": tool, "arguments": arguments }))
}

/// A whole message.
pub(crate) fn message(id: u64, call: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},{call}"#)
}

/// The first message of a conversation.
pub(crate) fn initialize() -> String {
    let params = json!({
        "protocolVersion": PROTOCOL,
        "capabilities": {},
        "clientInfo": { "name": "watchglass-bench", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string()
}

/// The message that ends the beginning of a conversation.
pub(crate) fn initialized() -> String {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string()
}

/// Whether an answer is the result of a call that went well.
pub(crate) fn is_success(answer: &str) -> bool {
    answer.contains(r#""result":"#) && !answer.contains(r#""isError":true"#)
}

/// The same log as the service makes of the call.
pub(crate) fn log(trace_id: &TraceId) -> Log {
    let metadata = match metadata(trace_id.as_str()) {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    };
    Log {
        id: Ids.record(),
        timestamp: SystemClock.now(),
        level: Some(Level::Info),
        event_type: EventType::stored(EVENT_TYPE),
        message: MESSAGE.to_owned(),
        metadata,
        agent_name: Some(AGENT.to_owned()),
        trace_id: Some(trace_id.clone()),
        span_id: None,
        session_id: None,
        sanitized: false,
        redacted: Vec::new(),
    }
}

/// The same log for a store.
pub(crate) fn write(trace_id: &TraceId) -> Write {
    Write::once(Record::Log(Box::new(log(trace_id))))
}
