//! What became of an import.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::model::Problem;

/// Refusals that are told one by one; the rest are counted.
const MAX_REFUSALS: usize = 20;

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// Records that were not there before
    pub imported: u64,
    /// Records that were there, and are as they were
    pub already_there: u64,
    /// Records older than they are kept here, which were left out
    pub too_old: u64,
    /// Lines that could not be taken
    pub refused: u64,
    /// Whether the export came whole, up to its last line
    pub complete: bool,
    /// The same by what they are
    pub kinds: Kinds,
    /// The first 20 that were refused, and what is missing where it is not complete
    pub errors: Vec<Refusal>,
}

/// Counts of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kinds {
    /// Logs
    pub logs: Tally,
    /// Spans
    pub spans: Tally,
    /// Points
    pub points: Tally,
    /// Series
    pub series: Tally,
}

/// What became of the records of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Not there before
    pub imported: u64,
    /// As they were
    pub already_there: u64,
    /// Left out
    pub too_old: u64,
    /// Not taken
    pub refused: u64,
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// Its number, from 1; missing where it came from a store
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What it holds, such as span 00f067aa0ba902b7
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// What is wrong, as a word
    pub code: String,
    /// What is wrong
    pub message: String,
    /// Where in the record
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Imported,
    AlreadyThere,
    TooOld,
}

impl Imported {
    pub(super) fn count(&mut self, kind: Kind, outcome: Outcome) {
        let tally = self.kinds.of(kind);
        match outcome {
            Outcome::Imported => (self.imported, tally.imported) = (self.imported + 1, tally.imported + 1),
            Outcome::AlreadyThere => {
                (self.already_there, tally.already_there) = (self.already_there + 1, tally.already_there + 1);
            }
            Outcome::TooOld => (self.too_old, tally.too_old) = (self.too_old + 1, tally.too_old + 1),
        }
    }

    /// `record` is what the line holds, where it can be read.
    pub(super) fn refuse(&mut self, line: Option<u64>, record: Option<(Kind, String)>, problem: &Problem) {
        self.refused += 1;
        let record = record.map(|(kind, record)| {
            self.kinds.of(kind).refused += 1;
            record
        });
        if self.errors.len() < MAX_REFUSALS {
            self.errors.push(Refusal::new(line, record, problem));
        }
    }

    /// The export did not come whole.
    pub(super) fn breaks_off(&mut self, line: u64, message: String) {
        self.complete = false;
        let problem = Problem::invalid("body", message);
        self.errors.push(Refusal::new(Some(line), None, &problem));
    }
}

impl Kinds {
    fn of(&mut self, kind: Kind) -> &mut Tally {
        match kind {
            Kind::Logs => &mut self.logs,
            Kind::Spans => &mut self.spans,
            Kind::Points => &mut self.points,
            Kind::Series => &mut self.series,
        }
    }
}

impl Refusal {
    fn new(line: Option<u64>, record: Option<String>, problem: &Problem) -> Self {
        Self {
            line,
            record,
            code: problem.code.as_str().to_owned(),
            message: problem.message.clone(),
            field: problem.field.clone(),
        }
    }
}
