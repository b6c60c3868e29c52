//! What models cost.

use std::path::PathBuf;

use super::ConfigError;
use super::layer::Prices;
use crate::prices::Override;

/// What there is besides the embedded price list (the table `[prices]`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PricesConfig {
    /// The list that replaces it (`prices.file`, `WATCHGLASS_PRICES_FILE`, none).
    pub file: Option<PathBuf>,
    /// Prices that go before the list's (the tables `[[prices.override]]`).
    pub overrides: Vec<Override>,
}

impl PricesConfig {
    pub(super) fn resolve(layer: &Prices) -> Result<Self, ConfigError> {
        let is_name = |name: &str| {
            let beginning = name.strip_suffix('*').unwrap_or(name);
            !name.trim().is_empty() && !beginning.contains('*')
        };
        if let Some(wrong) = layer.overrides.iter().find(|price| !is_name(&price.model)) {
            let expected = "a name, or how one begins with `*` at the end";
            return Err(ConfigError::invalid("prices.override.model", &wrong.model, expected));
        }
        Ok(Self { file: layer.file.clone(), overrides: layer.overrides.clone() })
    }
}
