//! What one line adds up.

use std::collections::BTreeMap;

use super::super::super::answer::shown;
use super::super::number::Number;
use super::super::read::Numbers;
use super::Line;
use super::by::{ALL, By};
use crate::model::{Tally, Timestamp};

/// What belongs together, over the window and in each bin.
#[derive(Default)]
pub(super) struct Group<'a> {
    /// [`ALL`] of the rest, too.
    name: &'a str,
    is_rest: bool,
    overall: Tally,
    bins: BTreeMap<Timestamp, Tally>,
}

impl<'a> Group<'a> {
    /// The groups that there are; where they are not told apart, just one, be it of nothing.
    pub(super) fn all(counted: &'a Numbers, by: By) -> Vec<Self> {
        let mut groups = BTreeMap::<&str, Self>::new();
        if matches!(by, By::None | By::TokenType) {
            groups.insert(ALL, Self::default());
        }
        let sums = counted.by(|bin, agent, dimension| Some((by.group(agent, dimension)?, bin)));
        for ((name, bin), tally) in sums {
            let group = groups.entry(name).or_insert_with(|| Self { name, ..Self::default() });
            group.overall += &tally;
            group.bins.insert(bin, tally);
        }
        groups.into_values().collect()
    }

    /// The `most` largest by a number, and all others in one.
    pub(super) fn largest(mut groups: Vec<Self>, number: Number, most: usize) -> Vec<Self> {
        groups.sort_by(|one, other| {
            let size = |group: &Self| (number.of)(&group.overall).unwrap_or(f64::NEG_INFINITY);
            size(other).total_cmp(&size(one)).then_with(|| one.name.cmp(other.name))
        });
        let others = groups.split_off(most.min(groups.len()));
        let rest = Self { name: ALL, is_rest: true, ..Self::default() };
        if !others.is_empty() {
            groups.push(others.into_iter().fold(rest, Self::plus));
        }
        groups
    }

    fn plus(mut self, other: Self) -> Self {
        self.overall += &other.overall;
        for (bin, tally) in other.bins {
            *self.bins.entry(bin).or_default() += &tally;
        }
        self
    }

    /// A number of this group at each of the times.
    pub(super) fn line(&self, by: By, number: Number, starts: &[Timestamp]) -> Line {
        let nothing = Tally::default();
        let (metric, group) = by.names(&number, self.name);
        let at = |start| (number.of)(self.bins.get(start).unwrap_or(&nothing));
        Line {
            metric: metric.to_owned(),
            unit: number.unit.to_owned(),
            group: group.map(shown),
            rest: self.is_rest,
            overall: (number.of)(&self.overall),
            values: starts.iter().map(at).collect(),
        }
    }
}
