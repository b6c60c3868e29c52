//! Reading logs.

use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::model::{
    EXACT_TOTAL_LIMIT, EventFilter, Level, LevelFilter, Log, LogPage, LogPosition, LogQuery, Timestamp, Total,
};

/// Rows that one call looks at where no index answers the question.
const SCAN_BUDGET: usize = 20_000;
/// The least difference of two times.
const MICROSECOND: Duration = Duration::from_micros(1);

/// A page of logs, newest first.
pub(super) fn page(connection: &Connection, project: i64, query: &LogQuery) -> rusqlite::Result<LogPage> {
    let total = if is_indexed(query) {
        count(connection, project, query)?
    } else {
        let mut value = 0;
        let end = scan(connection, project, query, None, |_| {
            value += 1;
            value <= EXACT_TOTAL_LIMIT
        })?;
        Total { value: value.min(EXACT_TOTAL_LIMIT), exact: end == End::Rows }
    };
    let mut logs = Vec::new();
    let end = scan(connection, project, query, query.before.as_ref(), |log| {
        logs.push(log);
        logs.len() <= query.limit
    })?;
    let next = match end {
        End::Budget(position) => Some(position),
        End::Rows => None,
        End::Interest => {
            logs.truncate(query.limit);
            logs.last().map(Log::position)
        }
    };
    Ok(LogPage { logs, total, next })
}

/// Why a scan ended.
#[derive(PartialEq)]
enum End {
    Rows,
    Interest,
    Budget(LogPosition),
}

/// Shows what matches, newest first, to `take` until it says that it has enough.
fn scan(
    connection: &Connection,
    project: i64,
    query: &LogQuery,
    before: Option<&LogPosition>,
    mut take: impl FnMut(Log) -> bool,
) -> rusqlite::Result<End> {
    // An index is entered by time alone: where the last page ended, and not at the window's end.
    let here = before.map(|before| before.timestamp.plus(MICROSECOND));
    let until = query.until.into_iter().chain(here).min();
    let (mut condition, mut parameters) = condition(project, query, until);
    if let Some(before) = before {
        condition.push_str(" AND (timestamp, id) < (?, ?)");
        parameters.push(Value::Integer(before.timestamp.micros()));
        parameters.push(Value::Text(before.id.clone()));
    }
    let parts = parts(query);
    let sql = newest_first(&condition, parts);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(repeated(&parameters, parts.len())))?;
    let mut seen = 0;
    let mut last = None;
    while let Some(row) = rows.next()? {
        if seen == SCAN_BUDGET {
            return Ok(last.map_or(End::Rows, End::Budget));
        }
        seen += 1;
        if let Some(log) = matching(row, query)?
            && !take(log)
        {
            return Ok(End::Interest);
        }
        if seen == SCAN_BUDGET {
            last = Some(LogPosition { timestamp: Timestamp::from_micros(row.get(0)?), id: row.get(1)? });
        }
    }
    Ok(End::Rows)
}

/// A statement that reads all parts as one, newest first.
fn newest_first(condition: &str, parts: &[&str]) -> String {
    let part = |of_level: &&str| {
        format!("SELECT timestamp, id, level, event_type, body FROM logs WHERE {condition}{of_level}")
    };
    let all = parts.iter().map(part).collect::<Vec<_>>().join(" UNION ALL ");
    format!("{all} ORDER BY timestamp DESC, id DESC")
}

/// The log in `row` if it is wanted. Columns rule out most before a body is read.
fn matching(row: &Row<'_>, query: &LogQuery) -> rusqlite::Result<Option<Log>> {
    let level = row.get_ref(2)?.as_str_or_null()?.and_then(Level::from_word);
    if !query.level.matches(level) || !query.event_type.matches(row.get_ref(3)?.as_str()?) {
        return Ok(None);
    }
    let log: Log = super::trace::record(row, 4)?;
    Ok(query.matches(&log).then_some(log))
}

fn count(connection: &Connection, project: i64, query: &LogQuery) -> rusqlite::Result<Total> {
    let (condition, parameters) = condition(project, query, query.until);
    let most = EXACT_TOTAL_LIMIT + 1;
    let parts = parts(query);
    let part = |of_level: &&str| format!("SELECT 1 FROM logs WHERE {condition}{of_level}");
    let all = parts.iter().map(part).collect::<Vec<_>>().join(" UNION ALL ");
    let sql = format!("SELECT count(*) FROM ({all} LIMIT {most})");
    let value: i64 = connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(repeated(&parameters, parts.len())), |row| row.get(0))?;
    let value = value.unsigned_abs();
    Ok(Total { value: value.min(EXACT_TOTAL_LIMIT), exact: value <= EXACT_TOTAL_LIMIT })
}

/// Whether [`condition`] says all that the query says.
fn is_indexed(query: &LogQuery) -> bool {
    !matches!(query.event_type, EventFilter::Prefix(_))
        && (query.level == LevelFilter::Any || !parts(query).contains(&""))
        && query.agent_name.as_deref() == agent_of_index(query)
        && query.words.is_empty()
}

/// The agent, where the index by agents is the one to use: one by traces or by types of event narrows more.
fn agent_of_index(query: &LogQuery) -> Option<&str> {
    let is_narrowed = query.trace_id.is_some() || matches!(query.event_type, EventFilter::Exactly(_));
    query.agent_name.as_deref().filter(|_| !is_narrowed)
}

/// The parts of a question, each a condition behind that of [`condition`]: one for each level where an index knows the
/// logs of all that are asked for. Constants, since an index of a part of a table is not used for what is bound.
fn parts(query: &LogQuery) -> &'static [&'static str] {
    if matches!(query.event_type, EventFilter::Exactly(_)) || query.trace_id.is_some() {
        // Their own indexes leave less to look at.
        return &[""];
    }
    match query.level {
        LevelFilter::Exactly(Level::Error) | LevelFilter::AtLeast(Level::Error) => &[" AND level = 'error'"],
        LevelFilter::Exactly(Level::Warn) => &[" AND level = 'warn'"],
        LevelFilter::AtLeast(Level::Warn) => &[" AND level = 'error'", " AND level = 'warn'"],
        _ => &[""],
    }
}

/// The parameters of so many parts.
fn repeated(parameters: &[Value], parts: usize) -> impl Iterator<Item = &Value> {
    (0..parts).flat_map(move |_| parameters)
}

/// What an index can answer. The text is one of a few, made of constants; values are bound.
fn condition(project: i64, query: &LogQuery, until: Option<Timestamp>) -> (String, Vec<Value>) {
    let mut condition = String::from("project = ? AND timestamp >= ?");
    let mut parameters = vec![Value::Integer(project), Value::Integer(query.since.micros())];
    if let Some(until) = until {
        condition.push_str(" AND timestamp < ?");
        parameters.push(Value::Integer(until.micros()));
    }
    if let EventFilter::Exactly(event_type) = &query.event_type {
        condition.push_str(" AND event_type = ?");
        parameters.push(Value::Text(event_type.as_str().to_owned()));
    }
    if let Some(trace_id) = &query.trace_id {
        condition.push_str(" AND trace_id = ?");
        parameters.push(Value::Text(trace_id.as_str().to_owned()));
    }
    if let Some(agent_name) = agent_of_index(query) {
        condition.push_str(" AND agent_name = ?");
        parameters.push(Value::Text(agent_name.to_owned()));
    }
    (condition, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    #[test]
    fn rare_levels_are_found_by_their_index_and_need_no_sorting() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let mut query = LogQuery {
            event_type: EventFilter::Any,
            level: LevelFilter::Any,
            since: Timestamp::from_micros(0),
            until: None,
            trace_id: None,
            agent_name: None,
            words: Vec::new(),
            limit: 1,
            before: None,
        };
        for (level, index, parts_of_it) in [
            (LevelFilter::Exactly(Level::Error), "logs_by_level", 1),
            (LevelFilter::AtLeast(Level::Warn), "logs_by_level", 2),
            (LevelFilter::Exactly(Level::Info), "logs_by_time", 1),
            (LevelFilter::AtLeast(Level::Debug), "logs_by_time", 1),
        ] {
            query.level = level;
            let (condition, parameters) = condition(1, &query, None);
            let sql = format!("EXPLAIN QUERY PLAN {}", newest_first(&condition, parts(&query)));
            let mut statement = connection.prepare(&sql).unwrap();
            let bound = params_from_iter(repeated(&parameters, parts(&query).len()));
            let rows = statement.query_map(bound, |row| row.get::<_, String>(3)).unwrap();
            let plan = rows.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ");
            assert_eq!(plan.matches(index).count(), parts_of_it, "{level:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{level:?}: {plan}");
        }
    }
}
