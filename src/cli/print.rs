//! The only place that writes text for people to standard output and standard error.
//!
//! **Invariant:** nothing that it writes to a person hides or drives the terminal. What a pipe gets is data and stays
//! as it is.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::Failure;
use super::screen::{Line, Screen};
use crate::model::text::{visible, visible_json};

/// To the beginning of the line, and clear it.
const CLEARED: &str = "\r\u{1b}[2K";

/// `error: …`, and below it `hint: …`.
pub(super) fn error(message: &str, hint: Option<&str>) {
    let hint = hint.map(|hint| format!("\nhint: {hint}\n")).unwrap_or_default();
    write_to(&mut io::stderr(), &visible(&format!("error: {message}\n{hint}")));
}

/// A line of what the command was asked for, on standard output.
///
/// # Errors
/// It can't be written, as on a full disk: a key that is shown once would be lost and nobody told. Whoever has closed
/// the stream does not want to read it.
pub(super) fn data(line: &str) -> Result<(), Failure> {
    let line = if is_read_by_a_person() { visible(line) } else { Cow::Borrowed(line) };
    write(&line).map(drop)
}

/// A value of what the command was asked for, as a line of JSON. Shown to a person, it still says the same.
///
/// # Errors
/// As [`data`].
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    write(&json_text(value)?).map(drop)
}

/// [`json`] for one of many; tells whether somebody still reads.
pub(super) fn json_line(value: &impl Serialize) -> Result<bool, Failure> {
    write(&json_text(value)?)
}

fn json_text(value: &impl Serialize) -> Result<String, Failure> {
    let json = serde_json::to_string(value)
        .map_err(|error| Failure::new(format!("the answer can't be written: {error}")))?;
    Ok(if is_read_by_a_person() { visible_json(&json).into_owned() } else { json })
}

/// Lines of what the command was asked for, as a terminal shows them.
///
/// # Errors
/// As [`data`].
pub(super) fn lines(lines: &[Line]) -> Result<(), Failure> {
    lines_of_many(lines).map(drop)
}

/// [`lines`] of which others follow; tells whether somebody still reads.
pub(super) fn lines_of_many(lines: &[Line]) -> Result<bool, Failure> {
    let has_colours = Screen::here().has_colours;
    let text: Vec<String> = lines.iter().map(|line| line.render(has_colours)).collect();
    write(&text.join("\n"))
}

/// Writes a line; tells whether somebody reads it.
fn write(line: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout();
    match stdout.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(format!("the answer can't be written: {error}"))),
    }
}

/// Whether a person reads what the command was asked for.
pub(super) fn is_read_by_a_person() -> bool {
    io::stdout().is_terminal()
}

/// A line about what the process does, on standard error.
pub(super) fn note(line: &str) {
    write_to(&mut io::stderr(), &visible(&format!("{line}\n")));
}

/// What is under way: one line on standard error that the next one replaces, and nothing where no terminal shows it.
pub(super) struct Progress {
    is_shown: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal() }
    }

    pub(super) fn show(&self, line: &str) {
        if self.is_shown {
            write_to(&mut io::stderr(), &format!("{CLEARED}{}", visible(line)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            write_to(&mut io::stderr(), CLEARED);
        }
    }
}

/// What the parser of the command line has to say, coloured on a terminal: an error, or what was asked for.
pub(super) fn parsed(said: &clap::Error) {
    let rendered = said.render();
    // It repeats what it was given, which may have colours of its own.
    let is_plain = std::env::args_os().all(|word| visible(&word.to_string_lossy()) == word.to_string_lossy());
    let choose = |is_terminal| {
        if is_terminal && is_plain {
            rendered.ansi().to_string()
        } else {
            visible(&rendered.to_string()).into_owned()
        }
    };
    if said.use_stderr() {
        write_to(&mut io::stderr(), &choose(io::stderr().is_terminal()));
    } else {
        write_to(&mut io::stdout(), &choose(io::stdout().is_terminal()));
    }
}

/// Whoever has closed the stream does not want to read it.
fn write_to(stream: &mut impl Write, text: &str) {
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).ok();
}
