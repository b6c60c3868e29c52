//! A line of text and how wide a terminal shows it.
//!
//! **Invariant:** nothing in a line but its own colours drives the terminal, and it stays one line: every text goes
//! through [`on_one_line`] as it is added.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::model::text::on_one_line;

/// What stands where something was cut off.
const CUT: &str = "…";

/// Columns that a terminal takes for `text`.
pub(in crate::cli) fn width(text: &str) -> usize {
    text.width()
}

/// A line, piece by piece.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Line {
    pieces: Vec<(Style, String)>,
    width: usize,
}

impl Line {
    /// A line of this text.
    pub(in crate::cli) fn of(text: &str) -> Self {
        let mut line = Self::default();
        line.add(text);
        line
    }

    /// Columns that it takes.
    pub(in crate::cli) const fn width(&self) -> usize {
        self.width
    }

    /// Adds a text as it is.
    pub(in crate::cli) fn add(&mut self, text: &str) -> &mut Self {
        self.push(Style::new(), on_one_line(text))
    }

    /// Adds a text in a colour.
    pub(in crate::cli) fn add_in(&mut self, colour: AnsiColor, text: &str) -> &mut Self {
        self.push(colour.on_default(), on_one_line(text))
    }

    /// Adds a text that matters less.
    pub(in crate::cli) fn add_dim(&mut self, text: &str) -> &mut Self {
        self.push(Style::new().dimmed(), on_one_line(text))
    }

    /// Adds a text that matters more.
    pub(in crate::cli) fn add_bold(&mut self, text: &str) -> &mut Self {
        self.push(Style::new().bold(), on_one_line(text))
    }

    /// Adds all of another line.
    pub(in crate::cli) fn append(&mut self, other: Self) -> &mut Self {
        for (style, text) in other.pieces {
            self.push(style, text);
        }
        self
    }

    /// Adds spaces until it takes `width` columns.
    pub(in crate::cli) fn pad(&mut self, width: usize) -> &mut Self {
        let missing = width.saturating_sub(self.width);
        self.push(Style::new(), " ".repeat(missing))
    }

    /// Adds another line so that it ends at column `end`.
    pub(in crate::cli) fn right(&mut self, end: usize, other: Self) -> &mut Self {
        self.pad(end.saturating_sub(other.width));
        self.append(other)
    }

    fn push(&mut self, style: Style, text: String) -> &mut Self {
        if !text.is_empty() {
            self.width += width(&text);
            self.pieces.push((style, text));
        }
        self
    }

    /// The line in at most `most` columns, with a sign where something was cut off.
    #[must_use]
    pub(in crate::cli) fn cut(self, most: usize) -> Self {
        if self.width <= most {
            return self;
        }
        let mut short = Self::default();
        for (style, text) in self.pieces {
            let room = most.saturating_sub(short.width + width(CUT));
            if width(&text) <= room {
                short.push(style, text);
                continue;
            }
            short.push(style, beginning(&text, room));
            if most > 0 {
                short.push(style, CUT.to_owned());
            }
            break;
        }
        short
    }

    /// The line as the terminal gets it, without spaces at its end.
    pub(in crate::cli) fn render(&self, has_colours: bool) -> String {
        if !has_colours {
            let plain: String = self.pieces.iter().map(|(_, text)| text.as_str()).collect();
            return plain.trim_end().to_owned();
        }
        let mut shown = String::new();
        for (style, text) in &self.pieces {
            // Writing to a string doesn't fail.
            write!(shown, "{style}{text}{style:#}").unwrap_or_default();
        }
        shown.trim_end().to_owned()
    }
}

/// As much of `text` as fits into `room` columns.
fn beginning(text: &str, room: usize) -> String {
    let mut beginning = String::new();
    for character in text.chars() {
        beginning.push(character);
        if width(&beginning) > room {
            beginning.pop();
            break;
        }
    }
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_take_two_columns_and_are_not_cut_in_two() {
        let line = Line::of("日本語のログ");
        assert_eq!(line.width(), 12);
        assert_eq!(line.clone().cut(12).render(false), "日本語のログ");
        assert_eq!(line.clone().cut(8).render(false), "日本語…");
        assert_eq!(line.clone().cut(2).render(false), "…");
        assert_eq!(line.cut(0).render(false), "");
    }

    #[test]
    fn colours_are_its_own_and_no_one_elses() {
        let mut line = Line::default();
        line.add_in(AnsiColor::Red, "a\u{1b}[2J\n").add("b").add_dim("c");
        assert_eq!(line.render(false), r"a\u{1b}[2J\nbc");
        assert_eq!(line.render(true), "\u{1b}[31ma\\u{1b}[2J\\n\u{1b}[0mb\u{1b}[2mc\u{1b}[0m");
    }

    #[test]
    fn what_stands_right_ends_where_it_should() {
        let mut line = Line::of("ab");
        line.right(8, Line::of("日")).right(10, Line::of("c"));
        assert_eq!(line.render(false), "ab    日 c");
    }

    proptest! {
        #[test]
        fn a_cut_line_is_never_too_wide(texts in proptest::collection::vec("\\PC{0,20}", 0..5), most in 0_usize..40) {
            let mut line = Line::default();
            for text in &texts {
                line.add(text);
            }
            let cut = line.cut(most);
            prop_assert!(cut.width() <= most && width(&cut.render(false)) <= most, "{cut:?}");
        }
    }
}
