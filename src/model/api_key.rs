//! The text of an API key: what its holder sends.

use std::fmt;

use super::{digest, hex};

const PREFIX: &str = "wg_";
const ID_CHARS: usize = 16;
const SECRET_CHARS: usize = 64;
const CHECK_CHARS: usize = 8;

/// `wg_<id>_<secret><check>`: 16 hex digits that are no secret, 64 that are, and 8 by which a scanner for
/// leaked secrets tells a key from a look-alike.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// By which the key is found.
    pub id: String,
    secret: String,
}

impl ApiKey {
    /// A key of these random bytes.
    pub fn new(id: [u8; ID_CHARS / 2], secret: [u8; SECRET_CHARS / 2]) -> Self {
        Self { id: hex(&id), secret: hex(&secret) }
    }

    /// Reads a key; `None` where the text is none, be it by a mistyped letter.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, rest) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if id.len() != ID_CHARS || rest.len() != SECRET_CHARS + CHECK_CHARS || !is_hex(id) || !is_hex(rest) {
            return None;
        }
        let (secret, check) = rest.split_at(SECRET_CHARS);
        let key = Self { id: id.to_owned(), secret: secret.to_owned() };
        (key.check() == check).then_some(key)
    }

    /// What is kept of the secret. It is random and long, so that a fast hash is enough.
    pub fn secret_hash(&self) -> String {
        digest([self.secret.as_str()])
    }

    /// The key as its holder sends it. To be shown once, to whoever made it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}{}", self.id, self.secret, self.check())
    }

    fn check(&self) -> String {
        let mut check = digest([self.id.as_str(), self.secret.as_str()]);
        check.truncate(CHECK_CHARS);
        check
    }
}

/// Without the secret.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_***", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_shown_is_read_again_and_the_secret_never_printed() {
        let key = ApiKey::new([7; 8], [0xab; 32]);
        let text = key.reveal();
        assert_eq!(text.len(), 3 + 16 + 1 + 72);
        assert_eq!(ApiKey::parse(&text), Some(key.clone()));
        assert_eq!(format!("{key:?}"), "wg_0707070707070707_***");
        assert!(!key.secret_hash().contains(&"ab".repeat(8)));
        for at in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(ApiKey::parse(std::str::from_utf8(&other).unwrap()), None, "letter {at}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(wg_)?\\PC{0,100}") {
            prop_assert!(ApiKey::parse(&text).is_none());
        }
    }
}
