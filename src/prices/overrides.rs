//! Prices that come before the list's.

use serde::Deserialize;

use super::Amount;
use super::price::{Price, PriceSet};
use super::provider::canonical;

/// What a model costs by the operator's word (a table `[[prices.override]]`), in US dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The model's name, or how it begins, with `*` at the end. Case makes no difference.
    pub model: String,
    /// The provider; without it, the price holds whoever runs the model.
    pub provider: Option<String>,
    /// For input that no cache held.
    pub input_mtok: Amount,
    /// For output.
    pub output_mtok: Amount,
    /// For input read from a cache; as other input, if it is left out.
    pub cache_read_mtok: Option<Amount>,
    /// For input written to a cache; as other input, if it is left out.
    pub cache_write_mtok: Option<Amount>,
}

impl Override {
    /// Whether it is of that model, as that provider runs it.
    pub(super) fn fits(&self, model: &str, provider: Option<&str>) -> bool {
        let (own, model) = (self.model.to_lowercase(), model.to_lowercase());
        let named = match own.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => model == own,
        };
        let asked = self.provider.as_deref().map(canonical);
        named && asked.is_none_or(|own| provider.is_some_and(|provider| canonical(provider) == own))
    }

    pub(super) fn prices(&self) -> PriceSet {
        PriceSet {
            input_mtok: Some(Price::flat(self.input_mtok)),
            output_mtok: Some(Price::flat(self.output_mtok)),
            cache_read_mtok: self.cache_read_mtok.map(Price::flat),
            cache_write_mtok: self.cache_write_mtok.map(Price::flat),
            ..PriceSet::default()
        }
    }
}
