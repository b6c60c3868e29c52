//! What is asked and answered.

#![expect(clippy::doc_markdown, reason = "these texts are what clients show, as they stand")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nothing can be asked but for all.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStatus {}

/// What runs here
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Status {
    /// Version of watchglass
    pub version: String,
    /// When this process started; RFC 3339, UTC
    pub started: String,
    /// For how long it has run
    pub uptime_seconds: i64,
    /// Project of which the caller is told
    pub project: String,
    /// Where records are kept
    pub store: StoreStatus,
    /// For how long they are kept
    pub kept: Kept,
    /// What is kept of prompts, answers and secrets: full, redacted or metadata_only
    pub content: String,
}

/// Where records are kept
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StoreStatus {
    /// Its address, without secrets
    pub address: String,
    /// What an answered write survives: power_loss, process_crash, none or unknown
    pub durability: String,
    /// The same in words
    pub durability_means: String,
}

/// For how long records are kept
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Kept {
    /// Logs
    pub logs_seconds: u64,
    /// Traces, and the numbers of each minute
    pub traces_seconds: u64,
    /// The numbers of each hour
    pub rollups_seconds: u64,
}
