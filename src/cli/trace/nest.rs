//! The order in which steps are drawn: each under its parent, whatever the parents claim.

use std::collections::{HashMap, HashSet};

/// What is odd about a step's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oddity {
    /// The parent that it names is not here.
    MissingParent,
    /// It is its own ancestor: the circle is cut here.
    Circle,
}

/// A step in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Which step.
    pub(super) step: usize,
    /// How many steps it is part of.
    pub(super) depth: usize,
    /// Of the step itself and of those it is part of, innermost first: whether siblings come behind. At most as many
    /// as were asked for.
    pub(super) continues: Vec<bool>,
    /// Whether it has steps of its own.
    pub(super) is_parent: bool,
    /// What is odd about it.
    pub(super) oddity: Option<Oddity>,
}

/// Every step once, parents before their children, siblings in order, without recursion. `steps` are ids, each with the
/// parent's; `levels` is how many levels are drawn.
pub(super) fn nest(steps: &[(&str, Option<&str>)], levels: usize) -> Vec<Place> {
    let index: HashMap<&str, usize> = steps.iter().enumerate().rev().map(|(at, (id, _))| (*id, at)).collect();
    let mut parents: Vec<Option<usize>> =
        steps.iter().map(|(_, parent)| parent.and_then(|parent| index.get(parent).copied())).collect();
    let circles = cut_circles(&mut parents);
    let mut children = vec![Vec::new(); steps.len()];
    let mut roots = Vec::new();
    for (step, parent) in parents.iter().enumerate() {
        parent.map_or(&mut roots, |parent| &mut children[parent]).push(step);
    }
    let mut places: Vec<Place> = Vec::with_capacity(steps.len());
    // The innermost is on top; siblings in reverse, so that the first is taken first.
    let mut open: Vec<(usize, usize, bool)> = Vec::new();
    let begin = |open: &mut Vec<(usize, usize, bool)>, siblings: &[usize], depth| {
        let last = siblings.last().copied();
        open.extend(siblings.iter().rev().map(|step| (*step, depth, Some(*step) != last)));
    };
    // Roots stand beside each other without a line between them.
    begin(&mut open, &roots, 0);
    let mut path: Vec<bool> = Vec::new();
    while let Some((step, depth, has_siblings)) = open.pop() {
        path.truncate(depth);
        path.push(has_siblings);
        let missing = steps[step].1.is_some() && parents[step].is_none();
        let oddity = match () {
            () if circles.contains(&step) => Some(Oddity::Circle),
            () if missing => Some(Oddity::MissingParent),
            () => None,
        };
        places.push(Place {
            step,
            depth,
            continues: path.iter().skip(1).rev().take(levels).copied().collect(),
            is_parent: !children[step].is_empty(),
            oddity,
        });
        begin(&mut open, &children[step], depth + 1);
    }
    places
}

/// Takes its parent from the earliest step of each circle; tells which those are.
fn cut_circles(parents: &mut [Option<usize>]) -> HashSet<usize> {
    let mut cut = HashSet::new();
    // By which walk a step was reached, counted from 1.
    let mut reached = vec![0; parents.len()];
    for start in 0..parents.len() {
        let mut at = start;
        while reached[at] == 0 {
            reached[at] = start + 1;
            match parents[at] {
                Some(parent) => at = parent,
                None => break,
            }
        }
        if reached[at] != start + 1 || parents[at].is_none() {
            continue;
        }
        let mut earliest = at;
        let mut on = parents[at];
        while let Some(next) = on.filter(|next| *next != at) {
            earliest = earliest.min(next);
            on = parents[next];
        }
        parents[earliest] = None;
        cut.insert(earliest);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(parents: &[Option<usize>]) -> Vec<Place> {
        let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let steps: Vec<(&str, Option<&str>)> = parents
            .iter()
            .enumerate()
            .map(|(step, parent)| (names[step].as_str(), parent.map(|parent| names[parent].as_str())))
            .collect();
        nest(&steps, 8)
    }

    fn drawn(parents: &[Option<usize>]) -> Vec<(usize, usize, Vec<bool>)> {
        places(parents).into_iter().map(|place| (place.step, place.depth, place.continues)).collect()
    }

    #[test]
    fn children_stand_under_their_parent_in_order() {
        let places = drawn(&[None, Some(0), Some(1), Some(0), None]);
        let expected = [
            (0, 0, vec![]),
            (1, 1, vec![true]),
            (2, 2, vec![false, true]),
            (3, 1, vec![false]),
            (4, 0, vec![]),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn what_is_odd_is_marked() {
        let oddities = |parents: &[Option<usize>]| {
            let mut places = places(parents);
            places.sort_by_key(|place| place.step);
            places.into_iter().map(|place| place.oddity).collect::<Vec<_>>()
        };
        assert_eq!(oddities(&[None, Some(9)]), [None, Some(Oddity::MissingParent)]);
        assert_eq!(oddities(&[Some(0)]), [Some(Oddity::Circle)]);
        assert_eq!(oddities(&[None, Some(2), Some(1), Some(2)]), [None, Some(Oddity::Circle), None, None]);
    }

    #[test]
    fn long_chains_and_circles_end() {
        let names: Vec<String> = (0..10_000).map(|number: usize| number.to_string()).collect();
        let chain: Vec<(&str, Option<&str>)> = (0..10_000_usize)
            .map(|step| (names[step].as_str(), step.checked_sub(1).map(|parent| names[parent].as_str())))
            .collect();
        let nested = nest(&chain, 3);
        assert_eq!(nested.last().map(|place| (place.depth, place.continues.len())), Some((9_999, 3)));
        let circle: Vec<(&str, Option<&str>)> = (0..10_000_usize)
            .map(|step| (names[step].as_str(), Some(names[(step + 1) % 10_000].as_str())))
            .collect();
        assert_eq!(nest(&circle, 3).len(), 10_000);
    }

    proptest! {
        #[test]
        fn every_step_is_placed_once_behind_its_parent(
            parents in proptest::collection::vec(proptest::option::of(0_usize..40), 0..40)
        ) {
            let places = places(&parents);
            let mut steps: Vec<usize> = places.iter().map(|place| place.step).collect();
            steps.sort_unstable();
            prop_assert_eq!(steps, (0..parents.len()).collect::<Vec<_>>());
            for (row, place) in places.iter().enumerate().filter(|(_, place)| place.depth > 0) {
                let above = places[..row].iter().rev().find(|above| above.depth < place.depth);
                prop_assert_eq!(above.map(|above| above.step), parents[place.step]);
            }
        }
    }
}
