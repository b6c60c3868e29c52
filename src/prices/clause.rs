//! Rules for names.

use std::sync::OnceLock;

use fancy_regex::Regex;
use serde::Deserialize;

/// A rule that a name, given in lower case, keeps or does not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Clause {
    Equals(Lower),
    StartsWith(Lower),
    EndsWith(Lower),
    Contains(Lower),
    Regex(Expression),
    Or(Vec<Self>),
    And(Vec<Self>),
}

impl Clause {
    pub(super) fn is_match(&self, name: &str) -> bool {
        match self {
            Self::Equals(text) => name == text.0,
            Self::StartsWith(text) => name.starts_with(&text.0),
            Self::EndsWith(text) => name.ends_with(&text.0),
            Self::Contains(text) => name.contains(&text.0),
            Self::Regex(expression) => expression.is_match(name),
            Self::Or(clauses) => clauses.iter().any(|clause| clause.is_match(name)),
            Self::And(clauses) => clauses.iter().all(|clause| clause.is_match(name)),
        }
    }

    /// The first expression in it that is none.
    pub(super) fn bad_expression(&self) -> Option<&str> {
        match self {
            Self::Regex(expression) => expression.compiled().is_none().then_some(&expression.text),
            Self::Or(clauses) | Self::And(clauses) => clauses.iter().find_map(Self::bad_expression),
            _ => None,
        }
    }
}

/// A text in lower case: case tells no models apart.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Lower(String);

impl From<String> for Lower {
    fn from(text: String) -> Self {
        Self(text.to_lowercase())
    }
}

/// An expression, compiled when it is first asked: most never are.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Expression {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl From<String> for Expression {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl Expression {
    fn compiled(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(&self.text).ok()).as_ref()
    }

    fn is_match(&self, name: &str) -> bool {
        self.compiled().is_some_and(|regex| regex.is_match(name).unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_rule_matches_as_its_name_says() {
        for (rule, fits, differs) in [
            (r#"{"equals": "GPT-4o"}"#, "gpt-4o", "gpt-4o-mini"),
            (r#"{"starts_with": "claude-"}"#, "claude-x", "a claude-x"),
            (r#"{"ends_with": ":free"}"#, "m:free", "m:free2"),
            (r#"{"contains": "Sonnet"}"#, "a-sonnet-b", "sonne"),
            (r#"{"regex": "^(?!.*-tts)gemini"}"#, "gemini-1", "gemini-tts"),
            (r#"{"or": [{"equals": "a"}, {"equals": "b"}]}"#, "b", "c"),
            (r#"{"and": [{"contains": "a"}, {"contains": "b"}]}"#, "ab", "a"),
        ] {
            let clause: Clause = serde_json::from_str(rule).unwrap();
            assert!(clause.is_match(fits) && !clause.is_match(differs), "{rule}");
            assert_eq!(clause.bad_expression(), None);
        }
        let clause: Clause = serde_json::from_str(r#"{"or": [{"equals": "a"}, {"regex": "("}]}"#).unwrap();
        assert_eq!(clause.bad_expression(), Some("("));
    }
}
