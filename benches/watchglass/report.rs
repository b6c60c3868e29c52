//! What is printed: a table for people, or an object a row for programs.

use std::io::Write as _;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::outcome::{Middle, Outcome, Target};
use crate::process::Missing;
use crate::row::{Group, Row};

/// Rows as they come.
pub(crate) struct Report {
    json: bool,
    group: Option<Group>,
    below: usize,
    failed: usize,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, group: None, below: 0, failed: 0 }
    }

    /// Prints a row as soon as it is measured. What is missing on this machine is said and no failure.
    pub(crate) fn add(&mut self, row: &Row, outcome: Result<Outcome>) -> Result<()> {
        if !self.json && self.group.replace(row.group) != Some(row.group) {
            say(&format!("\n{}\n{}", row.group.title(), columns()))?;
        }
        match outcome {
            Ok(outcome) => {
                let reached = outcome.reaches(row.target);
                self.below += usize::from(reached == Some(false));
                say(&if self.json { object(row, &outcome) } else { line(row, &outcome) })
            }
            Err(error) => {
                let missing = error.is::<Missing>();
                self.failed += usize::from(!missing);
                let what = if missing { "left out" } else { "failed" };
                let text = format!("{error:#}");
                say(&if self.json {
                    json!({ "name": row.name, what.replace(' ', "_"): text }).to_string()
                } else {
                    format!("{:<29} {what}: {text}", row.name)
                })
            }
        }
    }

    /// Says how it went; only rows that could not be measured are an error.
    pub(crate) fn end(&self) -> Result<()> {
        if !self.json && self.below > 0 {
            say(&format!("\n{} below target: docs/performance.md says what bounds what", self.below))?;
        }
        ensure!(self.failed == 0, "{} rows could not be measured", self.failed);
        Ok(())
    }
}

/// Prints the names of rows.
pub(crate) fn list(rows: &[Row]) -> Result<()> {
    rows.iter().try_for_each(|row| say(&row.name))
}

impl Group {
    const fn title(self) -> &'static str {
        match self {
            Self::Calls => {
                "log_event over MCP beside a tool that does nothing: calls a second (microseconds of CPU a call)"
            }
            Self::Stored => {
                "log_event over HTTP beside a bare loop that commits as many rows at a time: a second"
            }
            Self::Written => "Store::write beside a bare loop, in batches of the same size: rows a second",
            Self::Started => "processes beside a bare server and a Python script: milliseconds",
            Self::Scale => "questions to a full store beside one with a hundredth: milliseconds",
            Self::Bytes => "what both take: bytes a record, which is megabytes a million",
            Self::Memory => "memory of `serve` beside a bare server: megabytes",
        }
    }

    const fn decimals(self) -> usize {
        match self {
            Self::Scale => 2,
            Self::Started | Self::Memory => 1,
            Self::Calls | Self::Stored | Self::Written | Self::Bytes => 0,
        }
    }
}

fn columns() -> String {
    format!("{:<29} {:>15} {:>15}  {:<22} target", "", "floor", "watchglass", "ratio (least to most)")
}

fn line(row: &Row, outcome: &Outcome) -> String {
    let decimals = row.group.decimals();
    let value = |middle: Middle, cpu: Option<f64>| {
        let cpu = cpu.map(|cpu| format!(" ({cpu:.0})")).unwrap_or_default();
        format!("{}{cpu}", grouped(middle.median, decimals))
    };
    let Middle { median, least, most } = outcome.ratio;
    let ratio = format!("{median:.2} ({least:.2} to {most:.2})");
    let mark = match outcome.reaches(row.target) {
        Some(true) => "ok",
        Some(false) => "below",
        None => "",
    };
    let text = format!(
        "{:<29} {:>15} {:>15}  {ratio:<22} {:<8} {mark}",
        row.name,
        value(outcome.floor, outcome.floor_cpu),
        value(outcome.subject, outcome.subject_cpu),
        row.target.words(),
    );
    text.trim_end().to_owned()
}

fn object(row: &Row, outcome: &Outcome) -> String {
    json!({
        "name": row.name,
        "group": row.group,
        "target": row.target,
        "reached": outcome.reaches(row.target),
        "outcome": outcome,
    })
    .to_string()
}

impl Target {
    fn words(self) -> String {
        match self {
            Self::AtLeast(ratio) => format!("≥ {ratio:.2}"),
            Self::AtMost(ratio) if ratio >= 1.0 => format!("≤ {ratio:.2}"),
            Self::AtMost(ratio) => format!("≤ 1/{:.0}", 1.0 / ratio),
            Self::Below(value) => format!("≤ {value:.0}"),
            Self::None => String::new(),
        }
    }
}

/// A number with its thousands set apart.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits: Vec<char> = whole.chars().collect();
    let mut grouped = String::new();
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits[index - 1].is_ascii_digit() {
            grouped.push(',');
        }
        grouped.push(*digit);
    }
    if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
