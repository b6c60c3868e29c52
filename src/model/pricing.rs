//! What a call of a model costs.

use serde::{Deserialize, Serialize};

use super::{Timestamp, Usage};

/// Knows what models cost.
pub trait Pricing: std::fmt::Debug + Send + Sync {
    /// What a call at `at` costs in pico-dollars (10⁻¹² USD); `None` for a model without a known price.
    ///
    /// The `provider` is the name under which the caller knows it, if it says so.
    fn price(&self, model: &str, provider: Option<&str>, usage: &Usage, at: Timestamp) -> Option<i64>;
}

/// Knows no price.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unpriced;

impl Pricing for Unpriced {
    fn price(&self, _: &str, _: Option<&str>, _: &Usage, _: Timestamp) -> Option<i64> {
        None
    }
}

/// Where a cost comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostSource {
    /// The client said so.
    Reported,
    /// From tokens and the price list.
    Computed,
    /// There are tokens and no price.
    Unpriced,
}

impl CostSource {
    /// The word that is answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Computed => "computed",
            Self::Unpriced => "unpriced",
        }
    }
}
