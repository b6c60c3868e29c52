//! The price list: providers with their models, and which of them a name means.

use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::{LazyLock, OnceLock};

use chrono::NaiveDate;
use fancy_regex::{Captures, Regex};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::clause::Clause;
use super::history::History;

/// Written by `scripts/update-prices`.
const EMBEDDED: &[u8] = include_bytes!("prices.json.gz");
/// The provider of whose models the names begin with another provider's.
pub(super) const GATEWAY: &str = "litellm";
/// The provider of the models whose ids are like `us.anthropic.claude-sonnet-4-20250514-v1:0`.
pub(super) const BEDROCK: &str = "aws";

/// All providers, in the order in which they are asked.
#[derive(Debug, Default)]
pub(super) struct List(Vec<Provider<Models>>);

/// The embedded list as it is written.
pub(super) fn embedded_text() -> io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(EMBEDDED).read_to_string(&mut text)?;
    Ok(text)
}

/// Who runs models.
#[derive(Debug, Deserialize)]
struct Provider<M> {
    id: String,
    /// What its models are called, where that tells it.
    model_match: Option<Clause>,
    /// What it is called besides its id.
    #[serde(rename = "provider_match")]
    name_match: Option<Clause>,
    /// Whose models it runs, too.
    #[serde(default)]
    fallback_model_providers: Vec<String>,
    models: M,
}

/// A provider's models, which stay text until one of them is asked for.
#[derive(Debug, Deserialize)]
#[serde(from = "Box<RawValue>")]
struct Models {
    text: Box<RawValue>,
    read: OnceLock<Vec<Model>>,
}

/// One model of a provider.
#[derive(Debug, Deserialize)]
pub(super) struct Model {
    id: String,
    #[serde(rename = "match")]
    rule: Clause,
    pub(super) prices: History,
}

impl List {
    /// The embedded list. That it can be read, all of it, is tested.
    pub(super) fn embedded() -> Self {
        let text = embedded_text().unwrap_or_default();
        Self(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Reads a list, all of it, to say now what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let json = &mut serde_json::Deserializer::from_str(text);
        let providers: Vec<Provider<Vec<Model>>> =
            serde_path_to_error::deserialize(json).map_err(|error| {
                match error.path().to_string().as_str() {
                    "." => error.inner().to_string(),
                    path => format!("`{path}`: {}", error.inner()),
                }
            })?;
        if providers.iter().all(|provider| provider.models.is_empty()) {
            return Err("there is no model in it".into());
        }
        for provider in &providers {
            let rules = [&provider.model_match, &provider.name_match];
            let of_models = provider.models.iter().map(|model| &model.rule);
            if let Some(bad) = rules.into_iter().flatten().chain(of_models).find_map(Clause::bad_expression) {
                return Err(format!("provider `{}`: `{bad}` is no regular expression", provider.id));
            }
            if let Some(model) = provider.models.iter().find(|model| model.prices.is_empty()) {
                return Err(format!("provider `{}`: model `{}` has no prices", provider.id, model.id));
            }
        }
        serde_json::from_str(text).map(Self).map_err(|error| error.to_string())
    }

    /// The model of that name: of the provider, if one is named, or else of the one whose models are called so.
    /// What follows is what the package does, step by step.
    pub(super) fn find(&self, model: &str, provider: Option<&str>) -> Option<&Model> {
        let name = model.to_lowercase();
        let Some(id) = provider else { return self.by_name(&name)?.find(&name, &self.0) };
        let gateway = id.eq_ignore_ascii_case(GATEWAY);
        if gateway
            && let Some((before, rest)) = name.split_once('/')
            && let Some(provider) = self.provider(before)
        {
            return provider.find(rest, &self.0);
        }
        let provider = self.provider(id).or_else(|| gateway.then(|| self.by_name(&name)).flatten());
        provider?.find(&name, &self.0)
    }

    /// The id of the provider that goes by that name.
    pub(super) fn id_of(&self, name: &str) -> Option<&str> {
        self.provider(name).map(|provider| provider.id.as_str())
    }

    fn provider(&self, id: &str) -> Option<&Provider<Models>> {
        let id = id.to_lowercase();
        let id = id.trim();
        let matches =
            |provider: &&Provider<Models>| provider.name_match.as_ref().is_some_and(|rule| rule.is_match(id));
        (!id.is_empty())
            .then(|| self.0.iter().find(|provider| provider.id == id).or(self.0.iter().find(matches)))?
    }

    fn by_name(&self, model: &str) -> Option<&Provider<Models>> {
        let matches = |provider: &&Provider<Models>| {
            provider.model_match.as_ref().is_some_and(|rule| rule.is_match(model))
        };
        self.0.iter().find(matches).filter(|_| !model.is_empty())
    }
}

impl Provider<Models> {
    /// The model of that name, given in lower case; if there is none, with its date written as the list has dates.
    fn find<'a>(&'a self, name: &str, all: &'a [Self]) -> Option<&'a Model> {
        self.find_as_is(name, all).or_else(|| {
            let dated = with_dashed_date(name);
            (dated != name).then(|| self.find_as_is(&dated, all))?
        })
    }

    fn find_as_is<'a>(&'a self, name: &str, all: &'a [Self]) -> Option<&'a Model> {
        let fallbacks = self.fallback_model_providers.iter();
        let fallbacks = fallbacks.filter_map(|id| all.iter().find(|provider| provider.id == *id));
        std::iter::once(self).chain(fallbacks).find_map(|provider| provider.models.find(name))
    }
}

impl Models {
    fn find(&self, name: &str) -> Option<&Model> {
        let models = self.read.get_or_init(|| serde_json::from_str(self.text.get()).unwrap_or_default());
        models.iter().find(|model| model.rule.is_match(name))
    }
}

impl From<Box<RawValue>> for Models {
    fn from(text: Box<RawValue>) -> Self {
        Self { text, read: OnceLock::new() }
    }
}

static COMPACT_DATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"-(20[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?=-|:|$)").ok());

/// `gpt-5.2-20251211`, as gateways write it, with the date as `-2025-12-11`.
fn with_dashed_date(name: &str) -> Cow<'_, str> {
    let Some(compact) = COMPACT_DATE.as_ref() else { return name.into() };
    compact.replace_all(name, |found: &Captures<'_, str>| {
        let date = format!("{}-{}-{}", &found[1], &found[2], &found[3]);
        if date.parse::<NaiveDate>().is_ok() { format!("-{date}") } else { found[0].to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_dates_are_written_out_where_they_are_dates() {
        for (name, dashed) in [
            ("gpt-5.2-20251211", "gpt-5.2-2025-12-11"),
            ("m-20240229:free", "m-2024-02-29:free"),
            ("m-20230229", "m-20230229"),
            ("m-20251301-x", "m-20251301-x"),
            ("m-202512110", "m-202512110"),
        ] {
            assert_eq!(with_dashed_date(name), dashed);
        }
    }
}
