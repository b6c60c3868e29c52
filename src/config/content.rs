//! What is kept of what agents say.

use std::str::FromStr;

use super::ConfigError;
use crate::model::ContentPolicy;

impl FromStr for ContentPolicy {
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
