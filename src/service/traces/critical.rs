//! The critical path: what decided when a trace ended.
//!
//! The rule: the path leads from the root's end back to its start. At every moment it is at one span. Within a span, the
//! step inside it that ended last before the current moment is on the path: the path goes into that step until its
//! start, and on from there in the same way. What remains between steps is the span's own time. A step counts as far as
//! it lies within the one around it; one that runs beside the step on the path and ends later is not waited for, and
//! not on it. Of steps that end together the one that started first is taken.
//!
//! So the stretches of the path neither overlap nor leave a gap, each lies within its span, and together they are as
//! long as the root.

use crate::model::Timestamp;

/// A step, as far as the path asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// A stretch in which the path is at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) step: usize,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// The critical path through `root`, by time. `children` are the steps inside each.
pub(super) fn path(steps: &[Step], children: &[Vec<usize>], root: usize) -> Vec<Stay> {
    let mut stays = Vec::new();
    let mut around = vec![Visit::new(steps, children, root, steps[root].start, steps[root].end)];
    while let Some(visit) = around.last_mut() {
        let inside = visit.last_before_now();
        let until = inside.map_or(visit.start, |inside| inside.end);
        if until < visit.now {
            stays.push(Stay { step: visit.step, start: until, end: visit.now });
        }
        match inside {
            Some(Stay { step, start, end }) => {
                visit.now = start;
                around.push(Visit::new(steps, children, step, start, end));
            }
            None => {
                around.pop();
            }
        }
    }
    stays.reverse();
    stays
}

/// The path in a step, on its way back.
struct Visit {
    step: usize,
    start: Timestamp,
    /// Up to where the path is known, from the end on.
    now: Timestamp,
    /// The steps inside that have not been looked at, those that end last at the back.
    inside: Vec<Stay>,
}

impl Visit {
    fn new(steps: &[Step], children: &[Vec<usize>], step: usize, start: Timestamp, end: Timestamp) -> Self {
        let within =
            |&step: &usize| Stay { step, start: steps[step].start.max(start), end: steps[step].end.min(end) };
        let mut inside: Vec<Stay> = children[step].iter().map(within).collect();
        inside.retain(|stay| stay.start < stay.end);
        inside.sort_by_key(|stay| (stay.end, std::cmp::Reverse((stay.start, stay.step))));
        Self { step, start, now: end, inside }
    }

    fn last_before_now(&mut self) -> Option<Stay> {
        while let Some(stay) = self.inside.pop() {
            if stay.end <= self.now {
                return Some(stay);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::service::tree::nest;

    type Given = (Option<usize>, Step);

    fn step(parent: Option<usize>, start: i64, end: i64) -> Given {
        (parent, Step { start: Timestamp::from_micros(start), end: Timestamp::from_micros(end) })
    }

    fn stays(given: &[Given]) -> Vec<(usize, i64, i64)> {
        let (parents, steps): (Vec<_>, Vec<_>) = given.iter().copied().unzip();
        let nest = nest(&parents);
        let stays = path(&steps, &nest.children, nest.roots[0]);
        stays.into_iter().map(|stay| (stay.step, stay.start.micros(), stay.end.micros())).collect()
    }

    #[test]
    fn steps_one_after_the_other_are_all_on_it_with_the_time_between_them() {
        let steps = [step(None, 0, 100), step(Some(0), 10, 40), step(Some(0), 50, 90), step(Some(2), 60, 70)];
        assert_eq!(
            stays(&steps),
            [(0, 0, 10), (1, 10, 40), (0, 40, 50), (2, 50, 60), (3, 60, 70), (2, 70, 90), (0, 90, 100)]
        );
    }

    #[test]
    fn of_steps_at_the_same_time_the_one_that_ended_last_is_on_it() {
        let steps = [step(None, 0, 100), step(Some(0), 0, 80), step(Some(0), 0, 60), step(Some(0), 70, 95)];
        assert_eq!(stays(&steps), [(2, 0, 60), (0, 60, 70), (3, 70, 95), (0, 95, 100)]);
        let together = [step(None, 0, 10), step(Some(0), 5, 10), step(Some(0), 2, 10)];
        assert_eq!(stays(&together), [(0, 0, 2), (2, 2, 10)]);
    }

    #[test]
    fn a_step_that_outlives_its_parent_counts_as_far_as_that_goes() {
        let steps = [step(None, 10, 100), step(Some(0), 0, 500), step(Some(1), 400, 450)];
        assert_eq!(stays(&steps), [(1, 10, 100)]);
    }

    #[test]
    fn a_long_chain_takes_no_stack_and_a_moment_is_no_stretch() {
        let chain: Vec<Given> =
            (0..10_000_usize).map(|index| step(index.checked_sub(1), 0, 20_000)).collect();
        assert_eq!(stays(&chain), [(9_999, 0, 20_000)]);
        assert_eq!(stays(&[step(None, 5, 5), step(Some(0), 5, 5)]), []);
        assert_eq!(stays(&[step(None, 9, 5)]), []);
    }

    proptest! {
        #[test]
        fn it_covers_the_root_without_gap_or_overlap_and_stays_within_its_spans(
            steps in proptest::collection::vec((proptest::option::of(0_usize..12), 0_i64..60, 0_i64..60), 1..12),
        ) {
            let count = steps.len();
            let (parents, steps): (Vec<_>, Vec<_>) = steps
                .into_iter()
                .map(|(parent, start, length)| step(parent.filter(|parent| *parent < count), start, start + length))
                .unzip();
            let nest = nest(&parents);
            prop_assert!(!nest.roots.is_empty());
            for root in nest.roots {
                let stays = path(&steps, &nest.children, root);
                let mut now = steps[root].start;
                for stay in &stays {
                    prop_assert_eq!(stay.start, now);
                    prop_assert!(stay.start < stay.end);
                    prop_assert!(steps[stay.step].start <= stay.start && stay.end <= steps[stay.step].end);
                    now = stay.end;
                }
                prop_assert_eq!(now, steps[root].end);
            }
        }
    }
}
