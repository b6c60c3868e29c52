//! Logs counted over time.

use std::time::Duration;

use super::{Histogram, LevelCounts, LogBin};
use crate::model::{Level, LogQuery, Problem, ProjectId, Timestamp};
use crate::service::Service;
use crate::service::stretch::Stretch;

/// Logs that are counted: they are read for it, the newest first.
const MAX_COUNTED: u64 = 10_000;
/// Logs that are read at once, and pages of them, which a search for words may leave all but empty.
const AT_ONCE: usize = 1_000;
const MAX_PAGES: usize = 20;
/// Bins, and how wide they may be: what is read on clocks and calendars.
const MAX_BINS: u64 = 60;
const STEPS: [u64; 15] =
    [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000];

impl Service {
    /// Counts what `query` asks for in `stretch`, on all its pages.
    pub(super) async fn histogram(
        &self,
        project: &ProjectId,
        mut query: LogQuery,
        stretch: Stretch,
    ) -> Result<Histogram, Problem> {
        // What is yet to come has no bins.
        let until = stretch.until.min(self.clock.now().plus(Duration::from_micros(1)));
        let mut bins = Bins::new(Stretch { since: stretch.since, until });
        (query.before, query.limit) = (None, AT_ONCE);
        let mut pages = 0;
        loop {
            let page = self.store.logs(project, &query).await?;
            page.logs.iter().for_each(|log| bins.count(log.timestamp, log.level));
            pages += 1;
            match page.next {
                None => return Ok(bins.whole()),
                Some(next) if bins.counted >= MAX_COUNTED || pages == MAX_PAGES => {
                    return Ok(bins.from(next.timestamp));
                }
                next => query.before = next,
            }
        }
    }
}

/// Bins of one width, which begin at multiples of it.
struct Bins {
    width: Duration,
    starts: Vec<Timestamp>,
    counts: Vec<LevelCounts>,
    counted: u64,
}

impl Bins {
    fn new(stretch: Stretch) -> Self {
        let micros =
            |from: Timestamp| stretch.until.micros().saturating_sub(from.micros()).max(0).unsigned_abs();
        let fitting = |step: &u64| {
            let first = stretch.since.floor(Duration::from_secs(*step));
            micros(first).div_ceil(step * 1_000_000) <= MAX_BINS
        };
        let days = || micros(stretch.since).div_ceil(MAX_BINS - 1).div_ceil(86_400_000_000) * 86_400;
        let step = STEPS.into_iter().find(fitting).unwrap_or_else(days);
        let width = Duration::from_secs(step);
        let mut starts = Vec::new();
        let mut start = stretch.since.floor(width);
        while start < stretch.until {
            starts.push(start);
            start = start.plus(width);
        }
        Self { width, counts: vec![LevelCounts::default(); starts.len()], starts, counted: 0 }
    }

    fn count(&mut self, at: Timestamp, level: Option<Level>) {
        self.counted += 1;
        // By another server's clock a log may be from later: it counts in the last bin.
        let place = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        let Some(counts) = self.counts.get_mut(place) else { return };
        *match level {
            Some(Level::Debug) => &mut counts.debug,
            Some(Level::Info) => &mut counts.info,
            Some(Level::Warn) => &mut counts.warn,
            Some(Level::Error) => &mut counts.error,
            None => &mut counts.none,
        } += 1;
    }

    fn whole(self) -> Histogram {
        let earliest = self.starts.first().copied();
        self.told(earliest, false)
    }

    /// What was counted, where that goes back to `reached` alone.
    fn from(self, reached: Timestamp) -> Histogram {
        self.told(Some(reached), true)
    }

    fn told(self, reached: Option<Timestamp>, partial: bool) -> Histogram {
        let first = reached.map(|reached| reached.floor(self.width));
        let bins = self.starts.into_iter().zip(self.counts);
        let told = bins.filter(|(start, _)| first.is_some_and(|first| *start >= first));
        Histogram {
            step_seconds: self.width.as_secs(),
            bins: told.map(|(start, counts)| LogBin { start: start.to_rfc3339(), counts }).collect(),
            partial,
            counted: self.counted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stretch(since: i64, until: i64) -> Stretch {
        Stretch { since: Timestamp::from_micros(since), until: Timestamp::from_micros(until) }
    }

    #[test]
    fn bins_are_of_a_width_that_people_use() {
        for (seconds, width) in [(1, 1), (60, 5), (3_600, 300), (86_400, 1_800), (7 * 86_400, 10_800)] {
            let bins = Bins::new(stretch(500_000, seconds * 1_000_000 + 500_000));
            assert_eq!(bins.width, Duration::from_secs(width), "{seconds}");
            assert_eq!(bins.starts[0], Timestamp::from_micros(0));
        }
    }

    #[test]
    fn what_was_not_reached_is_left_out_and_said() {
        let mut bins = Bins::new(stretch(0, 60_000_000));
        bins.count(Timestamp::from_micros(59_000_000), Some(Level::Error));
        bins.count(Timestamp::from_micros(31_000_000), None);
        let told = bins.from(Timestamp::from_micros(31_000_000));
        assert_eq!((told.bins.len(), told.partial, told.counted), (29, true, 2));
        assert_eq!(told.bins[0].counts, LevelCounts { none: 1, ..LevelCounts::default() });
        assert_eq!(told.bins[28].counts, LevelCounts { error: 1, ..LevelCounts::default() });
    }

    proptest! {
        #[test]
        fn every_stretch_is_covered_by_few_bins(
            since in -4_000_000_000_000_000..4_000_000_000_000_000_i64,
            length in 1..3_000_000_000_000_000_i64,
        ) {
            let bins = Bins::new(stretch(since, since + length));
            prop_assert!(!bins.starts.is_empty() && bins.starts.len() as u64 <= MAX_BINS);
            prop_assert!(bins.starts[0].micros() <= since);
            let end = bins.starts[bins.starts.len() - 1].plus(bins.width);
            prop_assert!(end.micros() >= since + length);
        }
    }
}
