//! Instants, as the store keeps them.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch, UTC.
///
/// Not nanoseconds: the score of a Redis sorted set is an `f64`, which holds microseconds exactly
/// until the year 2255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `micros` microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads the time forms found in stores: RFC 3339 with an offset or `Z`, and the naive UTC form that
    /// the published scripts write, with or without a fraction.
    pub fn parse(text: &str) -> Option<Self> {
        let aware = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_micros());
        let naive = || {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                .map(|time| time.and_utc().timestamp_micros())
        };
        aware.or_else(|_| naive()).ok().map(Self)
    }

    /// `2026-11-22T09:30:00.000000Z`: the form of every answer.
    pub fn to_rfc3339(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// `2026-11-22T09:30:00.000000`: naive UTC, the form that the published scripts can read.
    pub fn to_naive_iso(self) -> String {
        self.to_utc().format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
    }

    /// Milliseconds from `earlier` to here; negative if this is the earlier one.
    #[expect(clippy::cast_precision_loss, reason = "exact to a microsecond for 285 years")]
    pub fn millis_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 1_000.0
    }

    /// This instant less `duration`; stops at the earliest instant there is.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This instant plus `duration`; stops at the latest instant there is.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The last multiple of `width` that is not after this instant.
    #[must_use]
    pub fn floor(self, width: Duration) -> Self {
        let width = i64::try_from(width.as_micros()).unwrap_or(i64::MAX).max(1);
        Self(self.0.div_euclid(width).saturating_mul(width))
    }

    /// The start of its minute.
    #[must_use]
    pub fn minute(self) -> Self {
        self.floor(Duration::from_secs(60))
    }

    fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROS: i64 = 1_795_339_800_123_456;

    #[test]
    fn reads_naive_zulu_and_offset_forms_as_the_same_instant() {
        let forms =
            ["2026-11-22T09:30:00.123456", "2026-11-22T09:30:00.123456Z", "2026-11-22T10:30:00.123456+01:00"];
        for form in forms {
            assert_eq!(Timestamp::parse(form), Some(Timestamp(MICROS)), "{form}");
        }
        assert_eq!(Timestamp::parse("2026-11-22T09:30:00"), Some(Timestamp(MICROS - 123_456)));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn writes_both_forms_with_six_digits() {
        let whole = Timestamp(MICROS - 123_456);
        assert_eq!(whole.to_rfc3339(), "2026-11-22T09:30:00.000000Z");
        assert_eq!(whole.to_naive_iso(), "2026-11-22T09:30:00.000000");
    }
}
