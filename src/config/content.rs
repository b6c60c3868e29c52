//! What is kept of what agents say.

use std::str::FromStr;

use serde::Deserialize;

use super::ConfigError;

/// What is kept of prompts, completions, arguments and results, and of secrets in all that is written
/// (`content`, `WATCHGLASS_CONTENT`, `redacted`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// All, secrets too.
    Full,
    /// All but secrets.
    #[default]
    Redacted,
    /// No content, and no secrets in what is left.
    MetadataOnly,
}

impl FromStr for Content {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "full" => Ok(Self::Full),
            "redacted" => Ok(Self::Redacted),
            "metadata_only" => Ok(Self::MetadataOnly),
            _ => Err(ConfigError::invalid("content", text, "`full`, `redacted` or `metadata_only`")),
        }
    }
}
