//! How records stand in keys: [`log`] members and [`span`] hashes in the published forms, and ours: [`point`] members,
//! [`rollup`] fields and the [`share`] that spans have in their trace.

pub(super) mod json;
pub(super) mod log;
pub(super) mod point;
pub(super) mod rollup;
pub(super) mod share;
pub(super) mod span;

use crate::model::Timestamp;

/// A time as the score of a sorted set: seconds, as exact decimal text.
pub(super) fn score(time: Timestamp) -> String {
    let micros = time.micros();
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    format!("{sign}{seconds}.{fraction:06}")
}

/// The ends of the scores that tell this time: the scripts' are floats, which may lie beside the microsecond.
pub(super) fn around(time: Timestamp) -> [String; 2] {
    [-5, 5].map(|beside| {
        let tenths = i128::from(time.micros()) * 10 + beside;
        let sign = if tenths < 0 { "-" } else { "" };
        let (seconds, fraction) = (tenths.unsigned_abs() / 10_000_000, tenths.unsigned_abs() % 10_000_000);
        format!("{sign}{seconds}.{fraction:07}")
    })
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

    #[test]
    fn every_score_of_a_time_lies_around_it() {
        let nearest: f64 = 1_795_339_800.123_456;
        for score in [nearest.next_down(), nearest, nearest.next_up()] {
            let [from, to] = around(time(score)).map(|end| end.parse::<f64>().unwrap());
            assert!((from..=to).contains(&score), "{score}");
        }
        assert_eq!(around(Timestamp::from_micros(0)), ["-0.0000005", "0.0000005"]);
    }
}
