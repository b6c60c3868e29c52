//! Adding up the spans of a store from before there were numbers.

use rusqlite::{Connection, params};

use super::ledger::Ledger;
use super::trace::record;
use crate::model::Span;

/// Spans whose changes are gathered before they are written.
const SPANS: i64 = 10_000;

/// Gives every project the numbers, the traces and the failures that its spans tell of.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<()> {
    let mut after = i64::MIN;
    while let Some(last) = part(connection, after)? {
        after = last;
    }
    Ok(())
}

/// Adds up the spans behind `after`; answers where it stopped.
fn part(connection: &Connection, after: i64) -> rusqlite::Result<Option<i64>> {
    let mut ledgers = std::collections::BTreeMap::new();
    let mut last = None;
    let mut statement = connection.prepare_cached(
        "SELECT sequence, project, body FROM spans WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    )?;
    let mut rows = statement.query(params![after, SPANS])?;
    while let Some(row) = rows.next()? {
        last = Some(row.get(0)?);
        let project = row.get(1)?;
        let ledger = ledgers.entry(project).or_insert_with(|| Ledger::new(connection, project));
        ledger.span_found(&record::<Span>(row, 2)?)?;
    }
    ledgers.into_values().try_for_each(Ledger::flush)?;
    Ok(last)
}
