//! What can be asked of the numbers.

#![expect(clippy::doc_markdown, reason = "these texts are what clients show, as they stand")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A stretch of time: `window` before `until`, or from `since` to `until`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Period {
    /// How long it is, such as 5m, 24h or 7d
    pub window: Option<String>,
    /// Where it begins: a time such as 2026-11-22T09:30:00Z, or how long ago, such as 1h
    pub since: Option<String>,
    /// Where it ends, in the same forms; by default now
    pub until: Option<String>,
}

/// The five published numbers, and what stands behind them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// By default the last 5m
    #[serde(flatten)]
    pub period: Period,
    /// Of this agent alone
    pub agent: Option<String>,
    /// previous adds the numbers of the stretch before, as long as this one
    pub compare: Option<String>,
}

/// Numbers over time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Timeseries {
    /// By default the last 24h
    #[serde(flatten)]
    pub period: Period,
    /// Numbers to show, separated by commas, at most 8; by default requests, of steps ended, of types of tokens tokens. There are requests, ended, successes, errors, cancelled, error_rate, avg_latency_ms, p50_latency_ms, p95_latency_ms, p99_latency_ms, tokens, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, other_tokens, cost_usd, reported_cost_usd, computed_cost_usd, unpriced_calls, llm_calls, tool_calls, tool_errors, tool_error_rate
    pub metric: Option<String>,
    /// A line for each agent, model, span (by name), tool or token_type; none for one line
    #[serde(default = "none")]
    #[schemars(default = "none")]
    pub by: Option<String>,
    /// Of this agent alone
    pub agent: Option<String>,
    /// Width of a point, whole minutes such as 5m or 1h; by default what makes at most 200 points
    pub step: Option<String>,
    /// Most lines of one number, at most 50; the rest is added up in one more
    #[schemars(with = "i64", default = "ten")]
    pub limit: Option<Value>,
}

/// Agents and their numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Agents {
    /// By default the last 24h
    #[serde(flatten)]
    pub period: Period,
    /// Largest first: requests, errors, error_rate, avg_latency_ms, p95_latency_ms, tokens, cost_usd, active_traces, last_seen; or name
    #[serde(default = "requests")]
    #[schemars(default = "requests")]
    pub sort: Option<String>,
    /// Most to return, at most 200
    #[schemars(with = "i64", default = "fifty")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

/// Tools and how they do.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tools {
    /// By default the last 24h
    #[serde(flatten)]
    pub period: Period,
    /// As called by this agent alone
    pub agent: Option<String>,
    /// Largest first: calls, errors, error_rate, avg_latency_ms, p95_latency_ms; or name
    #[serde(default = "calls")]
    #[schemars(default = "calls")]
    pub sort: Option<String>,
    /// Most to return, at most 200
    #[schemars(with = "i64", default = "fifty")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

/// Models and what they cost.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Models {
    /// By default the last 24h
    #[serde(flatten)]
    pub period: Period,
    /// As called by this agent alone
    pub agent: Option<String>,
    /// Largest first: calls, errors, error_rate, avg_latency_ms, p95_latency_ms, tokens, cost_usd, unpriced_calls; or name
    #[serde(default = "calls")]
    #[schemars(default = "calls")]
    pub sort: Option<String>,
    /// Most to return, at most 200
    #[schemars(with = "i64", default = "fifty")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

/// Failures, those that are alike as one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Errors {
    /// By default the last 24h
    #[serde(flatten)]
    pub period: Period,
    /// Of this agent alone
    pub agent: Option<String>,
    /// Largest or newest first: count, last_seen, first_seen
    #[serde(default = "count")]
    #[schemars(default = "count")]
    pub sort: Option<String>,
    /// timeline adds the counts over time
    pub include: Option<String>,
    /// Most to return, at most 200
    #[schemars(with = "i64", default = "fifty")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

/// Recorded metrics and what they stand at.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct ListSeries {
    /// Only metrics whose Prometheus name begins so
    pub name: Option<String>,
    /// Only series with these labels, as a json object such as {"agent_name":"billing"}
    #[serde(default)]
    #[schemars(with = "String")]
    pub labels: Option<Value>,
    /// Most to return, at most 1000
    #[schemars(with = "i64", default = "hundred")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

/// One recorded metric over time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SeriesValues {
    /// By default the last 24h
    #[serde(flatten)]
    pub period: Period,
    /// Prometheus name of the metric, such as agent_tool_calls_total
    pub name: String,
    /// Only series with these labels, as a json object such as {"agent_name":"billing"}
    #[serde(default)]
    #[schemars(with = "String")]
    pub labels: Option<Value>,
    /// Width of a point, whole minutes such as 5m or 1h; by default what makes at most 200 points
    pub step: Option<String>,
    /// Most series to return, at most 100
    #[schemars(with = "i64", default = "twenty")]
    pub limit: Option<Value>,
    /// The `next` of the page before
    #[serde(skip_serializing)]
    pub cursor: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn requests() -> Option<String> {
    Some("requests".into())
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn calls() -> Option<String> {
    Some("calls".into())
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn count() -> Option<String> {
    Some("count".into())
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn none() -> Option<String> {
    Some("none".into())
}

const fn ten() -> i64 {
    10
}

const fn twenty() -> i64 {
    20
}

const fn fifty() -> i64 {
    50
}

const fn hundred() -> i64 {
    100
}
