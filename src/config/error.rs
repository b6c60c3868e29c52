//! What is wrong with the settings.

use thiserror::Error;

/// A setting that can't be used: one line, and perhaps what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ConfigError {
    /// Lower case, no full stop, the offending value in backticks.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// `value` is nothing that `setting` can be.
    pub(crate) fn invalid(setting: &str, value: &str, expected: &str) -> Self {
        Self::new(format!("`{setting}` can't be `{value}`, it must be {expected}"))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
