//! What is counted.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Index, IndexMut, SubAssign};

use super::Latency;

/// One thing that is counted. The names are those of columns and fields in stores, and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Requests (or steps) that started.
    Started,
    /// That ended well.
    Ok,
    /// That ended in failure.
    Error,
    /// That were given up.
    Cancelled,
    /// How long those that ended took together, in microseconds.
    DurationMicros,
    /// Tokens read that no cache held.
    InputTokens,
    /// Tokens read from a cache.
    CacheReadTokens,
    /// Tokens written to a cache.
    CacheWriteTokens,
    /// Tokens written by models.
    OutputTokens,
    /// Tokens of a type that only the caller knows.
    OtherTokens,
    /// What clients reported that calls cost, in pico-dollars.
    ReportedCost,
    /// What other calls cost by the price list, in pico-dollars.
    ComputedCost,
    /// Calls of models with tokens and without a price.
    UnpricedCalls,
    /// Calls of models that ended.
    LlmCalls,
    /// Calls of tools that ended.
    ToolCalls,
    /// Calls of tools that ended in failure.
    ToolErrors,
}

impl Measure {
    /// How many there are.
    pub const COUNT: usize = 16;

    /// Every measure, in the order of its number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Started,
        Self::Ok,
        Self::Error,
        Self::Cancelled,
        Self::DurationMicros,
        Self::InputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::OutputTokens,
        Self::OtherTokens,
        Self::ReportedCost,
        Self::ComputedCost,
        Self::UnpricedCalls,
        Self::LlmCalls,
        Self::ToolCalls,
        Self::ToolErrors,
    ];

    /// The measures that are tokens: disjoint, so that their sum is a total.
    pub const TOKENS: [Self; 5] = [
        Self::InputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::OutputTokens,
        Self::OtherTokens,
    ];

    /// The name under which stores keep it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::DurationMicros => "duration_us",
            Self::InputTokens => "input_tokens",
            Self::CacheReadTokens => "cache_read_tokens",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::OutputTokens => "output_tokens",
            Self::OtherTokens => "other_tokens",
            Self::ReportedCost => "reported_cost",
            Self::ComputedCost => "computed_cost",
            Self::UnpricedCalls => "unpriced_calls",
            Self::LlmCalls => "llm_calls",
            Self::ToolCalls => "tool_calls",
            Self::ToolErrors => "tool_errors",
        }
    }

    /// The measure of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.as_str() == name)
    }
}

/// Counts of every measure, and durations by size. Tallies add up and are taken away from each other, so a count
/// may be negative in between.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [i64; Measure::COUNT],
    /// How many of those that ended took how long.
    pub latency: BTreeMap<Latency, i64>,
}

impl Tally {
    /// Whether it would change nothing.
    pub fn is_zero(&self) -> bool {
        self.counts.iter().all(|count| *count == 0) && self.latency.values().all(|count| *count == 0)
    }

    /// Every count that is not 0.
    pub fn counts(&self) -> impl Iterator<Item = (Measure, i64)> + '_ {
        Measure::ALL.into_iter().map(|measure| (measure, self[measure])).filter(|(_, count)| *count != 0)
    }

    /// Those that ended, in whichever way.
    pub fn ended(&self) -> i64 {
        self[Measure::Ok] + self[Measure::Error] + self[Measure::Cancelled]
    }

    /// Tokens of all types.
    pub fn tokens(&self) -> i64 {
        Measure::TOKENS.into_iter().fold(0, |sum, measure| sum.saturating_add(self[measure]))
    }

    /// What it cost as far as that is known, in pico-dollars.
    pub fn cost(&self) -> i64 {
        self[Measure::ReportedCost].saturating_add(self[Measure::ComputedCost])
    }

    /// The mean duration in milliseconds; `None` if none ended.
    #[expect(clippy::cast_precision_loss, reason = "exact to 285 years")]
    pub fn mean_millis(&self) -> Option<f64> {
        let ended = self.ended();
        (ended > 0).then(|| self[Measure::DurationMicros] as f64 / 1_000.0 / ended as f64)
    }

    /// The per cent of those that ended which ended in failure; `None` if none ended.
    #[expect(clippy::cast_precision_loss, reason = "a count of records is far below 2^52")]
    pub fn error_rate(&self) -> Option<f64> {
        let ended = self.ended();
        (ended > 0).then(|| self[Measure::Error] as f64 * 100.0 / ended as f64)
    }

    /// The duration in milliseconds below which the share `quantile` lies; `None` if none ended.
    pub fn quantile_millis(&self, quantile: f64) -> Option<f64> {
        Latency::quantile(self.latency.iter().map(|(bucket, count)| (*bucket, *count)), quantile)
    }
}

impl Index<Measure> for Tally {
    type Output = i64;

    fn index(&self, measure: Measure) -> &i64 {
        &self.counts[measure as usize]
    }
}

impl IndexMut<Measure> for Tally {
    fn index_mut(&mut self, measure: Measure) -> &mut i64 {
        &mut self.counts[measure as usize]
    }
}

impl AddAssign<&Self> for Tally {
    fn add_assign(&mut self, other: &Self) {
        for measure in Measure::ALL {
            self[measure] = self[measure].saturating_add(other[measure]);
        }
        for (bucket, count) in &other.latency {
            *self.latency.entry(*bucket).or_default() += count;
        }
        self.latency.retain(|_, count| *count != 0);
    }
}

impl SubAssign<&Self> for Tally {
    fn sub_assign(&mut self, other: &Self) {
        for measure in Measure::ALL {
            self[measure] = self[measure].saturating_sub(other[measure]);
        }
        for (bucket, count) in &other.latency {
            *self.latency.entry(*bucket).or_default() -= count;
        }
        self.latency.retain(|_, count| *count != 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_has_a_number_and_a_name_of_its_own() {
        for (number, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, number);
            assert_eq!(Measure::from_name(measure.as_str()), Some(measure));
        }
    }

    #[test]
    fn sums_stop_at_what_64_bits_hold() {
        let mut tally = Tally::default();
        (tally[Measure::OtherTokens], tally[Measure::InputTokens]) = (i64::MAX, 1);
        let once = tally.clone();
        tally += &once;
        assert_eq!(tally.tokens(), i64::MAX);
    }

    #[test]
    fn what_is_added_can_be_taken_away() {
        let mut tally = Tally::default();
        let mut other = Tally::default();
        (other[Measure::Ok], other[Measure::DurationMicros]) = (2, 5_000);
        other.latency.insert(Latency::of_micros(2_500), 2);
        tally += &other;
        assert_eq!((tally.ended(), tally.mean_millis(), tally.error_rate()), (2, Some(2.5), Some(0.0)));
        tally -= &other;
        assert!(tally.is_zero());
        assert_eq!((tally, Tally::default().mean_millis()), (Tally::default(), None));
    }
}
