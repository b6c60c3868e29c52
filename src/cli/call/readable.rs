//! Answers as a person at a terminal reads them.
//!
//! **Invariant:** every text goes through [`on_one_line`]: nothing that an agent wrote drives the terminal, hides from its
//! reader or begins a line of its own.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::mcp::ToolName;
use crate::model::text::on_one_line;

/// An answer of `tool`, without a line feed at its end.
pub(super) fn answer(tool: ToolName, answer: &Value) -> String {
    let shown = match tool {
        ToolName::GetTrace => trace(answer),
        ToolName::QueryLogs => logs(answer),
        _ => fields(answer),
    };
    shown.trim_end().to_owned()
}

/// A value on one line: text without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => on_one_line(text),
        other => on_one_line(&other.to_string()),
    }
}

/// Names and values, aligned.
pub(in crate::cli) fn fields(answer: &Value) -> String {
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
            write!(shown, "  {}={}", on_one_line(name), plain(value)).unwrap_or_default();
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
        Some(next) => format!("there is more: add `--cursor {}`\n", on_one_line(next)),
        None => String::new(),
    }
}

fn milliseconds(duration: f64) -> String {
    if duration < 1_000.0 { format!("{duration:.1} ms") } else { format!("{:.2} s", duration / 1_000.0) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Texts that drive a terminal: a link (OSC 8), the clipboard (OSC 52), the window's title, a line written over
    /// another, a screen that is cleared, text that runs backwards, and a line of its own.
    const HOSTILE: [&str; 7] = [
        "\u{1b}]8;;https://evil.example\u{7}click\u{1b}]8;;\u{7}",
        "\u{1b}]52;c;ZXZpbA==\u{7}",
        "\u{1b}]0;title\u{9c}",
        "all is well\rERROR   ",
        "\u{9b}2J",
        "\u{202e}txt.exe",
        "two\nlines\tand a tab",
    ];

    #[test]
    fn nothing_that_an_agent_wrote_drives_the_terminal() {
        let log = |text: &&str| json!({ "timestamp": "2026-11-22T09:30:00.000000Z", "event_type": "e", "message": text, "metadata": { *text: text } });
        let logs: Vec<Value> = HOSTILE.iter().map(log).collect();
        let told = answer(
            ToolName::QueryLogs,
            &json!({ "logs": logs, "returned": 7, "total": 7, "total_exact": true }),
        );
        insta::assert_snapshot!("hostile_logs", told);
        let node = |text: &&str| json!({ "span_id": text, "name": text, "status": text, "children": [] });
        let nodes: Vec<Value> = HOSTILE.iter().map(node).collect();
        let told = answer(
            ToolName::GetTrace,
            &json!({ "trace_id": HOSTILE[0], "total": 7, "tree": { "roots": nodes }, "next": HOSTILE[1] }),
        );
        insta::assert_snapshot!("hostile_trace", told);
        let told = answer(ToolName::RecordMetric, &json!({ "metric": HOSTILE[3], "value": 1.0 }));
        insta::assert_snapshot!("hostile_fields", told);
    }

    #[test]
    fn a_trace_is_a_tree_and_logs_are_lines() {
        let leaf = |name: &str, status: &str| json!({ "span_id": "2", "name": name, "status": status, "duration_ms": 41.25, "children": [] });
        let root = json!({
            "span_id": "1", "name": "agent_request", "status": "in_progress",
            "children": [
                { "span_id": "3", "name": "plan", "status": "ok", "duration_ms": 2500.0, "children": [leaf("llm_call", "ok")] },
                leaf("tool.search", "error"),
            ],
        });
        let other = json!({ "span_id": "4", "name": "late", "status": "ok", "children": [], "missing_parent": true, "hidden_descendants": 3 });
        let trace = json!({
            "trace_id": "t", "total": 8, "duration_ms": 2500.0, "error_count": 1, "open_count": 1, "next": "abc",
            "tree": { "roots": [root, other] },
        });
        insta::assert_snapshot!("trace", answer(ToolName::GetTrace, &trace));
        let logs = json!({
            "logs": [
                { "timestamp": "2026-11-22T09:30:01.000000Z", "level": "error", "event_type": "agent.request.error", "message": "failed", "metadata": { "step": 2, "why": { "a": [1] } } },
                { "timestamp": "2026-11-22T09:30:00.000000Z", "event_type": "of.a.script", "message": "no level", "metadata": {} },
            ],
            "returned": 2, "total": 10_000, "total_exact": false, "next": "abc",
        });
        insta::assert_snapshot!("logs", answer(ToolName::QueryLogs, &logs));
        let started = json!({ "span_id": "1", "parent_span_id": null, "name": "s" });
        insta::assert_snapshot!("fields", answer(ToolName::StartSpan, &started));
    }
}
