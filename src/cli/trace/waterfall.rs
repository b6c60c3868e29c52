//! Steps as a waterfall: a tree on the left, a bar for each on the right, all on one scale.

use anstyle::AnsiColor;

use super::nest::{Oddity, Place, nest};
use super::step::Step;
use crate::cli::screen::{Line, Screen, bar, count, dollars, duration};
use crate::model::Timestamp;

/// Columns between columns.
const GAP: usize = 2;
/// Columns that a name has at least.
const LEAST_NAME: usize = 12;
/// Columns that bars have at least; where there is no room for them, there are none.
const LEAST_BARS: usize = 10;
/// Columns of a level of the tree.
const LEVEL: usize = 3;
/// What is filled of an open step's bar.
const OPEN: &str = "░";

/// The lines of a waterfall. `until` is up to when open steps are drawn.
pub(super) fn waterfall(steps: &[Step], until: Timestamp, screen: &Screen) -> Vec<Line> {
    let Some(start) = steps.iter().map(|step| step.start).min() else { return Vec::new() };
    let ends = steps.iter().map(|step| step.end.unwrap_or(until));
    let end = ends.max().unwrap_or(start).max(start);
    let ids: Vec<(&str, Option<&str>)> = steps
        .iter()
        .map(|step| (step.span_id.as_str(), step.parent.as_deref().filter(|_| !step.parent_is_elsewhere)))
        .collect();
    let levels = (screen.width / 5 / LEVEL).max(1);
    let places = nest(&ids, levels);
    let rows: Vec<Row<'_>> = places.iter().map(|place| Row::new(&steps[place.step], place, levels)).collect();
    let sheet = Sheet::fitting(&rows, screen, start, end, until);
    let mut lines = vec![sheet.heading()];
    for row in &rows {
        lines.push(sheet.line(row));
        lines.extend(row.error().map(|line| line.cut(screen.width)));
    }
    lines
}

/// A step with what stands in its columns, but for the bar.
struct Row<'a> {
    step: &'a Step,
    name: Line,
    tokens: String,
    cost: String,
    time: String,
    /// What stands before what belongs to the step and is below it.
    below: String,
}

impl<'a> Row<'a> {
    fn new(step: &'a Step, place: &Place, levels: usize) -> Self {
        let (before, below) = branches(place, levels);
        let mut name = Line::default();
        name.add_dim(&before);
        if step.has_failed() {
            name.add_in(AnsiColor::Red, "✗ ").add_in(AnsiColor::Red, &step.name);
        } else if place.depth == 0 || step.is_critical {
            name.add_bold(&step.name);
        } else {
            name.add(&step.name);
        }
        if let Some(model) = step.model.as_deref().filter(|model| !step.name.contains(*model)) {
            name.add_dim(" ").add_dim(model);
        }
        let oddity = match place.oddity {
            Some(Oddity::MissingParent) => Some("(parent missing)"),
            Some(Oddity::Circle) => Some("(its own ancestor)"),
            None if step.parent_is_elsewhere => Some("(parent elsewhere)"),
            None => None,
        };
        if let Some(oddity) = oddity {
            name.add_dim(" ").add_in(AnsiColor::Yellow, oddity);
        }
        let tokens = if step.tokens > 0 { count(step.tokens) } else { String::new() };
        let unpriced = step.is_unpriced.then(|| "no price".to_owned());
        let cost = step.cost.map(dollars).or(unpriced).unwrap_or_default();
        let time = step.note().map_or_else(|| step.took().map(duration).unwrap_or_default(), str::to_owned);
        Self { step, name, tokens, cost, time, below }
    }

    /// What went wrong, on a line of its own.
    fn error(&self) -> Option<Line> {
        let error = self.step.error.as_deref().filter(|_| self.step.has_failed())?;
        let mut line = Line::default();
        line.add_dim(&self.below).add_in(AnsiColor::Red, error);
        Some(line)
    }

    fn colour(&self) -> Option<AnsiColor> {
        match (self.step.status.as_str(), self.step.kind.as_str()) {
            ("error", _) => Some(AnsiColor::Red),
            ("cancelled" | "abandoned", _) => Some(AnsiColor::Yellow),
            (_, "agent") => Some(AnsiColor::Blue),
            (_, "llm") => Some(AnsiColor::Magenta),
            (_, "tool") => Some(AnsiColor::Cyan),
            (_, "retriever") => Some(AnsiColor::Green),
            _ => None,
        }
    }
}

/// What stands before a name, and before what belongs to it on the next line. The outermost levels are left out where
/// there is no room for them.
fn branches(place: &Place, levels: usize) -> (String, String) {
    let mut outer = String::new();
    if place.depth > levels {
        outer.push_str("⋯  ");
    }
    let inner = place.continues.iter().skip(1).rev();
    outer.extend(inner.map(|continues| if *continues { "│  " } else { "   " }));
    let (branch, behind) = match place.continues.first() {
        None => ("", ""),
        Some(true) => ("├─ ", "│  "),
        Some(false) => ("└─ ", "   "),
    };
    let children = if place.is_parent { "│  " } else { "   " };
    (format!("{outer}{branch}"), format!("{outer}{behind}{children}"))
}

/// Which columns there are and how wide each is.
struct Sheet {
    width: usize,
    name: usize,
    /// Tokens, cost and time: how wide, if they are there.
    columns: [usize; 3],
    bars: usize,
    start: Timestamp,
    until: Timestamp,
    /// Of the whole, in milliseconds.
    length: f64,
}

impl Sheet {
    /// The columns that the screen has room for: cost goes first, then tokens, then bars.
    fn fitting(
        rows: &[Row<'_>],
        screen: &Screen,
        start: Timestamp,
        end: Timestamp,
        until: Timestamp,
    ) -> Self {
        let widest = |text: fn(&Row<'_>) -> usize, heading: &str| {
            let widest = rows.iter().map(text).max().unwrap_or_default();
            if widest == 0 { 0 } else { widest.max(heading.len()) }
        };
        let natural = rows.iter().map(|row| row.name.width()).max().unwrap_or_default();
        let mut columns = [
            widest(|row| row.tokens.len(), HEADINGS[0]),
            widest(|row| row.cost.len(), HEADINGS[1]),
            widest(|row| row.time.len(), HEADINGS[2]),
        ];
        let taken = |columns: &[usize; 3]| {
            columns.iter().filter(|column| **column > 0).map(|column| column + GAP).sum::<usize>()
        };
        let name = natural.clamp(LEAST_NAME, (screen.width * 2 / 5).max(LEAST_NAME));
        let least = LEAST_NAME.max(natural.min(screen.width / 3)) + GAP + LEAST_BARS;
        for dropped in [1, 0] {
            if taken(&columns) + least > screen.width {
                columns[dropped] = 0;
            }
        }
        let rest = screen.width.saturating_sub(taken(&columns) + GAP);
        let name = name.min(rest.saturating_sub(LEAST_BARS).max(LEAST_NAME));
        let bars = rest.saturating_sub(name);
        let bars = if bars < LEAST_BARS { 0 } else { bars };
        Self { width: screen.width, name, columns, bars, start, until, length: end.millis_since(start) }
    }

    fn heading(&self) -> Line {
        let mut line = Line::default();
        line.pad(self.name);
        for (heading, column) in HEADINGS.iter().zip(self.columns).filter(|(_, column)| *column > 0) {
            let end = line.width() + GAP + column;
            let mut text = Line::default();
            text.add_dim(heading);
            line.right(end, text);
        }
        if self.bars > 0 {
            line.pad(line.width() + GAP);
            line.append(self.axis());
        }
        line.cut(self.width)
    }

    /// The scale of the bars: its beginning, its middle where there is room, and its end.
    fn axis(&self) -> Line {
        let (middle, end) = (duration(self.length / 2.0), duration(self.length));
        let mut axis = Line::default();
        axis.add_dim("0");
        let middle_at = (self.bars / 2).saturating_sub(middle.chars().count() / 2);
        if middle_at + middle.chars().count() + GAP + end.chars().count() <= self.bars && middle_at > GAP {
            axis.pad(middle_at).add_dim(&middle);
        }
        let mut last = Line::default();
        last.add_dim(&end);
        axis.right(self.bars, last);
        axis
    }

    fn line(&self, row: &Row<'_>) -> Line {
        let mut line = row.name.clone().cut(self.name);
        line.pad(self.name);
        let cells = [&row.tokens, &row.cost, &row.time];
        for (number, (text, column)) in
            cells.into_iter().zip(self.columns).enumerate().filter(|(_, (_, column))| *column > 0)
        {
            let end = line.width() + GAP + column;
            let mut cell = Line::default();
            match number {
                2 if row.step.has_failed() => cell.add_in(AnsiColor::Red, text),
                2 if row.step.note().is_some() => cell.add_in(AnsiColor::Yellow, text),
                2 => cell.add(text),
                _ => cell.add_dim(text),
            };
            line.right(end, cell);
        }
        if self.bars > 0 {
            let (before, bar) = self.bar(row.step);
            line.pad(line.width() + GAP + before);
            match row.colour() {
                Some(colour) => line.add_in(colour, &bar),
                None => line.add(&bar),
            };
        }
        line.cut(self.width)
    }

    fn bar(&self, step: &Step) -> (usize, String) {
        let part = |time: Timestamp| {
            let offset = time.millis_since(self.start);
            if self.length > 0.0 { offset / self.length } else { 0.0 }
        };
        let (before, bar) = bar(part(step.start), part(step.end.unwrap_or(self.until)), self.bars);
        match step.end {
            Some(_) => (before, bar),
            None => (before, OPEN.repeat(bar.chars().count())),
        }
    }
}

/// What stands over tokens, cost and time.
const HEADINGS: [&str; 3] = ["TOKENS", "COST", "TIME"];

#[cfg(test)]
mod tests;
