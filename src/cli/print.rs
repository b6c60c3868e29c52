//! The only place that writes text for people to standard output and standard error.
//!
//! **Invariant:** nothing that it writes to a person hides or drives the terminal. What a pipe gets is data and stays
//! as it is.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use super::Failure;
use crate::model::text::visible;

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
    let mut stdout = io::stdout();
    match stdout.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("the answer can't be written: {error}")))
        }
        _ => Ok(()),
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
