//! How far a client has seen: what the `id` of an event says, to this server and to every other on the store.
//!
//! Records do not come in the order of their times: what one process commits now may be older than what another has
//! committed before. So a mark is an instant before which all was shown, and what of the time since was shown. Who shows
//! it again gets the rest of the store from that instant on, without what it names.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{Code, Problem, Timestamp, digest};

/// Records that a mark names at most. Where more were shown since its instant, the first of them may be shown again.
const MOST_NAMED: usize = 64;

/// Bytes of the longest mark.
const MAX_BYTES: usize = 8 + MOST_NAMED * 4;

/// By what an event is known.
pub(super) type Key = u64;

/// The key of what happened to the record `id`: the same in every process.
pub(super) fn key(kind: &str, id: &str) -> Key {
    let hash = digest([kind, id]);
    hash.get(..16).and_then(|digits| Key::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// What was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// All that happened before.
    settled: Timestamp,
    /// And these, each with its time, in the order in which they were shown.
    shown: VecDeque<(Timestamp, u32)>,
}

impl Mark {
    /// All that happened before `settled`.
    pub(super) fn new(settled: Timestamp) -> Self {
        Self { settled, shown: VecDeque::new() }
    }

    /// The instant before which all was shown.
    pub(super) const fn settled(&self) -> Timestamp {
        self.settled
    }

    /// An event was shown.
    pub(super) fn show(&mut self, time: Timestamp, key: Key) {
        if self.shown.len() == MOST_NAMED {
            self.shown.pop_front();
        }
        self.shown.push_back((time, short(key)));
    }

    /// All that happened before `instant` was shown.
    pub(super) fn settle(&mut self, instant: Timestamp) {
        if instant > self.settled {
            self.settled = instant;
            self.shown.retain(|(time, _)| *time >= instant);
        }
    }

    /// Whether an event is among those named.
    pub(super) fn names(&self, key: Key) -> bool {
        let wanted = short(key);
        self.shown.iter().any(|(_, key)| *key == wanted)
    }

    /// The mark as text.
    pub(super) fn encode(&self) -> String {
        let mut bytes = self.settled.micros().to_be_bytes().to_vec();
        bytes.extend(self.shown.iter().flat_map(|(_, key)| key.to_be_bytes()));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a mark. The times of what it names are not told, so it goes on to name them.
    ///
    /// # Errors
    /// [`InvalidCursor`](Code::InvalidCursor) for a text that was not made here.
    pub(super) fn decode(text: &str) -> Result<Self, Problem> {
        let invalid = || {
            Problem::new(Code::InvalidCursor, "`last_event_id` is not the id of an event")
                .at("last_event_id")
                .hint("give the `id` of the last event that was received, as it was")
        };
        if text.len() > MAX_BYTES.div_ceil(3) * 4 {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let (settled, named) = bytes.split_first_chunk().ok_or_else(invalid)?;
        let (named, rest) = named.as_chunks();
        if !rest.is_empty() || named.len() > MOST_NAMED {
            return Err(invalid());
        }
        let unknown = Timestamp::from_micros(i64::MAX);
        let shown = named.iter().map(|key| (unknown, u32::from_be_bytes(*key))).collect();
        Ok(Self { settled: Timestamp::from_micros(i64::from_be_bytes(*settled)), shown })
    }
}

/// As much of a key as a mark has room for: it tells few from few.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
const fn short(key: Key) -> u32 {
    key as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn a_mark_names_what_was_shown_since_its_instant() {
        let mut mark = Mark::new(at(10));
        mark.show(at(11), key("log", "a"));
        mark.show(at(9), key("log", "late"));
        let read = Mark::decode(&mark.encode()).unwrap();
        assert_eq!(read.settled(), at(10));
        assert!(read.names(key("log", "a")) && read.names(key("log", "late")));
        assert!(!read.names(key("span_end", "a")));
        mark.settle(at(11));
        assert!(mark.names(key("log", "a")) && !mark.names(key("log", "late")));
        mark.settle(at(10));
        assert_eq!(mark.settled(), at(11));
    }

    #[test]
    fn it_names_the_last_ones_and_stays_short() {
        let mut mark = Mark::new(at(0));
        let keys: Vec<Key> = (0..1_000).map(|id| key("log", &id.to_string())).collect();
        for key in &keys {
            mark.show(at(1), *key);
        }
        let text = mark.encode();
        assert!(text.len() < 400, "{text}");
        let read = Mark::decode(&text).unwrap();
        assert_eq!(keys.iter().filter(|key| read.names(**key)).count(), MOST_NAMED);
        assert!(read.names(keys[999]));
    }

    #[test]
    fn what_is_no_mark_is_refused() {
        let long = URL_SAFE_NO_PAD.encode([0; MAX_BYTES + 4]);
        for wrong in ["", "7", "x y", &URL_SAFE_NO_PAD.encode([0; 9]), &long, &"A".repeat(100_000)] {
            let problem = Mark::decode(wrong).unwrap_err();
            assert_eq!(
                (problem.code, problem.field.as_deref()),
                (Code::InvalidCursor, Some("last_event_id"))
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,400}") {
            drop(Mark::decode(&text));
        }
    }
}
