//! A log as a line.

use anstyle::AnsiColor;
use serde_json::Value;

use crate::cli::screen::{Line, Screen};
use crate::model::Timestamp;
use crate::service::LogView;

/// Columns of an event type, where it is no longer.
const TYPE: usize = 20;
/// What of metadata the line tells anyway.
const TOLD: [&str; 4] = ["agent_name", "trace_id", "span_id", "session_id"];

/// Lines of logs, with a line before the first of each day.
#[derive(Debug, Default)]
pub(super) struct Days(Option<String>);

impl Days {
    /// The line of a log, and of its day if that is another than the last log's.
    pub(super) fn lines(&mut self, log: &LogView, screen: &Screen, is_full: bool) -> Vec<Line> {
        let time = Timestamp::parse(&log.timestamp).unwrap_or(Timestamp::from_micros(0));
        let day = screen.day(time);
        let line = line(log, &screen.clock(time));
        let line = if is_full { line } else { line.cut(screen.width) };
        if self.0.as_ref() == Some(&day) {
            return vec![line];
        }
        let first = note(&day).cut(screen.width);
        self.0 = Some(day);
        vec![first, line]
    }
}

/// What is said beside logs.
pub(super) fn note(text: &str) -> Line {
    let mut line = Line::default();
    line.add_dim(text);
    line
}

/// Time, level, type, agent, message, metadata, trace.
fn line(log: &LogView, clock: &str) -> Line {
    let mut line = Line::default();
    line.add_dim(clock).add(" ");
    match log.level.as_deref() {
        Some("debug") => line.add_dim("DEBUG"),
        Some("info") => line.add_in(AnsiColor::Green, "INFO "),
        Some("warn") => line.add_in(AnsiColor::Yellow, "WARN "),
        Some("error") => line.add_in(AnsiColor::Red, "ERROR"),
        _ => line.add_dim("-    "),
    };
    line.add(" ").add_in(AnsiColor::Cyan, &log.event_type);
    line.pad(clock.len() + 7 + TYPE);
    if let Some(agent) = &log.agent_name {
        line.add(" ").add_in(AnsiColor::Blue, agent);
    }
    line.add("  ");
    if log.level.as_deref() == Some("error") {
        line.add_in(AnsiColor::Red, &log.message)
    } else {
        line.add(&log.message)
    };
    for (name, value) in log.metadata.iter().filter(|(name, _)| !TOLD.contains(&name.as_str())) {
        line.add("  ").add_dim(&format!("{name}=")).add(&compact(value));
    }
    if let Some(trace) = &log.trace_id {
        line.add("  ").add_dim(&format!("trace={trace}"));
    }
    line
}

/// A value, text without quotes.
fn compact(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
