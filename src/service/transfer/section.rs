//! Whether an export is whole.

use super::item::{Frame, Header};
use super::{Counts, Kind};
use crate::model::Problem;

/// The export that is being read: one after the other, where several files were put together.
#[derive(Debug, Default)]
pub(super) enum Section {
    /// Nothing has come yet.
    #[default]
    Nothing,
    /// These records have come, taken or not.
    Begun(Counts),
    /// The last line has come.
    Ended,
}

impl Section {
    /// Takes a first line or a last one.
    ///
    /// # Errors
    /// A format that is not known, and what tells that lines are missing.
    pub(super) fn frame(&mut self, frame: Frame) -> Result<(), Incomplete> {
        match (std::mem::take(self), frame) {
            (Self::Begun(_), Frame::Watchglass(header)) => {
                self.begin(&header)?;
                Err(Incomplete::Lines("another export begins before this one has ended".into()))
            }
            (_, Frame::Watchglass(header)) => self.begin(&header),
            (Self::Begun(came), Frame::End(told)) => {
                *self = Self::Ended;
                let (came, told) = (came.total(), told.total());
                if came == told {
                    return Ok(());
                }
                Err(Incomplete::Lines(format!("the last line tells of {told} records, {came} came")))
            }
            (_, Frame::End(_)) => {
                *self = Self::Ended;
                Err(Incomplete::Lines("an export ends that has not begun".into()))
            }
        }
    }

    fn begin(&mut self, header: &Header) -> Result<(), Incomplete> {
        header.check().map_err(Incomplete::Unknown)?;
        *self = Self::Begun(Counts::default());
        Ok(())
    }

    /// Counts a line that holds a record, or should.
    pub(super) fn record(&mut self, kind: Option<Kind>) -> Result<(), Problem> {
        match self {
            Self::Begun(counts) => {
                // Which kind a line is that can't be read does not matter to their sum.
                counts.add(kind.unwrap_or(Kind::Logs));
                Ok(())
            }
            Self::Nothing => {
                let message = "the first line does not tell that this is an export of watchglass";
                Err(Problem::invalid("body", message).hint("import what `GET /api/v1/export` has answered"))
            }
            Self::Ended => {
                Err(Problem::invalid("body", "there is a record behind the last line of the export"))
            }
        }
    }

    /// Whether nothing is missing at the end of the body.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Ended)
    }
}

/// What is wrong with a first or last line.
#[derive(Debug)]
pub(super) enum Incomplete {
    /// The export can't be read at all.
    Unknown(Problem),
    /// Lines are missing before it.
    Lines(String),
}
