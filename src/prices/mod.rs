//! What models cost: the price list of [genai-prices] with its history, tiers and rules for names, embedded, and the
//! prices that the settings put before it.
//!
//! The list is read when the first call is priced, and of it only the providers that are asked for: a command that
//! ends a span without tokens pays nothing for it. A golden test holds every answer against the package's own.
//!
//! [genai-prices]: https://github.com/pydantic/genai-prices

mod amount;
mod clause;
mod history;
mod list;
mod overrides;
mod price;
mod provider;

use std::sync::OnceLock;

pub use amount::Amount;
pub use overrides::Override;

use serde_json::Value;

use list::List;

use crate::model::{Pricing, Timestamp, Usage};

/// What is known of prices.
#[derive(Debug, Default)]
pub struct Prices {
    list: OnceLock<List>,
    overrides: Vec<Override>,
}

/// What the embedded list is: its source, its version and its day.
pub fn about() -> String {
    let about: Value = serde_json::from_str(include_str!("prices.meta.json")).unwrap_or_default();
    let part = |name: &str| about[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} of {}", part("source"), part("version"), part("date"))
}

impl Prices {
    /// The embedded list.
    pub fn embedded() -> Self {
        Self::default()
    }

    /// A list in the form of the embedded one, which is that of the package's published data.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { list: List::parse(text)?.into(), ..Self::default() })
    }

    /// The same, and before it `overrides`, of which the first that fits counts.
    #[must_use]
    pub fn with_overrides(self, overrides: Vec<Override>) -> Self {
        Self { overrides, ..self }
    }

    fn list(&self) -> &List {
        self.list.get_or_init(List::embedded)
    }

    /// The price by the list. A provider that it does not know says nothing: the model's name alone may tell, or
    /// begin with a provider's, as gateways have it, or be an id of Bedrock, as nobody else writes them.
    fn listed(&self, model: &str, hint: Option<&str>, usage: &Usage, at: Timestamp) -> Option<i64> {
        let list = self.list();
        let known = hint.and_then(|hint| provider::ids(hint).find_map(|name| list.id_of(&name)));
        let model = match known {
            Some(id) => list.find(model, Some(id)),
            None => {
                [None, Some(list::GATEWAY), Some(list::BEDROCK)].iter().find_map(|id| list.find(model, *id))
            }
        };
        model?.prices.at(at)?.cost(usage)
    }
}

impl Pricing for Prices {
    fn price(&self, model: &str, provider: Option<&str>, usage: &Usage, at: Timestamp) -> Option<i64> {
        match self.overrides.iter().find(|price| price.fits(model, provider)) {
            Some(price) => price.prices().cost(usage),
            None => self.listed(model, provider, usage, at),
        }
    }
}

#[cfg(test)]
mod tests;
