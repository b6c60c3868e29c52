//! `watchglass traces`: a list of traces, the newest first.

use anstyle::AnsiColor;
use clap::Args;

use super::screen::{Line, Screen, count, dollars, duration};
use super::source::{From, Source};
use super::{Failure, on_one_thread, one_shot, print};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::model::Timestamp;
use crate::service::numbers::Period;
use crate::service::{ListTraces, ListedTrace, TraceList};

/// Columns between columns.
const GAP: usize = 2;
/// Columns that a name and an agent keep where there is little room.
const LEAST: usize = 13;

#[expect(clippy::doc_markdown, reason = "these texts are the help, which is not Markdown")]
#[derive(Debug, Clone, Args)]
pub(super) struct Traces {
    /// Most to show
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Only those of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Only those that stand so: in_progress, abandoned, ok, error or cancelled
    #[arg(long)]
    status: Option<String>,
    /// Only those that started then: a time, or how long ago, such as 1h
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Largest first: start, duration, cost, tokens or errors
    #[arg(long, default_value = "start")]
    sort: String,
    /// Print JSON on a terminal too
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    from: From,
}

/// Lists traces.
pub(super) fn run(config: &Config, arguments: &Traces) -> Result<(), Failure> {
    let request = ListTraces {
        period: Period { since: arguments.since.clone(), ..Period::default() },
        agent: arguments.agent.clone(),
        status: arguments.status.clone(),
        sort: Some(arguments.sort.clone()),
        ..ListTraces::default()
    };
    let list = on_one_thread(async {
        let source = Source::open(config, &arguments.from).await?;
        let list = source.traces(request, arguments.limit.into()).await;
        source.close().await;
        list
    })?;
    let list = list.map_err(one_shot::tell)?;
    if arguments.json || !print::is_read_by_a_person() {
        return print::json(&list);
    }
    print::lines(&table(&list, SystemClock.now(), &Screen::here()))
}

/// The list as people read it.
fn table(list: &TraceList, now: Timestamp, screen: &Screen) -> Vec<Line> {
    let rows: Vec<Row> = list.items.iter().map(|trace| Row::new(trace, now, screen)).collect();
    let widths = widths(&rows, screen.width);
    let mut lines = Vec::new();
    if !rows.is_empty() {
        lines.push(heading(&widths).cut(screen.width));
    }
    for (row, trace) in rows.iter().zip(&list.items) {
        lines.push(row.line(&widths).cut(screen.width));
        let mut below = Line::of("  ");
        below.add_dim(&trace.head.trace_id);
        if let Some(error) = &trace.head.error {
            below.add("  ").add_in(AnsiColor::Red, error);
        }
        lines.push(below.cut(screen.width));
    }
    let at_least = if list.total_exact { "" } else { "at least " };
    let mut end = Line::default();
    end.add_dim(&format!("{} of {at_least}{} traces", count(list.returned as u64), count(list.total)));
    if list.truncated {
        end.add_dim("; a larger `--limit` shows more");
    }
    if !list.complete {
        end.add_dim("; only the newest are in this order");
    }
    lines.push(end.cut(screen.width));
    lines
}

/// The columns, the ones that go first where there is no room for all last.
const COLUMNS: [(&str, Side); 8] = [
    ("STATUS", Side::Left),
    ("NAME", Side::Left),
    ("STARTED", Side::Left),
    ("TIME", Side::Right),
    ("AGENT", Side::Left),
    ("COST", Side::Right),
    ("TOKENS", Side::Right),
    ("SPANS", Side::Right),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// A trace's cells.
struct Row([Line; COLUMNS.len()]);

impl Row {
    fn new(trace: &ListedTrace, now: Timestamp, screen: &Screen) -> Self {
        let (head, totals) = (&trace.head, &trace.totals);
        let number = |number: i64| {
            if number > 0 { Line::of(&count(number.unsigned_abs())) } else { Line::default() }
        };
        let took = totals.duration_ms.or(totals.running_ms).map(duration).unwrap_or_default();
        let started = head.start_time.as_deref().and_then(Timestamp::parse);
        let mut name = Line::default();
        name.add_bold(head.name.as_deref().unwrap_or("-"));
        let cost = match (totals.cost_usd, totals.unpriced_calls) {
            (Some(cost), 0) => dollars(cost),
            // There is more that has no price.
            (Some(cost), _) => format!("{}+", dollars(cost)),
            (None, 0) => String::new(),
            (None, _) => "no price".to_owned(),
        };
        Self([
            status(&head.status),
            name,
            Line::of(&started.map(|started| screen.recent(started, now)).unwrap_or_default()),
            Line::of(&took),
            Line::of(&head.agent_name),
            Line::of(&cost),
            number(totals.tokens.total),
            number(totals.span_count),
        ])
    }

    fn line(&self, widths: &[usize; COLUMNS.len()]) -> Line {
        let mut line = Line::default();
        for ((cell, (_, side)), width) in
            self.0.iter().zip(COLUMNS).zip(widths).filter(|(_, width)| **width > 0)
        {
            if line.width() > 0 {
                line.pad(line.width() + GAP);
            }
            let end = line.width() + width;
            let cell = cell.clone().cut(*width);
            if side == Side::Right {
                line.right(end, cell)
            } else {
                line.append(cell).pad(end)
            };
        }
        line
    }
}

fn status(word: &str) -> Line {
    let mut line = Line::default();
    match word {
        "ok" => line.add_in(AnsiColor::Green, "ok"),
        "error" => line.add_in(AnsiColor::Red, "✗ error"),
        "in_progress" => line.add_in(AnsiColor::Blue, "running"),
        other => line.add_in(AnsiColor::Yellow, other),
    };
    line
}

fn heading(widths: &[usize; COLUMNS.len()]) -> Line {
    let cells = COLUMNS.map(|(name, _)| {
        let mut line = Line::default();
        line.add_dim(name);
        line
    });
    Row(cells).line(widths)
}

/// How wide each column is; 0 is one that is left out, for it says nothing or there is no room.
fn widths(rows: &[Row], room: usize) -> [usize; COLUMNS.len()] {
    let mut widths = [0; COLUMNS.len()];
    for (column, width) in widths.iter_mut().enumerate() {
        let widest = rows.iter().map(|row| row.0[column].width()).max().unwrap_or_default();
        *width = if widest == 0 { 0 } else { widest.max(COLUMNS[column].0.len()) };
    }
    let surplus = |widths: &[usize; COLUMNS.len()]| {
        let shown = widths.iter().filter(|width| **width > 0).count();
        (widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)).saturating_sub(room)
    };
    for named in ["AGENT", "NAME"] {
        let over = surplus(&widths);
        if let Some(column) = COLUMNS.iter().position(|(name, _)| *name == named) {
            widths[column] = widths[column].saturating_sub(over).max(widths[column].min(LEAST));
        }
    }
    for column in (1..COLUMNS.len()).rev() {
        if surplus(&widths) > 0 {
            widths[column] = 0;
        }
    }
    widths
}

#[cfg(test)]
mod tests;
