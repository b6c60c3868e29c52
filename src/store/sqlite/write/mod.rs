//! Writing one record inside the group's transaction.
//!
//! A record that a rule refuses has changed nothing by then, so its neighbours in the group are untouched. An
//! error of SQLite itself ends the whole group.

mod idempotency;
mod import;
mod log;
mod point;
mod span;

use super::ledger::Ledger;
use crate::model::{Pricing, Problem, Record, Write, Written};

/// The answer to one record: outer errors end the group, inner ones are the caller's.
type Answer = rusqlite::Result<Result<Written, Problem>>;

/// Writes a record, or finds that it has been written before.
pub(super) fn apply(ledger: &mut Ledger<'_>, write: &Write, pricing: &dyn Pricing) -> Answer {
    let Some(idempotency) = &write.idempotency else {
        return apply_record(ledger, &write.record, pricing);
    };
    let now = write.record.taken_at();
    if let Some(known) = idempotency::find(ledger, idempotency, &write.record, now)? {
        return Ok(known);
    }
    let answer = apply_record(ledger, &write.record, pricing)?;
    if let Ok(written) = &answer {
        idempotency::remember(ledger, idempotency, written, now)?;
    }
    Ok(answer)
}

fn apply_record(ledger: &mut Ledger<'_>, record: &Record, pricing: &dyn Pricing) -> Answer {
    match record {
        Record::Log(log) => log::write(ledger, log),
        Record::SpanStart(span) => span::start(ledger, span),
        Record::SpanEnd(end) => span::end(ledger, end, pricing),
        Record::Point(point) => point::write(ledger, point),
        Record::Import(record) => import::write(ledger, record),
    }
}

/// A record as the text of its row. The model's types always serialise.
pub(super) fn body(record: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(record).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
