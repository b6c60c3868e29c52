//! Writing one record inside the group's transaction.
//!
//! A record that a rule refuses has changed nothing by then, so its neighbours in the group are untouched. An
//! error of SQLite itself ends the whole group.

mod idempotency;
mod log;
mod point;
mod span;

use rusqlite::{Connection, params};

use crate::model::{Pricing, Problem, Record, Timestamp, TraceId, Write, Written};

/// The answer to one record: outer errors end the group, inner ones are the caller's.
type Answer = rusqlite::Result<Result<Written, Problem>>;

/// Writes a record, or finds that it has been written before.
pub(super) fn apply(connection: &Connection, project: i64, write: &Write, pricing: &dyn Pricing) -> Answer {
    let Some(idempotency) = &write.idempotency else {
        return apply_record(connection, project, &write.record, pricing);
    };
    let now = write.record.taken_at();
    if let Some(known) = idempotency::find(connection, project, idempotency, &write.record, now)? {
        return Ok(known);
    }
    let answer = apply_record(connection, project, &write.record, pricing)?;
    if let Ok(written) = &answer {
        idempotency::remember(connection, project, idempotency, written, now)?;
    }
    Ok(answer)
}

fn apply_record(connection: &Connection, project: i64, record: &Record, pricing: &dyn Pricing) -> Answer {
    match record {
        Record::Log(log) => log::write(connection, project, log),
        Record::SpanStart(span) => span::start(connection, project, span),
        Record::SpanEnd(end) => span::end(connection, project, end, pricing),
        Record::Point(point) => point::write(connection, project, point),
        Record::Import(_) => Ok(Err(Problem::internal("not built yet"))),
    }
}

/// Notes that something happened in a trace, to the second: staleness is a matter of an hour.
fn touch_trace(
    connection: &Connection,
    project: i64,
    trace_id: &TraceId,
    agent_name: Option<&str>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO traces (project, trace_id, agent_name, last_activity) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (project, trace_id) DO UPDATE
             SET agent_name = coalesce(agent_name, ?3), last_activity = max(last_activity, ?4)
             WHERE last_activity < ?4 - 1000000 OR (agent_name IS NULL AND ?3 IS NOT NULL)",
        )?
        .execute(params![project, trace_id.as_str(), agent_name, at.micros()])?;
    Ok(())
}

/// A record as the text of its row. The model's types always serialise.
pub(super) fn body(record: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(record).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
