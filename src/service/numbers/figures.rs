//! What a tally is answered as.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Measure, Tally};

/// Tokens by type. The types are disjoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tokens {
    /// Of all types
    pub total: i64,
    /// Read, and held by no cache
    pub input: i64,
    /// Read from a cache
    pub cache_read: i64,
    /// Written to a cache
    pub cache_write: i64,
    /// Written by models
    pub output: i64,
    /// Of a type that only the caller knows
    pub other: i64,
}

/// What calls of models used and cost.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Spent {
    /// Calls of models that ended
    pub llm_calls: i64,
    /// Tokens by type
    pub tokens: Tokens,
    /// Dollars, as far as they are known; null if there are only calls without a known price
    pub cost_usd: Option<f64>,
    /// The part that clients reported
    pub reported_cost_usd: f64,
    /// The part that was computed from tokens and the price list
    pub computed_cost_usd: f64,
    /// Calls with tokens and without a known price, which are in no cost
    pub unpriced_calls: i64,
}

/// Everything that is counted of a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Figures {
    /// Requests that started
    pub requests: i64,
    /// Requests that ended
    pub ended: i64,
    /// That ended well
    pub successes: i64,
    /// That ended in error
    pub errors: i64,
    /// That were cancelled
    pub cancelled: i64,
    /// Per cent of the requests that ended in error; null if none ended
    pub error_rate: Option<f64>,
    /// Mean duration of the requests that ended; null if none did, as the percentiles
    pub avg_latency_ms: Option<f64>,
    /// Half of them took at most so long, to 1 %
    pub p50_latency_ms: Option<f64>,
    /// 95 of 100 took at most so long, to 1 %
    pub p95_latency_ms: Option<f64>,
    /// 99 of 100 took at most so long, to 1 %
    pub p99_latency_ms: Option<f64>,
    /// What calls of models used and cost
    #[serde(flatten)]
    pub spent: Spent,
    /// Calls of tools that ended
    pub tool_calls: i64,
    /// Calls of tools that ended in error
    pub tool_errors: i64,
}

/// Dollars from pico-dollars.
#[expect(clippy::cast_precision_loss, reason = "exact to a millionth of a cent below nine million dollars")]
pub(in crate::service) fn dollars(pico: i64) -> f64 {
    pico as f64 / 1e12
}

/// What is known of the cost; `None` if there are only calls without a price.
pub(super) fn cost_usd(tally: &Tally) -> Option<f64> {
    let cost = tally.cost();
    (cost != 0 || tally[Measure::UnpricedCalls] == 0).then(|| dollars(cost))
}

impl From<&Tally> for Tokens {
    fn from(tally: &Tally) -> Self {
        Self {
            total: tally.tokens(),
            input: tally[Measure::InputTokens],
            cache_read: tally[Measure::CacheReadTokens],
            cache_write: tally[Measure::CacheWriteTokens],
            output: tally[Measure::OutputTokens],
            other: tally[Measure::OtherTokens],
        }
    }
}

impl From<&Tally> for Spent {
    fn from(tally: &Tally) -> Self {
        Self {
            llm_calls: tally[Measure::LlmCalls],
            tokens: tally.into(),
            cost_usd: cost_usd(tally),
            reported_cost_usd: dollars(tally[Measure::ReportedCost]),
            computed_cost_usd: dollars(tally[Measure::ComputedCost]),
            unpriced_calls: tally[Measure::UnpricedCalls],
        }
    }
}

impl From<&Tally> for Figures {
    fn from(tally: &Tally) -> Self {
        Self {
            requests: tally[Measure::Started],
            ended: tally.ended(),
            successes: tally[Measure::Ok],
            errors: tally[Measure::Error],
            cancelled: tally[Measure::Cancelled],
            error_rate: tally.error_rate(),
            avg_latency_ms: tally.mean_millis(),
            p50_latency_ms: tally.quantile_millis(0.5),
            p95_latency_ms: tally.quantile_millis(0.95),
            p99_latency_ms: tally.quantile_millis(0.99),
            spent: tally.into(),
            tool_calls: tally[Measure::ToolCalls],
            tool_errors: tally[Measure::ToolErrors],
        }
    }
}
