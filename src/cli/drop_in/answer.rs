//! A tool's answer in the form that the published script printed.

use serde_json::{Map, Value, json};

use super::python;
use crate::mcp::ToolName;

/// The keys that the script of a tool that writes printed, in their order.
const fn published(tool: ToolName) -> &'static [&'static str] {
    match tool {
        ToolName::LogEvent => &["logged", "event_type"],
        ToolName::StartSpan => &["span_id", "trace_id", "parent_span_id", "name", "start_time", "status"],
        ToolName::EndSpan => &["span_id", "duration_ms", "status"],
        ToolName::RecordMetric => &["recorded", "metric", "value"],
        ToolName::GetTrace | ToolName::QueryLogs => &[],
    }
}

/// What a script that wrote printed.
pub(super) fn written(tool: ToolName, answer: &Value) -> Value {
    let value = |name: &str| if is_time(name) { naive(&answer[name]) } else { answer[name].clone() };
    published(tool).iter().map(|name| ((*name).to_owned(), value(name))).collect::<Map<_, _>>().into()
}

/// `{"trace_id", "spans", "tree"}`, the fields of a span as texts, as a Redis hash has them.
pub(super) fn trace(pages: &[Value]) -> Value {
    let spans: Vec<Value> = all(pages, "/spans").map(span).collect();
    let roots: Vec<&Value> = all(pages, "/tree/roots").collect();
    let partial = pages.iter().any(|page| page["tree"]["partial"] == true);
    json!({
        "trace_id": pages.first().map(|page| page["trace_id"].clone()),
        "spans": spans,
        "tree": { "roots": roots, "partial": partial },
    })
}

fn span(span: &Value) -> Value {
    let text = |name: &str, value: &Value| match value {
        Value::Null => String::new(),
        Value::Bool(flag) => i32::from(*flag).to_string(),
        Value::String(text) if is_time(name) => text.trim_end_matches('Z').to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map(python::float).unwrap_or_default(),
        nested => python::dumps(nested),
    };
    let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    let fields = span.as_object().into_iter().flatten().filter(|(_, value)| !empty(value));
    fields.map(|(name, value)| (name.clone(), text(name, value).into())).collect::<Map<_, _>>().into()
}

/// A bare array of logs, newest first, each as it stands in its sorted set: metadata's keys at the top level, but for
/// those that bear the name of one of the log's own fields.
pub(super) fn logs(pages: &[Value]) -> Value {
    all(pages, "/logs").map(log).collect()
}

fn log(log: &Value) -> Value {
    let mut own = log.as_object().cloned().unwrap_or_default();
    let metadata = own.shift_remove("metadata");
    let mut member = Map::new();
    for name in ["timestamp", "event_type", "message"] {
        let value = own.shift_remove(name).unwrap_or_default();
        member.insert(name.to_owned(), if is_time(name) { naive(&value) } else { value });
    }
    let mut shadowed = Map::new();
    for (name, value) in metadata.as_ref().and_then(Value::as_object).into_iter().flatten() {
        let is_own = name == "metadata" || member.contains_key(name) || own.contains_key(name);
        if !is_own {
            member.insert(name.clone(), value.clone());
        } else if own.get(name) != Some(value) {
            shadowed.insert(name.clone(), value.clone());
        }
    }
    if !shadowed.is_empty() {
        member.insert("metadata".to_owned(), shadowed.into());
    }
    member.extend(own);
    member.into()
}

/// The items of an array that every page has.
fn all<'a>(pages: &'a [Value], pointer: &'a str) -> impl Iterator<Item = &'a Value> {
    pages.iter().filter_map(|page| page.pointer(pointer)?.as_array()).flatten()
}

fn is_time(name: &str) -> bool {
    matches!(name, "timestamp" | "start_time" | "end_time")
}

/// A time as the scripts wrote it: UTC without saying so.
fn naive(time: &Value) -> Value {
    time.as_str().map_or_else(|| time.clone(), |text| text.trim_end_matches('Z').into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_never_takes_the_place_of_a_logs_own_field() {
        let page = json!({ "logs": [{
            "timestamp": "2026-11-22T09:30:00.000001Z", "event_type": "e", "message": "m", "level": "info",
            "id": "1", "agent_name": "a",
            "metadata": { "step": 1, "agent_name": "a", "level": "mine", "message": 5, "metadata": {} },
        }] });
        let expected = concat!(
            r#"[{"timestamp": "2026-11-22T09:30:00.000001", "event_type": "e", "message": "m", "step": 1, "#,
            r#""metadata": {"level": "mine", "message": 5, "metadata": {}}, "#,
            r#""level": "info", "id": "1", "agent_name": "a"}]"#
        );
        assert_eq!(python::dumps(&logs(&[page])), expected);
    }
}
