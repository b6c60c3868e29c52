//! Durations counted by size, so that percentiles of any window are sums of rows.

/// By how much a percentile may be off.
pub const MAX_RELATIVE_ERROR: f64 = 0.01;
/// The ratio of one bucket's bound to the next: the middle of a bucket is within the error of both its ends.
const GAMMA: f64 = (1.0 + MAX_RELATIVE_ERROR) / (1.0 - MAX_RELATIVE_ERROR);

/// A bucket of durations, on a logarithmic scale of microseconds, as a `DDSketch` has it. 0 is less than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Latency(pub u16);

impl Latency {
    /// The bucket of a duration in microseconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the logarithm of any 64-bit count is below 2,300"
    )]
    pub fn of_micros(micros: i64) -> Self {
        if micros < 1 {
            return Self(0);
        }
        Self(((micros as f64).ln() / GAMMA.ln()).ceil() as u16 + 1)
    }

    /// The duration, in milliseconds, that stands for all in this bucket.
    pub fn millis(self) -> f64 {
        if self.0 == 0 {
            return 0.0;
        }
        // The bucket holds (gamma^(n-1), gamma^n]; this point is as far from the one as from the other.
        let upper = GAMMA.powi(i32::from(self.0) - 1);
        2.0 * upper / (GAMMA + 1.0) / 1_000.0
    }

    /// The duration, in milliseconds, below which the share `quantile` of what is counted lies; `None` of nothing.
    ///
    /// The rank is that of the nearest-rank method, so a single duration is each of its own percentiles.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a count of records is far below 2^52"
    )]
    pub fn quantile(counts: impl Iterator<Item = (Self, i64)> + Clone, quantile: f64) -> Option<f64> {
        let total: i64 = counts.clone().map(|(_, count)| count).sum();
        if total <= 0 {
            return None;
        }
        let rank = ((total as f64 * quantile).ceil() as i64).clamp(1, total);
        let mut seen = 0;
        for (bucket, count) in counts {
            seen += count;
            if seen >= rank {
                return Some(bucket.millis());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_percentile_and_one_is_each_of_its_own() {
        assert_eq!(Latency::quantile(std::iter::empty(), 0.5), None);
        let one = [(Latency::of_micros(0), 1)];
        assert_eq!(Latency::quantile(one.into_iter(), 0.99), Some(0.0));
    }

    proptest! {
        #[test]
        fn a_bucket_is_within_a_hundredth(micros in 1_i64..1_000_000_000_000) {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let millis = micros as f64 / 1_000.0;
            let told = Latency::of_micros(micros).millis();
            prop_assert!((told - millis).abs() <= millis * (MAX_RELATIVE_ERROR + 1e-9), "{told} for {millis}");
        }

        #[test]
        fn longer_is_never_in_a_lower_bucket(one in 0_i64..i64::MAX, other in 0_i64..i64::MAX) {
            prop_assert!(Latency::of_micros(one.min(other)) <= Latency::of_micros(one.max(other)));
        }
    }
}
