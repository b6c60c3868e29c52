use proptest::prelude::*;

use super::super::step::Step;
use super::waterfall;
use crate::cli::screen::{Screen, width};
use crate::model::Timestamp;

/// When the traces of the tests begin, in microseconds.
const START: i64 = 1_795_339_800_000_000;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_micros(START + milliseconds * 1_000)
}

/// A step that ended well, in milliseconds from the start.
fn step(span_id: &str, parent: Option<&str>, name: &str, start: i64, end: i64) -> Step {
    let kind = match name.split(['_', '.']).next() {
        Some("agent") => "agent",
        Some("llm") => "llm",
        Some("tool") => "tool",
        _ => "other",
    };
    Step {
        span_id: span_id.into(),
        parent: parent.map(Into::into),
        parent_is_elsewhere: false,
        name: name.into(),
        kind: kind.into(),
        status: "ok".into(),
        start: at(start),
        end: Some(at(end)),
        model: None,
        tokens: 0,
        cost: None,
        is_unpriced: false,
        error: None,
        is_critical: false,
    }
}

fn llm(step: Step, model: &str, tokens: u64, cost: Option<f64>) -> Step {
    Step { model: Some(model.into()), tokens, cost, is_unpriced: cost.is_none(), ..step }
}

fn failed(step: Step, error: &str) -> Step {
    Step { status: "error".into(), error: Some(error.into()), ..step }
}

fn open(step: Step, status: &str) -> Step {
    Step { status: status.into(), end: None, ..step }
}

/// A request that books a flight, with all that can happen to steps.
fn booking() -> Vec<Step> {
    vec![
        failed(step("1", None, "agent_request", 0, 41_300), "the flight could not be booked"),
        llm(step("2", Some("1"), "llm_call", 0, 6_200), "gpt-4o-2024-08-06", 3_120, Some(0.0142)),
        step("3", Some("1"), "tool.search_direct_flight", 6_200, 9_400),
        step("4", Some("3"), "http.get", 6_300, 9_300),
        llm(step("5", Some("1"), "llm_call", 9_400, 17_900), "gpt-4o-2024-08-06", 5_480, Some(0.0231)),
        failed(
            step("6", Some("1"), "tool.book_reservation", 17_900, 33_000),
            "Payment declined: gift_card_7091239 has no balance\nsecond line",
        ),
        step("7", Some("6"), "http.post", 18_000, 18_040),
        failed(step("8", Some("6"), "http.post", 20_000, 32_900), "402"),
        llm(step("9", Some("1"), "llm_call", 33_000, 41_250), "local/qwen", 812, None),
        open(step("10", Some("1"), "agent_reflect", 41_250, 0), "in_progress"),
        open(step("11", Some("gone"), "tool.audit", 12_000, 0), "abandoned"),
        Step { parent_is_elsewhere: true, ..step("12", Some("remote"), "agent_notify", 30_000, 31_000) },
        Step {
            status: "cancelled".into(),
            ..step("13", Some("12"), "日本語の名前のステップ", 30_200, 30_900)
        },
    ]
}

fn drawn(steps: &[Step], screen: &Screen) -> String {
    let lines = waterfall(steps, at(44_000), screen);
    lines.iter().map(|line| line.render(screen.has_colours)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_waterfall_fits_eighty_columns() {
    insta::assert_snapshot!(drawn(&booking(), &Screen::plain(80)));
}

#[test]
fn a_waterfall_uses_what_room_there_is() {
    insta::assert_snapshot!(drawn(&booking(), &Screen::plain(120)));
}

#[test]
fn a_narrow_waterfall_keeps_names_and_times() {
    insta::assert_snapshot!(drawn(&booking(), &Screen::plain(44)));
}

#[test]
fn errors_are_red() {
    let coloured = drawn(&booking()[..2], &Screen::coloured(80));
    insta::assert_snapshot!(coloured.replace('\u{1b}', "␛"));
}

#[test]
fn deep_levels_leave_room_for_names() {
    let mut steps = vec![step("0", None, "agent_request", 0, 40_000)];
    for depth in 1..12_i64 {
        let parent = (depth - 1).to_string();
        steps.push(step(&depth.to_string(), Some(&parent), "step", depth * 1_000, 40_000 - depth * 1_000));
    }
    insta::assert_snapshot!(drawn(&steps, &Screen::plain(60)));
}

#[test]
fn nothing_and_no_time_can_be_drawn() {
    assert!(waterfall(&[], at(0), &Screen::plain(80)).is_empty());
    let instant = drawn(&[step("1", None, "s", 0, 0)], &Screen::plain(80));
    assert!(instant.contains("0.0 ms"), "{instant}");
}

fn any_step() -> impl Strategy<Value = Step> {
    let ids = (0_u32..30, proptest::option::of(0_u32..30));
    let times = (0_i64..100_000, proptest::option::of(0_i64..100_000));
    let texts = ("\\PC{0,40}", proptest::option::of("\\PC{0,60}"));
    let status = proptest::sample::select(vec!["ok", "error", "in_progress", "abandoned", "cancelled"]);
    (ids, times, texts, status, 0_u64..100_000_000).prop_map(|(ids, times, texts, status, tokens)| Step {
        parent: ids.1.map(|parent| parent.to_string()),
        end: times.1.map(|length| at(times.0 + length)),
        status: status.into(),
        model: texts.1.clone(),
        error: texts.1,
        tokens,
        cost: Some(f64::from(ids.0)),
        ..step(&ids.0.to_string(), None, &texts.0, times.0, 0)
    })
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_screen_and_every_step_has_one(
        steps in proptest::collection::vec(any_step(), 1..30), columns in 1_usize..200
    ) {
        let steps: Vec<Step> =
            steps.into_iter().enumerate().map(|(number, step)| Step { span_id: number.to_string(), ..step }).collect();
        let lines = waterfall(&steps, at(100_000), &Screen::plain(columns));
        for line in &lines {
            prop_assert!(width(&line.render(false)) <= columns, "{:?}", line.render(false));
        }
        let errors = steps.iter().filter(|step| step.has_failed() && step.error.is_some()).count();
        prop_assert_eq!(lines.len(), 1 + steps.len() + errors);
    }
}
