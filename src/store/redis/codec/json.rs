//! JSON as Python's `json` module writes it.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Reads JSON, with what Python writes and JSON doesn't know: `NaN` and the infinities become `null`, halves
/// of a surrogate pair become U+FFFD, and so does what is not UTF-8.
pub(in super::super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Some(value);
    }
    serde_json::from_str(&repair(&String::from_utf8_lossy(bytes))).ok()
}

fn repair(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let (string, after) = split_string(rest);
            repaired.push_str(&without_lone_surrogates(string));
            rest = after;
            continue;
        }
        let token = ["NaN", "-Infinity", "Infinity"].iter().find_map(|token| rest.strip_prefix(token));
        if let Some(after) = token {
            repaired.push_str("null");
            rest = after;
        } else {
            repaired.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    repaired
}

/// Splits `text`, which begins with a quote, behind the quote that closes it.
fn split_string(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return text.split_at(index + 1),
            _ => {}
        }
    }
    (text, "")
}

/// Replaces each `\ud800`…`\udfff` that is not a pair's.
fn without_lone_surrogates(string: &str) -> Cow<'_, str> {
    if !string.contains("\\u") {
        return Cow::Borrowed(string);
    }
    let mut out = String::with_capacity(string.len());
    let mut rest = string;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let taken = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            (Some(_), _) => 6,
            // A backslash and the character behind it, which is more than a byte only where it isn't JSON.
            (None, _) => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (escape, after) = escape.split_at(taken);
        out.push_str(escape);
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The UTF-16 unit that `text` begins with, written as `\uXXXX`.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn what_python_writes_is_read() {
        let text =
            br#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \udcff \ud83d\ude00 \\udcff \"", "d": "x"}"#;
        let value: Value = read(text).unwrap();
        assert_eq!(value, json!({"a": null, "b": [null, null], "c": "NaN \u{fffd} 😀 \\udcff \"", "d": "x"}));
        assert_eq!(read::<Value>(b"{\"a\": \"\xff\"}").unwrap(), json!({"a": "\u{fffd}"}));
        assert_eq!(read::<Value>(b"not json"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[\\\\u\"d0-9NaI é]{0,40}") {
            let _any: Option<Value> = read(&bytes);
            let _any: Option<Value> = read(text.as_bytes());
        }

        #[test]
        fn json_stays_as_it_is(text in "\\PC*") {
            let written = serde_json::to_string(&json!({"k": text})).unwrap();
            prop_assert_eq!(repair(&written), written);
        }
    }
}
