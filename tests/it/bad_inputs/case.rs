//! One refusal, and how it is checked on every transport.

use serde_json::Value;

use crate::support::bench::{Bench, assert_works};
use crate::support::mcp::Client;

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
        let problem = outcome.problem();
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
        assert!(outcome.text.len() < 2_000, "the error repeats what was sent: {context}");
        assert_eq!(outcome.structured, Value::Null, "clients check it against the output schema: {context}");
    }
}

/// Runs the cases on every transport: each is refused, nothing is stored, and the next call works.
pub(super) async fn check(row: &str, cases: &[Case]) {
    let bench = Bench::start();
    for client in bench.clients().await {
        assert_works(&client, row).await;
        let before = bench.file.rows();
        for case in cases {
            case.check(&client).await;
        }
        assert_eq!(bench.file.rows(), before, "{row}: {} stored what it refused", client.name);
        assert_works(&client, row).await;
    }
}

/// Whether `path` is the argument `field`, or a place in it.
fn is_or_is_in(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
