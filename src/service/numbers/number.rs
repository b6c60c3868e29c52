//! The numbers that can be asked for by name.

use super::figures::{cost_usd, dollars};
use crate::model::{Measure, Problem, Tally, text::quoted};

/// One of the numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    /// Under which it is asked for.
    pub(super) name: &'static str,
    /// What it counts in.
    pub(super) unit: &'static str,
    /// Whether it is known of single steps, and not of agents as a whole alone.
    pub(super) of_steps: bool,
    /// What it is of a tally; `None` of nothing.
    pub(super) of: fn(&Tally) -> Option<f64>,
}

/// Each of them: what can be counted is 0 of nothing, what is a ratio is not there.
pub(super) const NUMBERS: &[Number] = &[
    number("requests", "requests", false, |tally| count(tally, Measure::Started)),
    number("ended", "requests or steps", true, |tally| Some(float(tally.ended()))),
    number("successes", "requests or steps", true, |tally| count(tally, Measure::Ok)),
    number("errors", "requests or steps", true, |tally| count(tally, Measure::Error)),
    number("cancelled", "requests or steps", true, |tally| count(tally, Measure::Cancelled)),
    number("error_rate", "per cent", true, Tally::error_rate),
    number("avg_latency_ms", "milliseconds", true, Tally::mean_millis),
    number("p50_latency_ms", "milliseconds", true, |tally| tally.quantile_millis(0.5)),
    number("p95_latency_ms", "milliseconds", true, |tally| tally.quantile_millis(0.95)),
    number("p99_latency_ms", "milliseconds", true, |tally| tally.quantile_millis(0.99)),
    number("tokens", "tokens", true, |tally| Some(float(tally.tokens()))),
    number("input_tokens", "tokens", true, |tally| count(tally, Measure::InputTokens)),
    number("cache_read_tokens", "tokens", true, |tally| count(tally, Measure::CacheReadTokens)),
    number("cache_write_tokens", "tokens", true, |tally| count(tally, Measure::CacheWriteTokens)),
    number("output_tokens", "tokens", true, |tally| count(tally, Measure::OutputTokens)),
    number("other_tokens", "tokens", true, |tally| count(tally, Measure::OtherTokens)),
    number("cost_usd", "dollars", true, cost_usd),
    number("reported_cost_usd", "dollars", true, |tally| Some(dollars(tally[Measure::ReportedCost]))),
    number("computed_cost_usd", "dollars", true, |tally| Some(dollars(tally[Measure::ComputedCost]))),
    number("unpriced_calls", "calls", true, |tally| count(tally, Measure::UnpricedCalls)),
    number("llm_calls", "calls", true, |tally| count(tally, Measure::LlmCalls)),
    number("tool_calls", "calls", false, |tally| count(tally, Measure::ToolCalls)),
    number("tool_errors", "calls", false, |tally| count(tally, Measure::ToolErrors)),
    number("tool_error_rate", "per cent", false, tool_error_rate),
];

const fn number(
    name: &'static str,
    unit: &'static str,
    of_steps: bool,
    of: fn(&Tally) -> Option<f64>,
) -> Number {
    Number { name, unit, of_steps, of }
}

impl Number {
    /// The number of that name, in the argument `metric`.
    pub(super) fn parse(name: &str) -> Result<Self, Problem> {
        NUMBERS.iter().find(|number| number.name == name).copied().ok_or_else(|| {
            let names: Vec<&str> = NUMBERS.iter().map(|number| number.name).collect();
            Problem::invalid("metric", format!("`metric` can't be {}", quoted(name)))
                .hint(format!("one or more of {}", names.join(", ")))
        })
    }
}

/// A share of calls in per cent; `None` of no calls.
fn tool_error_rate(tally: &Tally) -> Option<f64> {
    let calls = tally[Measure::ToolCalls];
    (calls > 0).then(|| float(tally[Measure::ToolErrors]) * 100.0 / float(calls))
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the table")]
fn count(tally: &Tally, measure: Measure) -> Option<f64> {
    Some(float(tally[measure]))
}

/// A count as answers have it.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn float(count: i64) -> f64 {
    count as f64
}
