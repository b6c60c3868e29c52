use serde_json::json;

use super::line::Days;
use crate::cli::screen::Screen;
use crate::service::LogView;

fn log(timestamp: &str, level: Option<&str>, event_type: &str, message: &str) -> LogView {
    let log = json!({ "timestamp": timestamp, "event_type": event_type, "message": message, "level": level, "id": "1",
        "metadata": {} });
    serde_json::from_value(log).unwrap()
}

fn shown(logs: &[LogView], screen: &Screen, is_full: bool) -> String {
    let mut days = Days::default();
    let lines = logs.iter().flat_map(|log| days.lines(log, screen, is_full));
    lines.map(|line| line.render(screen.has_colours)).collect::<Vec<_>>().join("\n")
}

fn day() -> Vec<LogView> {
    let mut failed =
        log("2026-11-25T00:00:03.250000Z", Some("error"), "agent.tool.error", "payment declined");
    failed.agent_name = Some("airline-agent".into());
    failed.trace_id = Some("f9ea619adcfa40b094fe9bf322a210f3".into());
    failed.metadata = serde_json::from_value(json!({
        "agent_name": "airline-agent", "attempt": 2, "tool": "book_reservation", "why": { "code": [402] },
    }))
    .unwrap();
    vec![
        log("2026-11-24T23:59:59.999000Z", Some("debug"), "cache.miss", "user:7"),
        log(
            "2026-11-25T00:00:01.000000Z",
            Some("info"),
            "agent.request.start",
            "Book a flight from MCO to CLT\nplease",
        ),
        failed,
        log(
            "2026-11-25T00:00:04.000000Z",
            Some("warn"),
            "a.rather.long.event.type.of.somebody",
            "日本語のログ",
        ),
        log("2026-11-25T00:00:05.000000Z", None, "of.a.script", "\u{1b}]52;c;ZXZpbA==\u{7} \u{202e}txt.exe"),
    ]
}

#[test]
fn logs_are_lines_that_fit() {
    insta::assert_snapshot!(shown(&day(), &Screen::plain(80), false));
}

#[test]
fn what_does_not_fit_is_shown_on_request() {
    insta::assert_snapshot!(shown(&day(), &Screen::plain(80), true));
}

#[test]
fn levels_have_colours() {
    insta::assert_snapshot!(shown(&day(), &Screen::coloured(200), false).replace('\u{1b}', "␛"));
}
