//! Bytes as they arrive, cut into lines.

use crate::model::{Code, Problem};

/// Bytes that a line may have.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Cuts what arrives into lines, and holds no more of it than one line may have.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    /// Whether the line that has begun is too long: the rest of it is passed over.
    is_too_long: bool,
    number: u64,
}

/// A line, or that it is too long, with its number.
pub(super) type Numbered = (u64, Result<Vec<u8>, Problem>);

impl Lines {
    /// The lines that `chunk` ends. Empty ones are left out, and counted.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<Numbered> {
        let mut lines = Vec::new();
        let mut pieces = chunk.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.add(piece);
            if pieces.peek().is_some() {
                lines.extend(self.finish());
            }
        }
        lines
    }

    /// The last line, where it does not end with a line feed.
    pub(super) fn end(&mut self) -> Option<Numbered> {
        if self.partial.is_empty() && !self.is_too_long { None } else { self.finish() }
    }

    /// How many lines have ended.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    fn add(&mut self, piece: &[u8]) {
        if self.is_too_long || self.partial.len() + piece.len() > MAX_LINE_BYTES {
            self.is_too_long = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(piece);
        }
    }

    fn finish(&mut self) -> Option<Numbered> {
        self.number += 1;
        if std::mem::take(&mut self.is_too_long) {
            let message = format!("the line has more than {MAX_LINE_BYTES} bytes");
            let problem = Problem::new(Code::FieldTooLarge, message).limited_to(MAX_LINE_BYTES as u64);
            return Some((self.number, Err(problem)));
        }
        let line = std::mem::take(&mut self.partial);
        (!line.trim_ascii().is_empty()).then_some((self.number, Ok(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(chunks: &[&[u8]]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::default();
        let mut found: Vec<Numbered> = chunks.iter().flat_map(|chunk| lines.push(chunk)).collect();
        found.extend(lines.end());
        found.into_iter().map(|(number, line)| (number, line.ok())).collect()
    }

    #[test]
    fn a_line_that_is_too_long_costs_nothing_and_its_number_is_known() {
        let long = vec![b'x'; MAX_LINE_BYTES];
        let found = all(&[b"a\n\n", &long, &long, &long, b"\nb\n", &long, b"\n", &long, b"x"]);
        let known: Vec<(u64, Option<usize>)> =
            found.into_iter().map(|(number, line)| (number, line.map(|line| line.len()))).collect();
        assert_eq!(known, [(1, Some(1)), (3, None), (4, Some(1)), (5, Some(MAX_LINE_BYTES)), (6, None)]);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_lines_are_the_same(text in "[ab\n]{0,60}", cuts in proptest::collection::vec(0_usize..60, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let bytes = text.as_bytes();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts {
                chunks.push(&bytes[from..cut]);
                from = cut;
            }
            chunks.push(&bytes[from..]);
            let expected: Vec<(u64, Option<Vec<u8>>)> = text
                .lines()
                .zip(1..)
                .filter(|(line, _)| !line.is_empty())
                .map(|(line, number)| (number, Some(line.as_bytes().to_vec())))
                .collect();
            prop_assert_eq!(all(&chunks), expected);
        }
    }
}
