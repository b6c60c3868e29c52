//! What a person at a terminal looks at: lines that know how wide they are, in colours where those are wanted.

mod bar;
mod line;
mod units;

use std::io::IsTerminal;

use chrono::{DateTime, Local, NaiveDateTime, Offset, TimeZone, Utc};

pub(super) use bar::bar;
pub(super) use line::Line;
#[cfg(test)]
pub(super) use line::width;
pub(super) use units::{count, dollars, duration};

use crate::config::process_environment;
use crate::model::Timestamp;

/// Columns where the terminal does not tell.
const COLUMNS: usize = 80;

/// The terminal that is written to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// Columns of it.
    pub(super) width: usize,
    /// Whether it shows colours and whoever reads it wants them.
    pub(super) has_colours: bool,
    /// The time there.
    local: fn(Timestamp) -> NaiveDateTime,
}

impl Screen {
    /// The one that standard output goes to.
    pub(super) fn here() -> Self {
        let width = terminal_size::terminal_size_of(std::io::stdout());
        let width = width.map_or(COLUMNS, |(width, _)| usize::from(width.0)).max(1);
        let is_set = |name| process_environment(name).is_some_and(|value| !value.is_empty());
        let is_dumb = process_environment("TERM").is_some_and(|terminal| terminal == "dumb");
        let has_colours = std::io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb;
        Self { width, has_colours, local: here }
    }

    /// The day and the time of day, for people.
    pub(super) fn time(&self, time: Timestamp) -> String {
        (self.local)(time).format("%b %d %H:%M:%S").to_string()
    }

    /// The time of day, of another day than that of `now` with the day.
    pub(super) fn recent(&self, time: Timestamp, now: Timestamp) -> String {
        let (time, now) = ((self.local)(time), (self.local)(now));
        let form = if time.date() == now.date() { "%H:%M:%S" } else { "%b %d %H:%M" };
        time.format(form).to_string()
    }

    /// The time of day, to the millisecond.
    pub(super) fn clock(&self, time: Timestamp) -> String {
        (self.local)(time).format("%H:%M:%S%.3f").to_string()
    }

    /// The day.
    pub(super) fn day(&self, time: Timestamp) -> String {
        (self.local)(time).format("%Y-%m-%d").to_string()
    }
}

fn utc(time: Timestamp) -> NaiveDateTime {
    DateTime::from_timestamp_micros(time.micros()).unwrap_or(DateTime::<Utc>::MAX_UTC).naive_utc()
}

fn here(time: Timestamp) -> NaiveDateTime {
    let utc = utc(time);
    utc.checked_add_offset(Local.offset_from_utc_datetime(&utc).fix()).unwrap_or(utc)
}

#[cfg(test)]
impl Screen {
    /// One in Greenwich without colours.
    pub(super) const fn plain(width: usize) -> Self {
        Self { width, has_colours: false, local: utc }
    }

    /// One in Greenwich with colours.
    pub(super) const fn coloured(width: usize) -> Self {
        Self { width, has_colours: true, local: utc }
    }
}
