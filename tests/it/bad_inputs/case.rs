//! One refusal, and how it is checked whichever way it is sent.

use serde_json::Value;

use super::positional;
use crate::support::bench::{Bench, assert_works};
use crate::support::command::{self, LONGEST_ARGUMENT};
use crate::support::mcp::{Client, Wire};

/// A call that must be refused.
pub(super) struct Case {
    tool: &'static str,
    arguments: String,
    code: &'static str,
    field: String,
    limit: Option<u64>,
    says: Vec<String>,
}

/// A call of `tool` with these arguments, to be refused with `code` for the argument `field`.
pub(super) fn refuse(tool: &'static str, arguments: &Value, code: &'static str, field: &str) -> Case {
    refuse_text(tool, arguments.to_string(), code, field)
}

/// [`refuse`] with arguments that no [`Value`] can hold.
pub(super) fn refuse_text(tool: &'static str, arguments: String, code: &'static str, field: &str) -> Case {
    Case { tool, arguments, code, field: field.to_owned(), limit: None, says: Vec::new() }
}

impl Case {
    /// The limit must be named.
    pub(super) fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The message or the hint must contain `text`.
    pub(super) fn says(mut self, text: impl Into<String>) -> Self {
        self.says.push(text.into());
        self
    }

    async fn check(&self, client: &Client) {
        let outcome = client.call_text(self.tool, &self.arguments).await;
        let shown: String = self.arguments.chars().take(200).collect();
        let context = format!("{} {} {shown}\n{}", client.name, self.tool, outcome.raw);
        assert!(outcome.is_error, "not refused: {context}");
        self.check_problem(&outcome.problem(), &context);
        assert!(outcome.text.len() < 2_000, "the error repeats what was sent: {context}");
        assert_eq!(outcome.structured, Value::Null, "clients check it against the output schema: {context}");
    }

    fn check_problem(&self, problem: &Value, context: &str) {
        assert_eq!(problem["code"], self.code, "{context}");
        let field = problem["field"].as_str().unwrap_or_default();
        assert!(is_or_is_in(field, &self.field), "`{field}` is not `{}`: {context}", self.field);
        if let Some(limit) = self.limit {
            assert_eq!(problem["limit"], limit, "{context}");
            let message = problem["message"].as_str().unwrap_or_default();
            assert!(message.contains(&limit.to_string()), "the message leaves the limit out: {context}");
        }
        for text in &self.says {
            let words = format!("{} {}", problem["message"], problem["hint"]);
            assert!(words.contains(text.as_str()), "nothing of `{text}`: {context}");
        }
    }

    /// No process can be started with an argument that long.
    fn can_be_sent_by(&self, client: &Client) -> bool {
        !matches!(client.wire, Wire::Command(_)) || self.arguments.len() < LONGEST_ARGUMENT
    }

    /// Runs the drop-in with the same arguments in their places, where they can be said so.
    fn check_drop_in(&self, store: &str) {
        let Some(words) = positional::words(self.tool, &self.arguments) else { return };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let finished = command::run(store, &words);
        let shown: String = words.join(" ").chars().take(200).collect();
        self.check_problem(&finished.problem(), &format!("{shown}\n{finished:?}"));
    }
}

/// Runs the cases on every transport, by `watchglass call` and by the drop-ins: each is refused, nothing is stored, and the next call works.
pub(super) async fn check(row: &str, cases: &[Case]) {
    let bench = Bench::start();
    for client in bench.callers().await {
        assert_works(&client, row).await;
        let before = bench.file.rows();
        for case in cases.iter().filter(|case| case.can_be_sent_by(&client)) {
            case.check(&client).await;
        }
        assert_eq!(bench.file.rows(), before, "{row}: {} stored what it refused", client.name);
        assert_works(&client, row).await;
    }
    let before = bench.file.rows();
    for case in cases {
        case.check_drop_in(&bench.file.store());
    }
    assert_eq!(bench.file.rows(), before, "{row}: a drop-in stored what it refused");
}

/// Whether `path` is the argument `field`, or a place in it.
fn is_or_is_in(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
