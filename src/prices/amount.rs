//! Amounts of money.

use rust_decimal::Decimal;
use rust_decimal::prelude::{RoundingStrategy, ToPrimitive};
use serde::{Deserialize, Deserializer, de};

/// An amount in US dollars: a decimal that is not negative, as a text or a number.
///
/// A number comes through a float, of which the shortest text that gives it back is taken: `0.1` is a tenth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(Decimal);

impl Amount {
    /// The amount in pico-dollars of `count` of what costs this per `per`, of which a million is a multiple.
    fn pico(self, count: u64, per: u64) -> Option<Decimal> {
        let each = Decimal::from(1_000_000_000_000 / per);
        self.0.checked_mul(Decimal::from(count))?.checked_mul(each)
    }

    /// The amount in pico-dollars of `tokens` at this per million.
    pub(super) fn of_tokens(self, tokens: u64) -> Option<Decimal> {
        self.pico(tokens, 1_000_000)
    }

    /// The amount in pico-dollars of one request at this per thousand.
    pub(super) fn of_request(self) -> Option<Decimal> {
        self.pico(1, 1_000)
    }
}

/// A whole number of pico-dollars; `None` past nine million dollars.
pub(super) fn whole(pico: Decimal) -> Option<i64> {
    pico.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven).to_i64()
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let amount: Decimal = Deserialize::deserialize(deserializer)?;
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(de::Error::custom(format!("a price can't be negative: `{amount}`")));
        }
        Ok(Self(amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(json: &str) -> Amount {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn texts_and_numbers_give_the_same_decimal() {
        for json in ["\"0.075\"", "0.075", "7.5e-2"] {
            assert_eq!(amount(json).of_tokens(1_000), Some(Decimal::from(75_000_000)), "{json}");
        }
        assert_eq!(amount("3").of_request(), Some(Decimal::from(3_000_000_000_u64)));
        for json in ["-1", "\"-0.1\"", "\"free\"", "null"] {
            assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn halves_round_to_even_and_too_much_is_refused() {
        for (pico, rounded) in
            [("0.5", Some(0)), ("1.5", Some(2)), ("2.5", Some(2)), ("9223372036854775808", None)]
        {
            assert_eq!(whole(pico.parse().unwrap()), rounded);
        }
        assert_eq!(amount("\"79228162514264337593543950335\"").of_tokens(u64::MAX), None);
    }
}
