//! A tool's arguments as a drop-in takes them: texts, each in its place.

use serde_json::Value;

use crate::support::command::LONGEST_ARGUMENT;

/// The command line that says the same; `None` where there is none, or where it says something else: what is empty or
/// null is left out there, and a number may be a text.
pub(super) fn words(tool: &str, arguments: &str) -> Option<Vec<String>> {
    let places: &[&str] = match tool {
        "log_event" => &["level", "event_type", "metadata"],
        "start_span" => &["trace_id", "span_name", "parent_span_id"],
        "end_span" => &["span_id", "status", "metadata"],
        "record_metric" => &["metric_name", "value", "labels"],
        "get_trace" => &["trace_id"],
        "query_logs" => &["event_type", "level", "since_minutes"],
        _ => return None,
    };
    // As JSON that was read here it may have lost what was wrong with it.
    let read: Value = serde_json::from_str(arguments).ok()?;
    if read.to_string().as_str() != arguments {
        return None;
    }
    let arguments = read.as_object()?;
    // A drop-in's message is what is on standard input, and nothing there is an empty one.
    let known = |name: &String| places.contains(&name.as_str()) || name == "message" && tool == "log_event";
    if !arguments.keys().all(known) {
        return None;
    }
    let mut words = vec![tool.replace('_', "-")];
    for place in places {
        words.push(match arguments.get(*place) {
            None => format!("{{{{{place}}}}}"),
            Some(value) => word(place, value)?,
        });
    }
    let message = arguments.get("message").and_then(Value::as_str);
    (tool != "log_event" || message.is_some_and(|message| message.len() < LONGEST_ARGUMENT)).then_some(words)
}

fn word(place: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) if place == "value" && text.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
            None
        }
        Value::String(text) => Some(text.clone()),
        // Go prints numbers of any size as floats.
        Value::Number(number) if matches!(place, "value" | "since_minutes") => {
            number.as_i64().map(|number| number.to_string())
        }
        Value::Bool(flag) if matches!(place, "value" | "since_minutes") => Some(flag.to_string()),
        _ => None,
    };
    let template = format!("{{{{{place}}}}}");
    text.filter(|text| !text.contains('\0') && text.len() < LONGEST_ARGUMENT)
        .filter(|text| !text.is_empty() && *text != "<nil>" && *text != template)
}
