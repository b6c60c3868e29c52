//! What is asked and answered.

#![expect(clippy::doc_markdown, reason = "these texts are what clients show, as they stand")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nothing can be asked but for all.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStatus {}

/// What runs here, and on which store.
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
    /// Whether the caller had to show a key
    pub key_required: bool,
    /// Where records are kept
    pub store: StoreStatus,
    /// How much the project holds
    pub holds: Sizes,
    /// For how long it is kept
    pub kept: Kept,
    /// What is kept of prompts, answers and secrets: full, redacted or metadata_only
    pub content: String,
    /// Price list by which model calls are priced
    pub prices: String,
    /// Lists of dead letters that are watched, where the store can hold lists
    pub dead_letters: Vec<String>,
}

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StoreStatus {
    /// Its address, without secrets
    pub address: String,
    /// memory, sqlite, redis or redis_cluster
    pub backend: String,
    /// What an answered write survives: power_loss, process_crash, none or unknown
    pub durability: String,
    /// The same in words
    pub durability_means: String,
}

/// How much a project holds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sizes {
    /// Logs
    pub logs: Counted,
    /// Spans
    pub spans: Counted,
    /// Traces
    pub traces: Counted,
    /// Series of recorded metrics
    pub series: Counted,
    /// Bytes that the store takes for all projects; null where it does not tell
    pub bytes: Option<u64>,
    /// When the newest log was taken; RFC 3339, UTC
    pub last_log: Option<String>,
    /// When the newest span started; RFC 3339, UTC
    pub last_span: Option<String>,
}

/// A number that may be too large to count.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Counted {
    /// How many
    pub count: u64,
    /// false: at least so many
    pub exact: bool,
}

/// For how long records are kept.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Kept {
    /// Logs
    pub logs_seconds: u64,
    /// Traces, and the numbers of each minute
    pub traces_seconds: u64,
    /// Series to which nothing is added
    pub series_seconds: u64,
    /// The numbers of each hour
    pub rollups_seconds: u64,
    /// Bytes beyond which the oldest goes, where the store is embedded
    pub max_bytes: Option<u64>,
    /// After which silence in its trace an open span reads as abandoned
    pub stale_after_seconds: u64,
}
