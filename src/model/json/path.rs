//! Where in a JSON text something stands.

use std::fmt;

use crate::model::text::on_one_line;

/// How many steps of a path an error shows; an agent's nesting is not our error's length.
const SHOWN_STEPS: usize = 8;

/// How many characters of one key an error shows.
const SHOWN_KEY: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// The steps from the root of a JSON text to a value, written `metadata.items[3].name`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

impl Path {
    pub(in super::super) fn push_key(&mut self, key: &str) {
        self.0.push(Step::Key(key.to_owned()));
    }

    pub(in super::super) fn push_index(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// Which message of a batch this is in; `None` where the text is not an array.
    pub(crate) fn batch_index(&self) -> Option<usize> {
        match self.0.first() {
            Some(Step::Index(index)) => Some(*index),
            _ => None,
        }
    }

    /// The path within the message, for a message that came in a batch.
    pub(crate) fn within_message(&self) -> Self {
        Self(self.0.get(usize::from(self.batch_index().is_some())..).unwrap_or_default().to_vec())
    }

    /// The path below the given keys; `None` where it leads elsewhere or ends there.
    pub(crate) fn below(&self, keys: &[&str]) -> Option<Self> {
        let (head, tail) = self.0.split_at_checked(keys.len())?;
        let same = head.iter().zip(keys).all(|(step, key)| matches!(step, Step::Key(name) if name == key));
        (same && !tail.is_empty()).then(|| Self(tail.to_vec()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().take(SHOWN_STEPS).enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    let shown: String = key.chars().take(SHOWN_KEY).collect();
                    f.write_str(&on_one_line(&shown))?;
                }
            }
        }
        if self.0.len() > SHOWN_STEPS { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(keys: &[&str]) -> Path {
        let mut path = Path::default();
        for key in keys {
            path.push_key(key);
        }
        path
    }

    #[test]
    fn is_written_as_people_write_it() {
        let mut path = path(&["metadata", "items"]);
        path.push_index(3);
        path.push_key("na\u{1b}m\ne\u{ffa0}");
        assert_eq!(path.to_string(), "metadata.items[3].na\\u{1b}m\\ne\\u{ffa0}");
    }

    #[test]
    fn a_long_path_is_shortened() {
        assert_eq!(path(&["a"; 100]).to_string(), "a.a.a.a.a.a.a.a…");
    }

    #[test]
    fn below_takes_only_what_is_inside() {
        assert_eq!(path(&["params", "arguments", "x"]).below(&["params", "arguments"]), Some(path(&["x"])));
        assert_eq!(path(&["params", "arguments"]).below(&["params", "arguments"]), None);
        assert_eq!(path(&["params", "other", "x"]).below(&["params", "arguments"]), None);
    }
}
