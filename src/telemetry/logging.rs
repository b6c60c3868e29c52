//! The log, on standard error: under stdio, standard output is the wire.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::util::TryInitError;

use crate::model::text::hides;

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
    let lines = tracing_subscriber::fmt::layer().with_writer(Visible(io::stderr, format)).with_ansi(false);
    match format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    }
}

/// Makes what hides or drives a terminal visible, so that no log line can move a cursor or end early.
struct Visible<M>(M, Format);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Visible<M> {
    type Writer = VisibleWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        VisibleWriter(self.0.make_writer(), self.1)
    }
}

struct VisibleWriter<W>(W, Format);

impl<W: Write> Write for VisibleWriter<W> {
    /// The subscriber writes each line whole, so only its last byte is a line feed of its own.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some((last, body)) = line.split_last() {
            let text = String::from_utf8_lossy(body);
            let mut visible = String::with_capacity(text.len() + 16);
            for character in text.chars() {
                match self.1 {
                    _ if !character.is_control() && !hides(character) => visible.push(character),
                    Format::Text => visible.extend(character.escape_default()),
                    Format::Json => push_escape(&mut visible, character),
                }
            }
            visible.push(char::from(*last));
            self.0.write_all(visible.as_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The escape of JSON, which alone may stand in its texts.
fn push_escape(line: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        write!(line, "\\u{unit:04x}").unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_made_visible() {
        let written = |line: &str, format| {
            let mut writer = VisibleWriter(Vec::new(), format);
            writer.write_all(line.as_bytes()).unwrap();
            String::from_utf8(writer.0).unwrap()
        };
        let line = written("INFO a\u{1b}[2Jb\nc ü\u{202e}\n", Format::Text);
        assert_eq!(line, "INFO a\\u{1b}[2Jb\\nc ü\\u{202e}\n");
        let said = "a\u{1b}\u{9b}2J ü\u{202e}\u{e0041}";
        let line = written(&format!("{}\n", serde_json::json!(said)), Format::Json);
        assert!(
            !line.trim_end().chars().any(|character| character.is_control() || hides(character)),
            "{line}"
        );
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), said);
    }
}
