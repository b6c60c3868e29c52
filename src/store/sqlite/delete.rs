//! Deleting what someone wants gone, with what it added to the numbers.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::ledger::Ledger;
use super::trace::record;
use crate::model::{Deletion, Span, TraceId};
use crate::store::Deleted;

/// Spans, and as many logs, that one slice deletes.
const ROWS: usize = 500;

/// Deletes a slice.
pub(super) fn slice(connection: &Connection, project: i64, deletion: &Deletion) -> rusqlite::Result<Deleted> {
    let mut slice = Slice { ledger: Ledger::new(connection, project), deleted: Deleted::default() };
    slice.deleted.more = !match deletion {
        Deletion::Trace(trace_id) => slice.trace(trace_id)?,
        Deletion::Agent(_) | Deletion::Session(_) => slice.traces_of(deletion)? && slice.logs_of(deletion)?,
    };
    slice.ledger.flush()?;
    Ok(slice.deleted)
}

struct Slice<'a> {
    ledger: Ledger<'a>,
    deleted: Deleted,
}

impl Slice<'_> {
    /// Deletes a trace with its spans and logs; `false` if there is more than this slice has room for.
    fn trace(&mut self, trace_id: &TraceId) -> rusqlite::Result<bool> {
        let (connection, project) = (self.ledger.connection, self.ledger.project);
        let spans: Vec<Span> = connection
            .prepare_cached("SELECT body FROM spans WHERE project = ?1 AND trace_id = ?2 LIMIT ?3")?
            .query_map(params![project, trace_id.as_str(), room(self.deleted.spans)], |row| record(row, 0))?
            .collect::<rusqlite::Result<_>>()?;
        for span in spans {
            connection
                .prepare_cached("DELETE FROM spans WHERE project = ?1 AND span_id = ?2")?
                .execute(params![project, span.span_id.as_str()])?;
            forget_alias(connection, project, &span.span_id.to_w3c(), span.span_id.as_str())?;
            self.deleted.spans += 1;
            self.ledger.span_deleted(span)?;
        }
        let logs = connection
            .prepare_cached(
                "DELETE FROM logs WHERE sequence IN
                    (SELECT sequence FROM logs WHERE project = ?1 AND trace_id = ?2 LIMIT ?3)",
            )?
            .execute(params![project, trace_id.as_str(), room(self.deleted.logs)])?;
        self.note_logs(logs);
        if self.is_full() {
            return Ok(false);
        }
        self.ledger.delete_trace(trace_id)?;
        forget_alias(connection, project, &trace_id.to_w3c(), trace_id.as_str())?;
        Ok(true)
    }

    /// Deletes the traces of an agent or a conversation; `false` if there are more.
    fn traces_of(&mut self, deletion: &Deletion) -> rusqlite::Result<bool> {
        let (connection, project) = (self.ledger.connection, self.ledger.project);
        let (mut statement, name) = match deletion {
            Deletion::Session(name) => (
                connection.prepare_cached(
                    "SELECT trace_id FROM traces WHERE project = ?1 AND session_id = ?2 LIMIT ?3",
                )?,
                name,
            ),
            Deletion::Agent(name) => (
                connection.prepare_cached(
                    "SELECT trace_id FROM traces WHERE project = ?1 AND shown_agent = ?2 LIMIT ?3",
                )?,
                name,
            ),
            Deletion::Trace(_) => return Ok(true),
        };
        let trace_ids: Vec<String> = statement
            .query_map(params![project, name, room(0)], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let may_be_more = trace_ids.len() == ROWS;
        for trace_id in trace_ids {
            if !self.trace(&TraceId::stored(trace_id))? {
                return Ok(false);
            }
        }
        Ok(!may_be_more)
    }

    /// Deletes what else an agent or a conversation has logged; `false` if there is more.
    fn logs_of(&mut self, deletion: &Deletion) -> rusqlite::Result<bool> {
        let (connection, project) = (self.ledger.connection, self.ledger.project);
        let (mut statement, name) = match deletion {
            Deletion::Session(name) => (
                connection.prepare_cached(
                    "DELETE FROM logs WHERE sequence IN
                        (SELECT sequence FROM logs WHERE project = ?1 AND session_id = ?2 LIMIT ?3)
                     RETURNING trace_id",
                )?,
                name,
            ),
            Deletion::Agent(name) => (
                connection.prepare_cached(
                    "DELETE FROM logs WHERE sequence IN
                        (SELECT sequence FROM logs WHERE project = ?1 AND agent_name = ?2 LIMIT ?3)
                     RETURNING trace_id",
                )?,
                name,
            ),
            Deletion::Trace(_) => return Ok(true),
        };
        let of_traces: Vec<Option<String>> = statement
            .query_map(params![project, name, room(self.deleted.logs)], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        self.note_logs(of_traces.len());
        for trace_id in of_traces.into_iter().flatten().collect::<BTreeSet<String>>() {
            if is_empty(connection, project, &trace_id)? {
                self.ledger.delete_trace(&TraceId::stored(trace_id))?;
            } else if let Deletion::Agent(name) = deletion {
                // A log of the agent may have been the first to name one.
                connection
                    .prepare_cached(
                        "UPDATE traces SET agent_name = shown_agent
                         WHERE project = ?1 AND trace_id = ?2 AND agent_name = ?3",
                    )?
                    .execute(params![project, trace_id, name])?;
            }
        }
        Ok(!self.is_full())
    }

    fn note_logs(&mut self, count: usize) {
        self.deleted.logs += count as u64;
        self.ledger.logs_changed(-i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Whether there was as much as there is room for, so that there may be more.
    const fn is_full(&self) -> bool {
        self.deleted.spans >= ROWS as u64 || self.deleted.logs >= ROWS as u64
    }
}

/// How many rows may go after so many.
fn room(gone: u64) -> i64 {
    i64::try_from((ROWS as u64).saturating_sub(gone)).unwrap_or(0)
}

fn is_empty(connection: &Connection, project: i64, trace_id: &str) -> rusqlite::Result<bool> {
    let is_held: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM spans WHERE project = ?1 AND trace_id = ?2)
                 OR EXISTS (SELECT 1 FROM logs WHERE project = ?1 AND trace_id = ?2)",
        )?
        .query_row(params![project, trace_id], |row| row.get(0))?;
    Ok(!is_held)
}

/// Forgets the W3C id of what is gone, unless it stands for something else.
fn forget_alias(connection: &Connection, project: i64, alias: &str, id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM aliases WHERE project = ?1 AND alias = ?2 AND id = ?3")?
        .execute(params![project, alias, id])?;
    Ok(())
}
