//! Texts that are JSON themselves, as tool arguments often are.
//!
//! They are rewritten in place rather than read and written anew: what is no secret keeps its spaces, its digits
//! and its repeated keys.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::names::{CONTENT_RULE, Names, SESSION};
use super::redactions::{is_mark, mark_of};
use super::secrets;

/// Whether `text` is an object or an array, whole and sound.
pub(super) fn is_json(text: &str) -> bool {
    let bytes = text.trim_ascii().as_bytes();
    let encloses =
        matches!((bytes.first(), bytes.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
    encloses && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// `text`, which [`is_json`], with each secret in it replaced; `None` where it holds none.
pub(super) fn replace(text: &str, names: &mut Names, mut found: impl FnMut(&'static str)) -> Option<String> {
    let bytes = text.as_bytes();
    let mut rewritten = Rewritten { text, replaced: String::new(), copied: 0 };
    // For each open object or array: whether it is an object, and the rule under which all in it falls.
    let mut open: Vec<(bool, Option<&'static str>)> = Vec::new();
    // The rule that the key before a value calls for.
    let mut rule = None;
    let mut expects_key = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let begins = matches!(byte, b'"' | b'{' | b'[');
        if begins && !expects_key && rule == Some(CONTENT_RULE) {
            let end = end_of_value(bytes, at);
            let stays = *byte == b'"' && is_mark(&string(text, at, end));
            if !stays {
                found(CONTENT_RULE);
                rewritten.put(at, end, &mark_of(CONTENT_RULE));
            }
            (rule, at) = (None, end);
            continue;
        }
        match byte {
            b'{' | b'[' => {
                let above = open.last().and_then(|(_, rule)| *rule);
                let below = above.or(rule.take().filter(|rule| *rule != SESSION));
                open.push((*byte == b'{', below));
                expects_key = *byte == b'{';
            }
            b'}' | b']' => {
                open.pop();
                (rule, expects_key) = (None, false);
            }
            b',' => (rule, expects_key) = (None, open.last().is_some_and(|(is_object, _)| *is_object)),
            b':' => expects_key = false,
            b'"' => {
                let end = end_of_string(bytes, at);
                let content = string(text, at, end);
                let covers = open.last().and_then(|(_, rule)| *rule).or(rule);
                let replacement = match covers.filter(|_| !expects_key) {
                    Some(_) if is_mark(&content) => None,
                    Some(rule) => {
                        found(rule);
                        Some(mark_of(rule))
                    }
                    None => secrets::replace(&content, &mut found),
                };
                if expects_key {
                    rule = names.rule(&content);
                }
                if let Some(replacement) = replacement {
                    rewritten.put(at, end, &replacement);
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    rewritten.finish()
}

/// A text with some of its parts replaced.
struct Rewritten<'a> {
    text: &'a str,
    replaced: String,
    copied: usize,
}

impl Rewritten<'_> {
    /// Puts a string in the place of what stands from `start` to `end`.
    fn put(&mut self, start: usize, end: usize, replacement: &str) {
        self.replaced.push_str(self.text.get(self.copied..start).unwrap_or_default());
        self.replaced.push_str(&serde_json::Value::from(replacement).to_string());
        self.copied = end;
    }

    fn finish(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.replaced.push_str(self.text.get(self.copied..).unwrap_or_default());
        Some(self.replaced)
    }
}

/// What the string literal from `start` to `end` says; as it is written where it is sound JSON and yet no text, as half
/// of a surrogate pair is.
fn string(text: &str, start: usize, end: usize) -> Cow<'_, str> {
    let literal = text.get(start..end).unwrap_or_default();
    let written = || literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(literal);
    serde_json::from_str(literal).map_or_else(|_| written().into(), Cow::Owned)
}

/// The place behind the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut escaped = false;
    let closes = |byte: &u8| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    };
    let inside = bytes.get(start + 1..).unwrap_or_default();
    inside.iter().position(closes).map_or(bytes.len(), |length| start + length + 2)
}

/// The place behind the string, object or array that begins at `start`.
fn end_of_value(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at),
            b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
            b'}' | b']' => (depth, at) = (depth.saturating_sub(1), at + 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}
