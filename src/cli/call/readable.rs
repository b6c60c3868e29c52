//! Answers as a person at a terminal reads them.
//!
//! **Invariant:** every text goes through [`line`]: nothing that an agent wrote drives the terminal, hides from its
//! reader or begins a line of its own.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::mcp::ToolName;
use crate::model::text::visible;

/// An answer of `tool`, without a line feed at its end.
pub(super) fn answer(tool: ToolName, answer: &Value) -> String {
    let shown = match tool {
        ToolName::GetTrace => trace(answer),
        ToolName::QueryLogs => logs(answer),
        _ => fields(answer),
    };
    shown.trim_end().to_owned()
}

/// A text on one line, in which nothing hides.
fn line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// A value on one line: text without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => line(text),
        other => line(&other.to_string()),
    }
}

/// Names and values, aligned.
fn fields(answer: &Value) -> String {
    let none = Map::new();
    let object = answer.as_object().unwrap_or(&none);
    let width = object.keys().map(String::len).max().unwrap_or_default();
    let mut shown = String::new();
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        writeln!(shown, "{name:<width$}  {}", plain(value)).unwrap_or_default();
    }
    shown
}

/// One log a line, oldest fields first, and how much there is beyond.
fn logs(answer: &Value) -> String {
    let mut shown = String::new();
    for log in answer["logs"].as_array().into_iter().flatten() {
        let text = |name: &str| plain(&log[name]);
        let level = log["level"].as_str().unwrap_or("-");
        write!(shown, "{}  {level:<5}  {}  {}", text("timestamp"), text("event_type"), text("message"))
            .unwrap_or_default();
        for (name, value) in log["metadata"].as_object().into_iter().flatten() {
            write!(shown, "  {}={}", line(name), plain(value)).unwrap_or_default();
        }
        shown.push('\n');
    }
    let at_least = if answer["total_exact"] == false { "at least " } else { "" };
    writeln!(shown, "{} of {at_least}{} logs", answer["returned"], answer["total"]).unwrap_or_default();
    shown + &rest(answer)
}

/// The spans of a trace, each under its parent.
fn trace(answer: &Value) -> String {
    let mut shown = format!("trace {}: {} spans", plain(&answer["trace_id"]), answer["total"]);
    if let Some(duration) = answer["duration_ms"].as_f64() {
        write!(shown, ", {}", milliseconds(duration)).unwrap_or_default();
    }
    for (count, name) in [("error_count", "failed"), ("open_count", "open")] {
        if answer[count].as_u64().is_some_and(|count| count > 0) {
            write!(shown, ", {} {name}", answer[count]).unwrap_or_default();
        }
    }
    shown.push('\n');
    for root in answer["tree"]["roots"].as_array().into_iter().flatten() {
        node(&mut shown, root, "", "", "");
    }
    shown + &rest(answer)
}

fn node(shown: &mut String, node_value: &Value, before: &str, branch: &str, below: &str) {
    let text = |name: &str| plain(&node_value[name]);
    write!(shown, "{before}{branch}{}  {}", text("name"), text("status")).unwrap_or_default();
    if let Some(duration) = node_value["duration_ms"].as_f64() {
        write!(shown, "  {}", milliseconds(duration)).unwrap_or_default();
    }
    write!(shown, "  {}", text("span_id")).unwrap_or_default();
    for (flag, note) in [("missing_parent", "its parent is not here"), ("cycle", "it is its own ancestor")] {
        if node_value[flag] == true {
            write!(shown, "  ({note})").unwrap_or_default();
        }
    }
    if let Some(hidden) = node_value["hidden_descendants"].as_u64() {
        write!(shown, "  ({hidden} spans lie too deep to be shown)").unwrap_or_default();
    }
    shown.push('\n');
    let children = node_value["children"].as_array().map(Vec::as_slice).unwrap_or_default();
    let before = format!("{before}{below}");
    for (index, child) in children.iter().enumerate() {
        let (branch, below) =
            if index + 1 == children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        node(shown, child, &before, branch, below);
    }
}

/// How to get what is on the next page.
fn rest(answer: &Value) -> String {
    match answer["next"].as_str() {
        Some(next) => format!("there is more: add `--cursor {}`\n", line(next)),
        None => String::new(),
    }
}

fn milliseconds(duration: f64) -> String {
    if duration < 1_000.0 { format!("{duration:.1} ms") } else { format!("{:.2} s", duration / 1_000.0) }
}
