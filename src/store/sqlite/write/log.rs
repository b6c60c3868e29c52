//! Writing logs.

use rusqlite::{Connection, params};

use super::{Answer, body, touch_trace};
use crate::model::{Level, Log, TraceId, Written};

pub(super) fn write(connection: &Connection, project: i64, log: &Log) -> Answer {
    connection
        .prepare_cached(
            "INSERT INTO logs (project, timestamp, id, level, event_type, agent_name, trace_id, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            project,
            log.timestamp.micros(),
            log.id,
            log.level.map(Level::as_str),
            log.event_type.as_str(),
            log.agent_name,
            log.trace_id.as_ref().map(TraceId::as_str),
            body(log)?,
        ])?;
    if let Some(trace_id) = &log.trace_id {
        touch_trace(connection, project, trace_id, log.agent_name.as_deref(), log.timestamp)?;
    }
    Ok(Ok(Written::Log(Box::new(log.clone()))))
}
