//! `watchglass trace ID`: one trace as a waterfall.

mod nest;
mod step;
mod waterfall;

use std::collections::HashSet;

use anstyle::AnsiColor;
use clap::Args;

use self::step::Step;
use self::waterfall::waterfall;
use super::screen::{Line, Screen, count, dollars, duration};
use super::source::{From, Source};
use super::{Failure, on_one_thread, one_shot, print};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::model::Timestamp;
use crate::service::TraceReport;

#[derive(Debug, Clone, Args)]
pub(super) struct Trace {
    /// The trace, in the form in which it was given or as 32 hex digits
    #[arg(value_name = "ID")]
    id: String,
    /// Print JSON on a terminal too
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    from: From,
}

/// Shows a trace.
pub(super) fn run(config: &Config, arguments: &Trace) -> Result<(), Failure> {
    let report = on_one_thread(async {
        let source = Source::open(config, &arguments.from).await?;
        let report = source.trace(&arguments.id).await;
        source.close().await;
        report
    })?;
    let report = report.map_err(one_shot::tell)?;
    if arguments.json || !print::is_read_by_a_person() {
        return print::json(&report);
    }
    print::lines(&drawn(&report, SystemClock.now(), &Screen::here()))
}

/// The trace as people read it: what it is, its steps, and what it comes to.
pub(super) fn drawn(report: &TraceReport, now: Timestamp, screen: &Screen) -> Vec<Line> {
    let last = report.head.last_activity.as_deref().and_then(Timestamp::parse);
    // What is abandoned is not at work any more.
    let until = if report.head.status == "in_progress" { now } else { last.unwrap_or(now) };
    let mut lines = vec![title(report, screen).cut(screen.width)];
    lines.push(agent(report).cut(screen.width));
    lines.push(Line::default());
    lines.extend(waterfall(&steps(report), until, screen));
    lines.push(Line::default());
    lines.extend(totals(report).into_iter().map(|line| line.cut(screen.width)));
    lines
}

fn title(report: &TraceReport, screen: &Screen) -> Line {
    let head = &report.head;
    let mut line = Line::default();
    line.add_dim("trace ").add_bold(&head.trace_id).add("  ");
    match head.status.as_str() {
        "ok" => line.add_in(AnsiColor::Green, "ok"),
        "error" => line.add_in(AnsiColor::Red, "✗ error"),
        "in_progress" => line.add_in(AnsiColor::Blue, "running"),
        other => line.add_in(AnsiColor::Yellow, other),
    };
    if let Some(start) = head.start_time.as_deref().and_then(Timestamp::parse) {
        line.add_dim("  ").add(&screen.time(start));
    }
    line
}

/// Who was at work, and for whom.
fn agent(report: &TraceReport) -> Line {
    let head = &report.head;
    let mut line = Line::default();
    line.add_dim("agent ").add(&head.agent_name);
    if let Some(session) = &head.session_id {
        line.add_dim("  session ").add(session);
    }
    line
}

/// How many steps it took and how long, and what models used of that.
fn totals(report: &TraceReport) -> Vec<Line> {
    let totals = &report.totals;
    let number = |number: i64| count(number.max(0).unsigned_abs());
    let mut steps = Line::of(&format!("{} spans", number(totals.span_count)));
    if totals.error_count > 0 {
        steps.add(", ").add_in(AnsiColor::Red, &format!("{} failed", number(totals.error_count)));
    }
    if totals.open_count > 0 {
        steps.add(", ").add_in(AnsiColor::Yellow, &format!("{} open", number(totals.open_count)));
    }
    if let Some(took) = totals.duration_ms.or(totals.running_ms) {
        steps.add_dim(" · ").add(&duration(took));
    }
    let mut used = Line::default();
    if totals.tokens.total > 0 {
        let (read, written) = (totals.tokens.total - totals.tokens.output, totals.tokens.output);
        used.add(&format!("{} tokens", number(totals.tokens.total)));
        used.add_dim(&format!(" ({} in, {} out)", number(read), number(written)));
    }
    if let Some(cost) = totals.cost_usd {
        used.add_dim(" · ").add(&dollars(cost));
    }
    if totals.unpriced_calls > 0 {
        let unpriced = format!("{} calls without a price", number(totals.unpriced_calls));
        used.add_dim(" · ").add_in(AnsiColor::Yellow, &unpriced);
    }
    if used.width() > 0 { vec![steps, used] } else { vec![steps] }
}

fn steps(report: &TraceReport) -> Vec<Step> {
    let path = report.critical_path.iter().flat_map(|path| &path.steps);
    let critical: HashSet<&str> = path.map(|step| step.span_id.as_str()).collect();
    let spans = report.spans.iter().flatten();
    spans
        .map(|span| Step { is_critical: critical.contains(span.span_id.as_str()), ..Step::of(span) })
        .collect()
}

#[cfg(test)]
mod tests;
