//! Texts without what differs from one time to the next, so that what is alike is counted together.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::digest;
use crate::model::redact::compile;

/// Characters of a folded message that are kept: two that begin alike for so long are alike.
const MAX_MESSAGE_CHARS: usize = 500;

/// UUIDs, and runs of eight and more hexadecimal digits among which is a decimal one.
static IDS: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b(?:0x)?[a-f]{0,64}[0-9][0-9a-f]{7,64}\b",
    )
});
/// Numbers of any length, with what belongs to them.
static NUMBERS: LazyLock<Regex> = LazyLock::new(|| compile(r"[0-9]+(?:[.,:][0-9]+)*"));
/// Numbers too long to be a part of a name, such as a version.
static LONG_NUMBERS: LazyLock<Regex> = LazyLock::new(|| compile(r"[0-9]{4,}"));

/// A message with `#` in the place of every id and number, cut to what tells messages apart.
pub fn fold_message(message: &str) -> String {
    let first: String = message.trim().chars().take(2 * MAX_MESSAGE_CHARS).collect();
    let without_ids = IDS.replace_all(&first, "#");
    NUMBERS.replace_all(&without_ids, "#").chars().take(MAX_MESSAGE_CHARS).collect()
}

/// A name with `#` in the place of what can only be an id, so that names which carry ids stay few.
pub fn fold_name(name: &str) -> String {
    let without_ids = IDS.replace_all(name, "#");
    LONG_NUMBERS.replace_all(&without_ids, "#").into_owned()
}

/// By what failures of one kind are known: what failed, and with which folded message.
pub fn fingerprint(kind: &str, step: &str, folded_message: &str) -> String {
    let mut fingerprint = digest([kind, step, folded_message]);
    fingerprint.truncate(16);
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_numbers_fold_and_words_stay() {
        for (message, folded) in [
            ("timeout after 30.5 s (attempt 3)", "timeout after # s (attempt #)"),
            ("no user 550e8400-e29b-41d4-a716-446655440000", "no user #"),
            ("span 4bf92f3577b34da6 is gone", "span # is gone"),
            ("deadbeef is a word, facade too", "deadbeef is a word, facade too"),
            ("  at 2026-11-25 10:11:12  ", "at #-#-# #"),
        ] {
            assert_eq!(fold_message(message), folded);
        }
        assert_eq!(fold_message(&"x".repeat(5_000)).chars().count(), MAX_MESSAGE_CHARS);
    }

    #[test]
    fn names_keep_their_short_numbers() {
        for (name, folded) in [
            ("get_v2", "get_v2"),
            ("task-1234567", "task-#"),
            ("run 4bf92f3577b34da6", "run #"),
            ("gpt-4o-2024-08-06", "gpt-4o-#-08-06"),
        ] {
            assert_eq!(fold_name(name), folded);
        }
    }
}
