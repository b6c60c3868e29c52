//! The log, on standard error: under stdio, standard output is the wire.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::util::TryInitError;

use crate::model::text::{on_one_line, visible_json};

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// Begins to log what `filter` lets through; `rmcp=warn` keeps what agents wrote out of it.
pub fn init(filter: EnvFilter, format: Format) -> Result<(), TryInitError> {
    let registry = tracing_subscriber::registry().with(filter);
    let writer = Visible { inner: io::stderr, format };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    }
}

/// Makes visible what hides or drives a terminal, so that no line can move a cursor, deceive its reader or end early.
struct Visible<M> {
    inner: M,
    format: Format,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Visible<M> {
    type Writer = VisibleWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        VisibleWriter { inner: self.inner.make_writer(), format: self.format }
    }
}

struct VisibleWriter<W> {
    inner: W,
    format: Format,
}

impl<W: Write> Write for VisibleWriter<W> {
    /// The subscriber writes each line whole, so only its last byte is a line feed of its own.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let body = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
        let mut visible = match self.format {
            Format::Text => on_one_line(&body),
            Format::Json => visible_json(&body).into_owned(),
        };
        visible.push('\n');
        self.inner.write_all(visible.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format, line: &str) -> String {
        let mut writer = VisibleWriter { inner: Vec::new(), format };
        writer.write_all(line.as_bytes()).unwrap();
        String::from_utf8(writer.inner).unwrap()
    }

    #[test]
    fn what_hides_or_drives_a_terminal_is_made_visible() {
        let text = written(Format::Text, "INFO a\u{1b}[2Jb\nc\rü \u{9b}2J\u{202e}\u{200b}\n");
        assert_eq!(text, "INFO a\\u{1b}[2Jb\\nc\\u{d}ü \\u{9b}2J\\u{202e}\\u{200b}\n");
        assert_eq!(written(Format::Json, "{\"a\":\"\u{9b}ü\u{202e}\"}\n"), "{\"a\":\"\\u009bü\\u202e\"}\n");
    }
}
