//! What was taken out of a record.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Places that a record marks; past them one more mark says that there are others.
pub const MAX_MARKS: usize = 32;

const AND_MORE: &str = "…";
const MARK: &str = "[REDACTED";

/// Where something was replaced in a record, and how often by which rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redactions {
    paths: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

impl Redactions {
    /// The places, written `metadata.headers[2].cookie`, at most [`MAX_MARKS`] and one that says "…".
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Each rule that replaced something, with how often it did.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(rule, count)| (*rule, *count))
    }

    /// Whether nothing was replaced.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    pub(super) fn count(&mut self, rule: &'static str) {
        *self.counts.entry(rule).or_default() += 1;
    }

    pub(super) fn mark(&mut self, path: String) {
        add_mark(&mut self.paths, path);
    }
}

/// Adds the marks of a span's end to those of its start.
pub(in super::super) fn merge_marks(marks: &mut Vec<String>, more: Vec<String>) {
    for mark in more {
        add_mark(marks, mark);
    }
}

fn add_mark(marks: &mut Vec<String>, mark: String) {
    if marks.len() > MAX_MARKS || marks.contains(&mark) {
        return;
    }
    marks.push(if marks.len() == MAX_MARKS { AND_MORE.to_owned() } else { mark });
}

/// What stands in the place of something that `rule` took out.
pub(super) fn mark_of(rule: &str) -> String {
    format!("{MARK}:{rule}]")
}

/// `name` without the marks in it, whose rules say nothing of what stands under the name.
pub(super) fn without_marks(name: &str) -> Cow<'_, str> {
    match name.split_once(MARK).and_then(|(before, mark)| Some((before, mark.split_once(']')?.1))) {
        Some((before, after)) => format!("{before} {}", without_marks(after)).into(),
        None => name.into(),
    }
}

/// Whether `text` is all that somebody has left of a secret: our mark, `OpenInference`'s, Claude Code's, Sentry's.
pub(super) fn is_mark(text: &str) -> bool {
    let text = text.trim();
    let ours = || {
        let rule = text.strip_prefix(MARK)?.strip_suffix(']')?;
        let word = |rule: &str| {
            rule.len() <= 32 && rule.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        Some(rule.is_empty() || rule.strip_prefix(':').is_some_and(word))
    };
    ["__REDACTED__", "<REDACTED>", "[Filtered]"].contains(&text)
        || ours().unwrap_or(false)
        || text.bytes().all(|byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_have_an_end_that_says_so() {
        let mut marks = Vec::new();
        merge_marks(&mut marks, (0..40).map(|number| number.to_string()).collect());
        assert_eq!((marks.len(), marks[MAX_MARKS].as_str()), (MAX_MARKS + 1, "…"));
        let mut few = vec!["a".to_owned()];
        merge_marks(&mut few, vec!["b".into(), "a".into()]);
        assert_eq!(few, ["a", "b"]);
    }

    #[test]
    fn marks_are_cut_out_of_names() {
        for (name, rest) in [
            ("a", "a"),
            ("[REDACTED:x]", " "),
            ("a[REDACTED:x]b[REDACTED]c", "a b c"),
            ("a[REDACTED:", "a[REDACTED:"),
        ] {
            assert_eq!(without_marks(name), rest);
        }
    }

    #[test]
    fn a_mark_is_nothing_but_a_mark() {
        for mark in
            ["[REDACTED]", "[REDACTED:api_key]", "__REDACTED__", "<REDACTED>", "[Filtered]", "***", ""]
        {
            assert!(is_mark(mark), "{mark}");
        }
        for text in
            ["[REDACTED:hunter2]", "[REDACTED] hunter2", "REDACTED", "[Filtered]x", "* *x", "[REDACTED:A B]"]
        {
            assert!(!is_mark(text), "{text}");
        }
    }
}
