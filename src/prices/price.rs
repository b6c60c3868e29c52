//! What is paid for what.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::amount::{Amount, whole};
use crate::model::Usage;

/// What is paid for what, in US dollars per million tokens. What our usage never tells is left out: the list prices
/// seconds, pages and searches, too.
#[derive(Debug, Default, Clone, Deserialize)]
pub(super) struct PriceSet {
    pub(super) input_mtok: Option<Price>,
    pub(super) input_audio_mtok: Option<Price>,
    pub(super) input_image_mtok: Option<Price>,
    pub(super) cache_read_mtok: Option<Price>,
    pub(super) cache_audio_read_mtok: Option<Price>,
    pub(super) cache_image_read_mtok: Option<Price>,
    pub(super) cache_write_mtok: Option<Price>,
    pub(super) cache_write_1h_mtok: Option<Price>,
    pub(super) output_mtok: Option<Price>,
    pub(super) output_audio_mtok: Option<Price>,
    pub(super) output_image_mtok: Option<Price>,
    pub(super) output_reasoning_mtok: Option<Price>,
    /// Per thousand requests.
    pub(super) requests_kcount: Option<Price>,
}

impl PriceSet {
    /// What a call with `usage` costs in pico-dollars; `None` if that is more than can be counted.
    ///
    /// Tokens are paid by the most special price that there is for them: those from a cache as input where reading
    /// from it has no price. The tier is that of all input together, and holds for every token.
    pub(super) fn cost(&self, usage: &Usage) -> Option<i64> {
        let all_input = [usage.input, usage.cache_read, usage.cache_write]
            .into_iter()
            .fold(0_u64, |sum, count| sum.saturating_add(count.unwrap_or(0)));
        let mut pico = match &self.requests_kcount {
            Some(price) => price.at(all_input).of_request()?,
            None => Decimal::ZERO,
        };
        for (count, prices) in self.parts(usage) {
            if let Some(price) = prices.into_iter().flatten().next() {
                pico = pico.checked_add(price.at(all_input).of_tokens(count)?)?;
            }
        }
        whole(pico)
    }

    /// The usage in parts that have nothing in common, each with the prices that may be its own, special ones first.
    fn parts(&self, usage: &Usage) -> [(u64, [Option<&Price>; 4]); 12] {
        let (of, known) = (&usage.details, |count: Option<u64>| count.unwrap_or(0));
        let rest = |whole: Option<u64>, parts: &[u64]| {
            parts.iter().fold(known(whole), |rest, part| rest.saturating_sub(*part))
        };
        let [input, audio, image] =
            [&self.input_mtok, &self.input_audio_mtok, &self.input_image_mtok].map(Option::as_ref);
        let [read, write, output] =
            [&self.cache_read_mtok, &self.cache_write_mtok, &self.output_mtok].map(Option::as_ref);
        let price = Option::as_ref;
        [
            (rest(usage.input, &[of.input_audio, of.input_image]), [input, None, None, None]),
            (of.input_audio, [audio, input, None, None]),
            (of.input_image, [image, input, None, None]),
            (rest(usage.cache_read, &[of.cache_read_audio, of.cache_read_image]), [read, input, None, None]),
            (of.cache_read_audio, [price(&self.cache_audio_read_mtok), read, audio, input]),
            (of.cache_read_image, [price(&self.cache_image_read_mtok), read, image, input]),
            (rest(usage.cache_write, &[of.cache_write_1h]), [write, input, None, None]),
            (of.cache_write_1h, [price(&self.cache_write_1h_mtok), write, input, None]),
            (
                rest(usage.output, &[of.output_audio, of.output_image, of.reasoning]),
                [output, None, None, None],
            ),
            (of.output_audio, [price(&self.output_audio_mtok), output, None, None]),
            (of.output_image, [price(&self.output_image_mtok), output, None, None]),
            (of.reasoning, [price(&self.output_reasoning_mtok), output, None, None]),
        ]
    }
}

/// A price, which may change with the size of the input.
#[derive(Debug, Clone)]
pub(super) struct Price {
    base: Amount,
    /// By size.
    tiers: Vec<Tier>,
}

#[derive(Debug, Clone, Deserialize)]
struct Tier {
    /// The tier holds for an input of more tokens than these.
    start: u64,
    price: Amount,
}

impl Price {
    pub(super) const fn flat(base: Amount) -> Self {
        Self { base, tiers: Vec::new() }
    }

    fn at(&self, all_input: u64) -> Amount {
        let tier = self.tiers.iter().rev().find(|tier| all_input > tier.start);
        tier.map_or(self.base, |tier| tier.price)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PriceVisitor;

        impl<'de> Visitor<'de> for PriceVisitor {
            type Value = Price;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount, or an object with `base` and `tiers`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Price, E> {
                Amount::deserialize(de::value::StrDeserializer::new(text)).map(Price::flat)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Price, E> {
                Amount::deserialize(de::value::F64Deserializer::new(number)).map(Price::flat)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Price, E> {
                Amount::deserialize(de::value::U64Deserializer::new(number)).map(Price::flat)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Price, E> {
                Amount::deserialize(de::value::I64Deserializer::new(number)).map(Price::flat)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Price, A::Error> {
                #[derive(Deserialize)]
                struct Tiered {
                    base: Amount,
                    tiers: Vec<Tier>,
                }
                let Tiered { base, mut tiers } = Tiered::deserialize(MapAccessDeserializer::new(map))?;
                tiers.sort_by_key(|tier| tier.start);
                Ok(Price { base, tiers })
            }
        }

        deserializer.deserialize_any(PriceVisitor)
    }
}
