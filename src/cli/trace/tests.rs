use serde_json::json;

use super::drawn;
use crate::cli::screen::Screen;
use crate::model::Timestamp;
use crate::service::TraceReport;

fn report() -> TraceReport {
    let span = |id: &str, parent: Option<&str>, name: &str, start: u32, end: Option<u32>| {
        let time = |second: u32| format!("2026-11-25T12:00:{second:02}.000000Z");
        json!({
            "span_id": id, "trace_id": "t", "parent_span_id": parent, "name": name, "start_time": time(start),
            "status": if end.is_some() { "ok" } else { "in_progress" }, "end_time": end.map(time),
            "duration_ms": end.map(|end| f64::from(end - start) * 1_000.0), "kind": "llm", "agent_name": "a",
            "usage": { "input": 100, "output": 20 }, "cost_usd": 0.5, "cost_source": "computed", "metadata": {},
        })
    };
    serde_json::from_value(json!({
        "trace_id": "f9ea619adcfa40b094fe9bf322a210f3", "agent_name": "airline-agent", "name": "agent_request",
        "status": "in_progress", "start_time": "2026-11-25T12:00:03.000000Z", "end_time": null, "error": null,
        "session_id": "task-\u{1b}[2J0", "last_activity": "2026-11-25T12:00:20.000000Z",
        "spans": [span("1", None, "agent_request", 3, None), span("2", Some("1"), "llm_call", 5, Some(11))],
        "totals": {
            "duration_ms": null, "running_ms": 27_000.0, "span_count": 2, "error_count": 1, "open_count": 1,
            "llm_calls": 1, "tool_calls": 0,
            "tokens": { "input": 1_200, "cache_read": 34, "cache_write": 0, "output": 20, "total": 1_254 },
            "cost_usd": 0.5, "cost_source": "computed", "unpriced_calls": 1,
        },
        "kinds": null, "critical_path": null, "first_error": null, "total": 2, "returned": 2, "limit": 1000,
        "truncated": false, "next": null, "untrusted": true,
    }))
    .unwrap()
}

fn shown(screen: &Screen) -> String {
    let now = Timestamp::parse("2026-11-25T12:00:30Z").unwrap();
    drawn(&report(), now, screen)
        .iter()
        .map(|line| line.render(screen.has_colours))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_trace_says_what_it_is_and_what_it_comes_to() {
    insta::assert_snapshot!(shown(&Screen::plain(80)));
}

#[test]
fn what_matters_has_colours() {
    insta::assert_snapshot!(shown(&Screen::coloured(80)).replace('\u{1b}', "␛"));
}
