//! Bytes to lines, with a limit.

use std::io;

use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{AnyDelimiterCodec, AnyDelimiterCodecError, Decoder};

/// One line of input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Without its line feed; a carriage return may still stand at its end.
    Whole(Bytes),
    /// It exceeds the limit and is skipped up to its line feed, without being held.
    TooLong,
}

/// Splits at line feeds.
///
/// A line that is too long is an item here and no error, because a framed stream ends at an error.
pub(super) struct Lines(AnyDelimiterCodec);

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self(AnyDelimiterCodec::new_with_max_length(b"\n".to_vec(), b"\n".to_vec(), limit))
    }
}

fn lines(chunk: Result<Option<Bytes>, AnyDelimiterCodecError>) -> io::Result<Option<Line>> {
    match chunk {
        Ok(chunk) => Ok(chunk.map(Line::Whole)),
        Err(AnyDelimiterCodecError::MaxChunkLengthExceeded) => Ok(Some(Line::TooLong)),
        Err(AnyDelimiterCodecError::Io(error)) => Err(error),
    }
}

impl Decoder for Lines {
    type Item = Line;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        lines(self.0.decode(buffer))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        lines(self.0.decode_eof(buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_line_that_is_too_long_does_not_harm_the_next() {
        let mut lines = Lines::new(4);
        let mut buffer = BytesMut::from("abcd\nabcdefgh\nab\n\nrest");
        let mut found = Vec::new();
        while let Some(line) = lines.decode(&mut buffer).unwrap() {
            found.push(line);
        }
        assert_eq!(found, [whole("abcd"), Line::TooLong, whole("ab"), whole("")]);
        assert_eq!(lines.decode_eof(&mut buffer).unwrap(), Some(whole("rest")));
        assert_eq!(lines.decode_eof(&mut buffer).unwrap(), None);
    }

    #[test]
    fn what_is_skipped_is_not_held() {
        let mut lines = Lines::new(4);
        let mut buffer = BytesMut::new();
        let mut reported = 0;
        for _ in 0..1000 {
            buffer.extend_from_slice(&[b'x'; 100]);
            while lines.decode(&mut buffer).unwrap().is_some() {
                reported += 1;
            }
            assert!(buffer.len() <= 100);
        }
        buffer.extend_from_slice(b"\nok\n");
        assert_eq!(lines.decode(&mut buffer).unwrap(), Some(whole("ok")));
        assert_eq!(reported, 1);
    }
}
