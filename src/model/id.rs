//! Identifiers, kept as the text they were given as.

use std::borrow::Borrow;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Problem;
use super::text::quoted;

const MAX_ID_CHARS: usize = 128;

/// A newtype over validated text. `parse` is for what callers send; `stored` is for what a store holds,
/// where older writers have left ids that would be refused today.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes `text` from the argument `field`, or says why it can't be one.
            pub fn parse(field: &str, text: impl Into<String>) -> Result<Self, Problem> {
                let text = text.into();
                let check: fn(&str, &str) -> Result<(), Problem> = $check;
                check(field, &text)?;
                Ok(Self(text))
            }

            /// Takes what a store holds as it stands.
            pub fn stored(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

text_id!(
    /// The id of a trace: 1–128 of `[A-Za-z0-9._:-]`.
    TraceId, check_id
);
text_id!(
    /// The id of a span, unique in its project: 1–128 of `[A-Za-z0-9._:-]`.
    SpanId, check_id
);
text_id!(
    /// What kind of event a log tells of: 1–128 of `[A-Za-z0-9._:/-]`, beginning with a letter or digit.
    EventType, check_event_type
);
text_id!(
    /// The owner of records. It comes from the caller's key, never from a request.
    ProjectId, check_project_id
);

impl ProjectId {
    /// The project of a server without keys.
    pub fn default_project() -> Self {
        Self("default".to_owned())
    }
}

impl TraceId {
    /// The 32 hex digits that stand for this id where W3C trace context is spoken.
    pub fn to_w3c(&self) -> String {
        to_w3c(&self.0, 32)
    }
}

impl SpanId {
    /// The 16 hex digits that stand for this id where W3C trace context is spoken.
    pub fn to_w3c(&self) -> String {
        to_w3c(&self.0, 16)
    }
}

/// The words that clients send where they mean "no parent", besides leaving it out.
pub fn is_none_word(text: &str) -> bool {
    let text = text.trim();
    ["", "none", "null", "nil", "<nil>", "undefined"].iter().any(|word| text.eq_ignore_ascii_case(word))
        || (text.starts_with("{{") && text.ends_with("}}"))
}

/// Shorter hex is left-padded, a UUID loses its dashes, any other text becomes the first bytes of its
/// SHA-256; so every id has exactly one W3C form and a W3C id is its own.
fn to_w3c(id: &str, digits: usize) -> String {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex(id) && id.len() <= digits && id.bytes().any(|byte| byte != b'0') {
        return format!("{:0>digits$}", id.to_ascii_lowercase());
    }
    if let (32, 36, Ok(uuid)) = (digits, id.len(), Uuid::try_parse(id)) {
        return uuid.simple().to_string();
    }
    let mut hash = digest([id]);
    hash.truncate(digits);
    hash
}

/// The SHA-256 of some texts, each told from the next, in hex.
pub fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            hash.update([0]);
        }
        hash.update(text.as_bytes());
    }
    hex(&hash.finalize())
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string doesn't fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn check_id(field: &str, text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length > MAX_ID_CHARS {
        return Err(Problem::too_large(field, "characters", MAX_ID_CHARS, length));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if is_none_word(text) || !text.bytes().all(allowed) {
        return Err(Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))
            .hint("1 to 128 of the characters A-Z a-z 0-9 . _ : -"));
    }
    if text.len() >= 16 && text.bytes().all(|byte| byte == b'0') {
        return Err(Problem::invalid(field, format!("`{field}` can't be all zeros"))
            .hint("all zeros mean \"no id\" in w3c trace context"));
    }
    Ok(())
}

/// In the names of a store's keys a colon ends the project. With one inside it, a project and an id could be
/// another project and another id: `a:span:b` and `c`, `a` and `b:span:c`.
fn check_project_id(field: &str, text: &str) -> Result<(), Problem> {
    if text.contains(':') {
        return Err(Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))
            .hint("1 to 128 of the characters A-Z a-z 0-9 . _ -"));
    }
    check_id(field, text)
}

fn check_event_type(field: &str, text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if length > MAX_ID_CHARS {
        return Err(Problem::too_large(field, "characters", MAX_ID_CHARS, length));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) || !text.bytes().all(allowed) {
        return Err(Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))
            .hint("1 to 128 of the characters A-Z a-z 0-9 . _ : / -, beginning with a letter or a digit"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_project_ends_where_the_colon_stands() {
        assert!(ProjectId::parse("project", "acme.eu-1_x").is_ok());
        for text in ["a:span:b", ":", "a:", "", "a b"] {
            assert!(ProjectId::parse("project", text).is_err(), "{text}");
        }
    }

    #[test]
    fn ids_refuse_what_could_act_as_a_pattern_a_key_or_an_escape() {
        for text in ["", "None", "<nil>", "{{trace_id}}", "a b", "a\nb", "{07}x", "*", "é", "\u{202e}x"] {
            let problem = TraceId::parse("trace_id", text).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("trace_id"), "{text:?}");
        }
        assert!(TraceId::parse("trace_id", "0".repeat(32)).is_err());
        assert!(TraceId::parse("trace_id", "a".repeat(129)).is_err());
        for text in ["a1b2c3d4", "4bf92f3577b34da6a3ce929d0e0e4736", "run:2026-11-22.1", "A_b"] {
            assert_eq!(TraceId::parse("trace_id", text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn event_types_are_literal() {
        for text in ["", "*", "?", "[a-z]", "../x", "\n", "\" OR 1=1 --", "%00", "{tag}", "__proto__"] {
            assert!(EventType::parse("event_type", text).is_err(), "{text:?}");
        }
        for text in ["a:b", "agent.request.start", "constructor", "http/2"] {
            assert!(EventType::parse("event_type", text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn every_id_has_one_w3c_form() {
        let w3c = |text: &str| TraceId::stored(text).to_w3c();
        assert_eq!(w3c("A1B2C3D4"), "000000000000000000000000a1b2c3d4");
        assert_eq!(w3c("4bf92f35-77b3-4da6-a3ce-929d0e0e4736"), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(w3c("run 1"), w3c("run 1"));
        assert_ne!(w3c("run-1"), w3c("run-2"));
    }

    proptest! {
        #[test]
        fn a_w3c_form_is_its_own(text in "[A-Za-z0-9._:-]{1,128}") {
            let once = TraceId::stored(text).to_w3c();
            prop_assert_eq!(once.len(), 32);
            prop_assert_eq!(TraceId::stored(once.clone()).to_w3c(), once);
        }
    }
}
