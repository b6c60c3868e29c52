//! What a model costs, and cost before.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::price::PriceSet;
use crate::model::Timestamp;

/// Prices with the times at which they hold, the later ones first asked.
#[derive(Debug)]
pub(super) struct History(Vec<Conditional>);

#[derive(Debug, Deserialize)]
struct Conditional {
    constraint: Option<Constraint>,
    prices: PriceSet,
}

impl History {
    /// Whether there is no price in it at all.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The prices at an instant: the last ones that hold then, or the first ones of all.
    pub(super) fn at(&self, at: Timestamp) -> Option<&PriceSet> {
        let instant = DateTime::from_timestamp_micros(at.micros())?;
        let holds = |item: &&Conditional| item.constraint.as_ref().is_none_or(|rule| rule.holds(instant));
        self.0.iter().rev().find(holds).or(self.0.first()).map(|item| &item.prices)
    }
}

/// When prices hold, in UTC.
#[derive(Debug, Deserialize)]
#[serde(try_from = "ConstraintForm")]
enum Constraint {
    Since(NaiveDate),
    /// From the first time of every day until the second one, which may be that of the next day.
    Daily(NaiveTime, NaiveTime),
}

impl Constraint {
    fn holds(&self, instant: DateTime<Utc>) -> bool {
        match *self {
            Self::Since(date) => instant.date_naive() >= date,
            Self::Daily(start, end) => {
                let time = instant.time();
                if end < start { time >= start || time < end } else { start <= time && time < end }
            }
        }
    }
}

#[derive(Deserialize)]
struct ConstraintForm {
    start_date: Option<NaiveDate>,
    start_time: Option<String>,
    end_time: Option<String>,
}

impl TryFrom<ConstraintForm> for Constraint {
    type Error = String;

    fn try_from(form: ConstraintForm) -> Result<Self, String> {
        match (form.start_date, form.start_time, form.end_time) {
            (Some(date), None, None) => Ok(Self::Since(date)),
            (None, Some(start), Some(end)) => Ok(Self::Daily(time_of_day(&start)?, time_of_day(&end)?)),
            _ => Err("a constraint has either `start_date`, or `start_time` and `end_time`".into()),
        }
    }
}

/// A time of day with an offset, or in UTC without one.
fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    let aware = DateTime::parse_from_rfc3339(&format!("1970-01-01T{text}")).map(|time| time.to_utc().time());
    aware.or_else(|_| text.parse()).map_err(|_| format!("`{text}` is no time of day"))
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HistoryVisitor;

        impl<'de> Visitor<'de> for HistoryVisitor {
            type Value = History;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of prices, or a list of them with constraints")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<History, A::Error> {
                let prices = PriceSet::deserialize(MapAccessDeserializer::new(map))?;
                Ok(History(vec![Conditional { constraint: None, prices }]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<History, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(History)
            }
        }

        deserializer.deserialize_any(HistoryVisitor)
    }
}
