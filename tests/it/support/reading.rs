//! Reading back through the tools what a test has written through them.

use serde_json::{Value, json};

use super::mcp::Client;

/// Every log of an event type, oldest first, page by page.
pub(crate) async fn all_logs(client: &Client, event_type: &str) -> Vec<Value> {
    let mut logs = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let question = json!({ "event_type": event_type, "limit": 200, "cursor": cursor });
        let page = client.call("query_logs", question).await.ok();
        logs.extend(page["logs"].as_array().expect("a page").iter().cloned());
        cursor = page.get("next").cloned().unwrap_or_default();
        if cursor.is_null() {
            break;
        }
    }
    logs.reverse();
    logs
}

/// Every span of a trace, by start.
pub(crate) async fn all_spans(client: &Client, trace_id: &str) -> Vec<Value> {
    let mut spans = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let question = json!({ "trace_id": trace_id, "cursor": cursor });
        let page = client.call("get_trace", question).await.ok();
        spans.extend(page["spans"].as_array().expect("a page").iter().cloned());
        cursor = page.get("next").cloned().unwrap_or_default();
        if cursor.is_null() {
            return spans;
        }
    }
}

/// The text at `key`.
pub(crate) fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_else(|| panic!("no text at {key}: {record}"))
}
