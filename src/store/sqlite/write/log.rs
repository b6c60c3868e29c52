//! Writing logs.

use rusqlite::params;

use super::super::ledger::Ledger;
use super::{Answer, body};
use crate::model::{Level, Log, TraceId, Written};

pub(super) fn write(ledger: &mut Ledger<'_>, log: &Log) -> Answer {
    let added = ledger
        .connection
        .prepare_cached(
            "INSERT INTO logs (project, timestamp, id, level, event_type, agent_name, session_id, trace_id, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            ledger.project,
            log.timestamp.micros(),
            log.id,
            log.level.map(Level::as_str),
            log.event_type.as_str(),
            log.agent_name,
            log.session_id,
            log.trace_id.as_ref().map(TraceId::as_str),
            body(log)?,
        ])?;
    ledger.logs_changed(i64::from(added == 1));
    if let Some(trace_id) = &log.trace_id {
        ledger.touch(trace_id, log.agent_name.as_deref(), log.timestamp)?;
    }
    Ok(Ok(Written::Log(Box::new(log.clone()))))
}
