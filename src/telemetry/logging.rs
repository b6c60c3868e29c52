//! The log, on standard error: under stdio, standard output is the wire.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::util::TryInitError;

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
    let lines = tracing_subscriber::fmt::layer().with_writer(Visible(io::stderr)).with_ansi(false);
    match format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    }
}

/// Makes control characters visible, so that no log line can move a terminal's cursor or end early.
struct Visible<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Visible<M> {
    type Writer = VisibleWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        VisibleWriter(self.0.make_writer())
    }
}

struct VisibleWriter<W>(W);

impl<W: Write> Write for VisibleWriter<W> {
    /// The subscriber writes each line whole, so only its last byte is a line feed of its own.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some((last, body)) = line.split_last()
            && line.iter().any(u8::is_ascii_control)
        {
            let text = String::from_utf8_lossy(body);
            let mut visible = String::with_capacity(text.len() + 16);
            for character in text.chars() {
                if character.is_control() {
                    visible.extend(character.escape_default());
                } else {
                    visible.push(character);
                }
            }
            visible.push(char::from(*last));
            self.0.write_all(visible.as_bytes())?;
        } else {
            self.0.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_made_visible() {
        let mut writer = VisibleWriter(Vec::new());
        writer.write_all("INFO a\u{1b}[2Jb\nc ü\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(writer.0).unwrap(), "INFO a\\u{1b}[2Jb\\nc ü\n");
    }
}
