//! A row of the table: a floor, a subject, and what their ratio should be.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use serde::Serialize;

use crate::lab::Lab;
use crate::outcome::{Outcome, Sample, Target};
use crate::rows::Subject;

/// One comparison.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its name, unique, by which `--only` finds it.
    pub(crate) name: String,
    /// Under which heading it stands.
    pub(crate) group: Group,
    /// What watchglass is measured against.
    pub(crate) floor: Subject,
    /// Watchglass.
    pub(crate) subject: Subject,
    /// What is promised.
    pub(crate) target: Target,
}

/// The headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Group {
    /// Calls beside calls of a tool that does nothing.
    Calls,
    /// Calls beside a bare loop.
    Stored,
    /// `Store::write` beside a bare loop.
    Written,
    /// Processes that start.
    Started,
    /// Memory held.
    Memory,
    /// Questions to stores that hold much and little.
    Scale,
    /// What such stores take.
    Bytes,
}

/// What is measured in turns.
#[async_trait]
pub(crate) trait Side: Send {
    /// One round, which takes about `time`.
    async fn measure(&mut self, time: Duration) -> Result<Sample>;
}

/// How long and how often is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    time: Duration,
    rounds: usize,
    rounds_of_processes: usize,
}

impl Pace {
    pub(crate) const FULL: Self =
        Self { time: Duration::from_millis(300), rounds: 5, rounds_of_processes: 5 };
    pub(crate) const QUICK: Self =
        Self { time: Duration::from_millis(80), rounds: 3, rounds_of_processes: 1 };
}

impl Row {
    /// Measures floor and subject in turns, after a short round of each that does not count.
    pub(crate) async fn measure(&self, lab: &mut Lab, pace: Pace) -> Result<Outcome> {
        let mut floor = lab.open(&self.floor).await?;
        let mut subject = lab.open(&self.subject).await?;
        floor.measure(pace.time / 3).await?;
        subject.measure(pace.time / 3).await?;
        let rounds = if self.is_of_processes() { pace.rounds_of_processes } else { pace.rounds };
        let mut pairs = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            pairs.push((floor.measure(pace.time).await?, subject.measure(pace.time).await?));
        }
        Ok(Outcome::of(&pairs))
    }

    /// Whether stores must be filled first, which takes long.
    pub(crate) fn is_of_full_stores(&self) -> bool {
        matches!(self.group, Group::Scale | Group::Bytes)
    }

    /// Whether each round starts processes, which takes longer.
    fn is_of_processes(&self) -> bool {
        matches!(self.group, Group::Started | Group::Memory)
    }
}
