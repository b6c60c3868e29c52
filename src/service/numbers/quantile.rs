//! Percentiles of recorded histograms.

use crate::model::bucket_bounds;

/// The value below which the share `quantile` lies, told from a histogram's buckets; `None` of nothing.
///
/// As Prometheus's `histogram_quantile` has it: evenly spread inside a bucket, and the last bound where it lies
/// beyond all of them.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn quantile(name: &str, buckets: &[u64], quantile: f64) -> Option<f64> {
    let total: u64 = buckets.iter().sum();
    if total == 0 {
        return None;
    }
    let rank = total as f64 * quantile;
    let (mut below, mut lower) = (0, 0.0);
    for (bound, count) in bucket_bounds(name).iter().zip(buckets) {
        if *count > 0 && (below + count) as f64 >= rank {
            return Some(lower + (bound - lower) * (rank - below as f64) / *count as f64);
        }
        below += count;
        lower = *bound;
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "work_duration_seconds";

    #[test]
    fn a_percentile_lies_in_its_bucket() {
        let mut buckets = vec![0; bucket_bounds(NAME).len() + 1];
        assert_eq!(quantile(NAME, &buckets, 0.5), None);
        // 0.5 to 0.75 s, and 0.75 to 1 s.
        (buckets[7], buckets[8], buckets[9]) = (0, 2, 2);
        assert_eq!(quantile(NAME, &buckets, 0.5), Some(0.75));
        assert_eq!(quantile(NAME, &buckets, 0.25), Some(0.625));
        assert_eq!(quantile(NAME, &buckets, 0.75), Some(0.875));
        // Beyond the last bound.
        *buckets.last_mut().unwrap() = 100;
        assert_eq!(quantile(NAME, &buckets, 0.99), Some(600.0));
    }
}
