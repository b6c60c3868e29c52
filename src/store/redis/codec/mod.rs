//! How records stand in keys: [`log`] members and [`span`] hashes, in the published forms.

pub(super) mod json;
pub(super) mod log;
pub(super) mod span;

use crate::model::Timestamp;

/// A time as the score of a sorted set: seconds, as exact decimal text.
pub(super) fn score(time: Timestamp) -> String {
    let micros = time.micros();
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    format!("{sign}{seconds}.{fraction:06}")
}

/// The time that a score tells, to the microsecond.
#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes its end")]
pub(super) fn time(score: f64) -> Timestamp {
    Timestamp::from_micros((score * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_exact() {
        for micros in [1_795_339_800_123_456, 1_795_339_800_000_001, 0, -1, 4_102_444_800_999_999] {
            let text = score(Timestamp::from_micros(micros));
            assert_eq!(time(text.parse().unwrap()).micros(), micros, "{text}");
        }
        assert_eq!(score(Timestamp::from_micros(1_795_339_800_123_456)), "1795339800.123456");
    }
}
