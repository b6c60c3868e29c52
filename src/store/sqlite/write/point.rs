//! Writing measurements.

use super::super::ledger::Ledger;
use super::super::points;
use super::Answer;
use crate::model::{Point, Written};

pub(super) fn write(ledger: &mut Ledger<'_>, point: &Point) -> Answer {
    let (kind, overflow) = match ledger.record(point)? {
        Ok(recorded) => recorded,
        Err(problem) => return Ok(Err(problem)),
    };
    count(ledger, point)?;
    if let Some(trace_id) = &point.trace_id {
        ledger.touch(trace_id, point.agent_name(), point.timestamp)?;
    }
    Ok(Ok(Written::Point { kind, overflow }))
}

/// Counts the point, if it is one that is counted and is not there yet; `true` then.
pub(super) fn count(ledger: &mut Ledger<'_>, point: &Point) -> rusqlite::Result<bool> {
    let Some(given) = point.contribution() else {
        return Ok(false);
    };
    let is_new = points::keep(ledger.connection, ledger.project, point)?;
    if is_new {
        ledger.add(&[], &[given]);
    }
    Ok(is_new)
}
