use serde_json::{Value, json};

use super::table;
use crate::cli::screen::{Screen, width};
use crate::model::Timestamp;
use crate::service::TraceList;

fn trace(number: u32, changes: &Value) -> Value {
    let mut trace = json!({
        "trace_id": format!("{number:032x}"), "agent_name": "airline-agent", "name": "agent_request", "status": "ok",
        "start_time": "2026-11-25T12:00:03.000000Z", "end_time": "2026-11-25T12:00:44.300000Z", "error": null,
        "session_id": null, "last_activity": null, "duration_ms": 41_300.0, "running_ms": null, "span_count": 24,
        "error_count": 0, "open_count": 0, "llm_calls": 15, "tool_calls": 8,
        "tokens": { "input": 20_164, "cache_read": 0, "cache_write": 0, "output": 796, "total": 20_960 },
        "cost_usd": 0.0584, "cost_source": "computed", "unpriced_calls": 0,
    });
    for (name, value) in changes.as_object().unwrap() {
        trace[name] = value.clone();
    }
    trace
}

fn list(items: &[Value], total: u64) -> TraceList {
    let list = json!({ "items": items, "total": total, "total_exact": total < 10_000, "returned": items.len(),
        "limit": 20, "truncated": total > items.len() as u64, "next": null, "complete": total < 10_000, "untrusted": true });
    serde_json::from_value(list).unwrap()
}

fn some() -> TraceList {
    let hostile = "\u{1b}]52;c;ZXZpbA==\u{7}";
    let items = [
        trace(1, &json!({})),
        trace(
            2,
            &json!({ "status": "error", "error": "payment amount does not add up, total price is 305, but paid 255" }),
        ),
        trace(
            3,
            &json!({ "status": "in_progress", "duration_ms": null, "running_ms": 3_200.0, "cost_usd": null, "unpriced_calls": 2 }),
        ),
        trace(
            4,
            &json!({ "status": "abandoned", "name": null, "agent_name": "日本語のエージェントの名前", "unpriced_calls": 1 }),
        ),
        trace(
            5,
            &json!({ "status": "cancelled", "name": hostile, "error": hostile, "span_count": 1, "cost_usd": 0.0,
            "tokens": { "input": 0, "cache_read": 0, "cache_write": 0, "output": 0, "total": 0 } }),
        ),
    ];
    list(&items, 12_345)
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-25T13:00:00Z").unwrap()
}

fn shown(list: &TraceList, screen: &Screen) -> String {
    table(list, now(), screen)
        .iter()
        .map(|line| line.render(screen.has_colours))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_list_fits_eighty_columns() {
    insta::assert_snapshot!(shown(&some(), &Screen::plain(80)));
}

#[test]
fn a_list_uses_what_room_there_is() {
    insta::assert_snapshot!(shown(&some(), &Screen::plain(120)));
}

#[test]
fn a_narrow_list_keeps_what_matters_and_is_never_too_wide() {
    for columns in 1..130 {
        for line in table(&some(), now(), &Screen::plain(columns)) {
            assert!(width(&line.render(false)) <= columns, "{columns}: {line:?}");
        }
    }
    insta::assert_snapshot!(shown(&some(), &Screen::plain(40)));
}

#[test]
fn an_empty_list_says_so() {
    assert_eq!(shown(&list(&[], 0), &Screen::plain(80)), "0 of 0 traces");
}
