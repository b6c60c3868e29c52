//! From a window to the rows and the records that make its numbers.

use std::time::Duration;

use super::window::Window;
use crate::model::{Tier, Timestamp};

/// What to read for a window: each instant of it lies in just one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whole rows of roll-ups.
    pub(super) rows: Vec<Rows>,
    /// Parts of minutes, from records.
    pub(super) edges: Vec<Window>,
    /// What this counts in all.
    pub(super) counted: Window,
    /// Whether that is just what was asked.
    pub(super) exact: bool,
    /// Before this instant lies all that it counts: the end of the current minute where the window reaches up to now.
    pub(super) end: Timestamp,
}

/// Rows of one tier, from the one that starts at `since` to the one that starts at `until`, which is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) tier: Tier,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

/// The first instant from which every minute's row, and every record, is kept.
pub(super) fn minutes_from(now: Timestamp, traces_kept: Duration) -> Timestamp {
    ceil(now.minus(traces_kept), Tier::Hour)
}

impl Plan {
    /// The plan for `window` at `now`, in bins of this width if any, where minutes are kept from `minutes_from` on.
    ///
    /// Before that only whole hours are known, and the window is widened to them. The current minute's row is taken
    /// whole where the window reaches up to now: nothing in it is from later, but by another server's clock.
    pub(super) fn new(
        window: Window,
        bin: Option<Duration>,
        now: Timestamp,
        minutes_from: Timestamp,
    ) -> Self {
        let mut counted = window;
        if counted.since < minutes_from {
            counted.since = Tier::Hour.start_of(counted.since);
        }
        if counted.until < minutes_from {
            counted.until = ceil(counted.until, Tier::Hour);
        }
        let until = if window.until >= now {
            Tier::Minute.start_of(now).plus(Tier::Minute.width())
        } else {
            counted.until
        };
        let (mut rows, mut edges) = (Vec::new(), Vec::new());
        let (first, last) = (ceil(counted.since, Tier::Minute), Tier::Minute.start_of(until));
        if first > last {
            edges.push(Window { since: counted.since, until });
        } else {
            edges.push(Window { since: counted.since, until: first });
            edges.push(Window { since: last, until });
            edges.retain(|edge| edge.since < edge.until);
            let by_hours = bin.is_none_or(|bin| bin.as_micros() % Tier::Hour.width().as_micros() == 0);
            let (first_hour, last_hour) = (ceil(first, Tier::Hour), Tier::Hour.start_of(last));
            if by_hours && first_hour < last_hour {
                rows.push(Rows { tier: Tier::Minute, since: first, until: first_hour });
                rows.push(Rows { tier: Tier::Hour, since: first_hour, until: last_hour });
                rows.push(Rows { tier: Tier::Minute, since: last_hour, until: last });
            } else {
                rows.push(Rows { tier: Tier::Minute, since: first, until: last });
            }
            rows.retain(|rows| rows.since < rows.until);
        }
        Self { rows, edges, counted, exact: counted == window, end: until }
    }
}

/// The first start of a row of `tier` that is not before `at`.
pub(super) fn ceil(at: Timestamp, tier: Tier) -> Timestamp {
    let start = tier.start_of(at);
    if start == at { at } else { start.plus(tier.width()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000_000;
    const HOUR: i64 = 60 * MINUTE;
    const NOW: i64 = 10_000 * HOUR + 34 * MINUTE + 5;

    fn plan(since: i64, until: i64, bin: Option<Duration>) -> Plan {
        let window = Window { since: Timestamp::from_micros(since), until: Timestamp::from_micros(until) };
        let now = Timestamp::from_micros(NOW);
        Plan::new(window, bin, now, minutes_from(now, Duration::from_secs(7 * 24 * 3_600)))
    }

    fn rows(plan: &Plan) -> Vec<(Tier, i64, i64)> {
        plan.rows.iter().map(|rows| (rows.tier, rows.since.micros(), rows.until.micros())).collect()
    }

    fn edges(plan: &Plan) -> Vec<(i64, i64)> {
        plan.edges.iter().map(|edge| (edge.since.micros(), edge.until.micros())).collect()
    }

    #[test]
    fn five_minutes_up_to_now_are_one_edge_and_the_rows_with_the_current_one() {
        let plan = plan(NOW - 5 * MINUTE, NOW, None);
        let minute = NOW - 5;
        assert_eq!(edges(&plan), [(NOW - 5 * MINUTE, minute - 4 * MINUTE)]);
        assert_eq!(rows(&plan), [(Tier::Minute, minute - 4 * MINUTE, minute + MINUTE)]);
        assert!(plan.exact);
    }

    #[test]
    fn a_part_of_a_minute_is_all_records() {
        let plan = plan(NOW - 2 * MINUTE, NOW - 2 * MINUTE + 10, None);
        assert_eq!((edges(&plan), rows(&plan)), (vec![(NOW - 2 * MINUTE, NOW - 2 * MINUTE + 10)], vec![]));
    }

    #[test]
    fn whole_hours_are_read_as_hours_unless_bins_are_finer() {
        let (since, until) = (9_990 * HOUR + 59 * MINUTE, 9_993 * HOUR + MINUTE);
        assert_eq!(
            rows(&plan(since, until, None)),
            [
                (Tier::Minute, since, 9_991 * HOUR),
                (Tier::Hour, 9_991 * HOUR, 9_993 * HOUR),
                (Tier::Minute, 9_993 * HOUR, until),
            ]
        );
        let fine = plan(since, until, Some(Duration::from_secs(60)));
        assert_eq!(rows(&fine), [(Tier::Minute, since, until)]);
    }

    #[test]
    fn where_only_hours_are_kept_a_window_is_widened_and_says_so() {
        let plan = plan(9_000 * HOUR + 5, 9_002 * HOUR + 5, None);
        assert_eq!(rows(&plan), [(Tier::Hour, 9_000 * HOUR, 9_003 * HOUR)]);
        assert_eq!(plan.edges, []);
        assert!(!plan.exact);
        assert_eq!(plan.counted.until.micros(), 9_003 * HOUR);
    }

    proptest! {
        #[test]
        fn each_instant_lies_in_just_one_part(
            back in 1..(300 * HOUR), length in 1..(300 * HOUR), hourly in any::<bool>(),
        ) {
            let (since, until) = (NOW - back, (NOW - back + length).min(NOW));
            let plan = plan(since, until, hourly.then_some(Duration::from_secs(3_600)));
            let minutes_from =
                minutes_from(Timestamp::from_micros(NOW), Duration::from_secs(7 * 24 * 3_600)).micros();
            let mut parts = edges(&plan);
            prop_assert!(parts.iter().all(|(since, until)| until - since < MINUTE && *since >= minutes_from));
            for (tier, since, until) in rows(&plan) {
                let width = i64::try_from(tier.width().as_micros()).unwrap();
                prop_assert_eq!((since % width, until % width), (0, 0));
                prop_assert!(tier == Tier::Hour || since >= minutes_from);
                parts.push((since, until));
            }
            parts.sort_unstable();
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0), "{parts:?}");
            let (first, last) = (parts[0].0, parts[parts.len() - 1].1);
            if plan.exact {
                let end = if until == NOW { NOW - 5 + MINUTE } else { until };
                prop_assert_eq!((first, last), (since, end));
            } else {
                prop_assert!(first <= since && last >= until && since.min(until) < minutes_from);
            }
            prop_assert!(plan.rows.len() <= 3 && plan.edges.len() <= 2);
        }
    }
}
