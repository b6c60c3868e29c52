//! Reading roll-ups, and recounting them.

use rusqlite::{Connection, Row, params};

use super::ledger::{dimension, kind_number, tier_number, write_tier};
use super::points;
use super::trace::record;
use crate::model::{
    Contribution, Dimension, DimensionKind, ErrorGroup, Latency, Measure, Rollup, RollupQuery, Span, SpanId,
    Sums, Tier, Timestamp, TraceId, changes,
};

/// Sums of roll-ups, by bin, agent and dimension.
pub(super) fn read(
    connection: &Connection,
    project: i64,
    query: &RollupQuery,
) -> rusqlite::Result<Vec<Rollup>> {
    // Both tables as of one moment.
    let moment = connection.unchecked_transaction()?;
    let sums = sums(&moment, project, query)?;
    moment.commit()?;
    Ok(sums
        .into_iter()
        .filter(|(_, tally)| !tally.is_zero())
        .map(|((bin, agent, dimension), tally)| Rollup { bin, agent, dimension, tally })
        .collect())
}

fn sums(connection: &Connection, project: i64, query: &RollupQuery) -> rusqlite::Result<Sums> {
    let mut sums = Sums::new();
    let parameters = params![
        project,
        tier_number(query.tier),
        kind_number(query.dimension),
        query.since.micros(),
        query.until.micros(),
        query.agent
    ];
    let mut counts = connection.prepare_cached(
        "SELECT start, agent, step_kind, name, model, started, ok, error, cancelled, duration_us, input_tokens,
            cache_read_tokens, cache_write_tokens, output_tokens, other_tokens, reported_cost, computed_cost,
            unpriced_calls, llm_calls, tool_calls, tool_errors
         FROM rollups
         WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start >= ?4 AND start < ?5
           AND (?6 IS NULL OR agent = ?6)",
    )?;
    let mut rows = counts.query(parameters)?;
    while let Some(row) = rows.next()? {
        let sum = sums.entry(place(row, query)?).or_default();
        for (column, measure) in (5..).zip(Measure::ALL) {
            sum[measure] = sum[measure].saturating_add(row.get(column)?);
        }
    }
    let mut latency = connection.prepare_cached(
        "SELECT start, agent, step_kind, name, model, bucket, count FROM rollup_latency
         WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start >= ?4 AND start < ?5
           AND (?6 IS NULL OR agent = ?6)",
    )?;
    let mut rows = latency.query(parameters)?;
    while let Some(row) = rows.next()? {
        let sum = sums.entry(place(row, query)?).or_default();
        *sum.latency.entry(Latency(row.get(5)?)).or_default() += row.get::<_, i64>(6)?;
    }
    Ok(sums)
}

/// Which sum a row belongs to.
fn place(row: &Row<'_>, query: &RollupQuery) -> rusqlite::Result<(Timestamp, String, Dimension)> {
    let bin = query.bin_of(Timestamp::from_micros(row.get(0)?));
    let dimension = dimension(query.dimension, row.get_ref(2)?.as_str()?, row.get(3)?, row.get(4)?);
    Ok((bin, row.get(1)?, dimension))
}

/// Recounts the rows of one minute from the records.
pub(super) fn rebuild_minute(
    connection: &Connection,
    project: i64,
    minute: Timestamp,
) -> rusqlite::Result<()> {
    let window = minute..minute.plus(Tier::Minute.width());
    let mut given = Vec::new();
    let mut take = |contributions: Vec<Contribution>| {
        given.extend(contributions.into_iter().filter(|one| window.contains(&one.at)));
    };
    let mut started = connection.prepare_cached(
        "SELECT body FROM spans WHERE project = ?1 AND start_time >= ?2 AND start_time < ?3",
    )?;
    let mut rows = started.query(params![project, window.start.micros(), window.end.micros()])?;
    while let Some(row) = rows.next()? {
        take(record::<Span>(row, 0)?.contributions());
    }
    // Those that started in it too have given all they give.
    let mut ended = connection.prepare_cached(
        "SELECT body FROM spans WHERE project = ?1 AND end_time >= ?2 AND end_time < ?3
            AND NOT (start_time >= ?2 AND start_time < ?3)",
    )?;
    let mut rows = ended.query(params![project, window.start.micros(), window.end.micros()])?;
    while let Some(row) = rows.next()? {
        take(record::<Span>(row, 0)?.contributions());
    }
    for point in points::page(connection, project, window.clone(), None, usize::MAX)? {
        take(point.contribution().into_iter().collect());
    }
    replace(connection, project, Tier::Minute, minute, &changes(&[], &given))
}

/// Makes the rows of one hour the sums of its minutes'.
pub(super) fn rebuild_hour(connection: &Connection, project: i64, hour: Timestamp) -> rusqlite::Result<()> {
    let mut all = Sums::new();
    for dimension in DimensionKind::ALL {
        let query = RollupQuery {
            tier: Tier::Minute,
            since: hour,
            until: hour.plus(Tier::Hour.width()),
            dimension,
            agent: None,
            bin: None,
        };
        all.extend(sums(connection, project, &query)?);
    }
    replace(connection, project, Tier::Hour, hour, &all)
}

fn replace(
    connection: &Connection,
    project: i64,
    tier: Tier,
    start: Timestamp,
    sums: &Sums,
) -> rusqlite::Result<()> {
    let tier_kept = tier_number(tier);
    for kind in DimensionKind::ALL.map(kind_number) {
        connection
            .prepare_cached(
                "DELETE FROM rollups WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start = ?4",
            )?
            .execute(params![project, tier_kept, kind, start.micros()])?;
        connection
            .prepare_cached(
                "DELETE FROM rollup_latency WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start = ?4",
            )?
            .execute(params![project, tier_kept, kind, start.micros()])?;
    }
    write_tier(connection, project, tier, sums)
}

/// The minutes of an hour.
pub(super) fn minutes(hour: Timestamp) -> impl Iterator<Item = Timestamp> {
    let end = hour.plus(Tier::Hour.width());
    std::iter::successors(Some(hour), |minute| Some(minute.plus(Tier::Minute.width())))
        .take_while(move |minute| *minute < end)
}

/// What is known of failures besides their counts.
pub(super) fn error_groups(
    connection: &Connection,
    project: i64,
    fingerprints: &[String],
) -> rusqlite::Result<Vec<ErrorGroup>> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint, kind, step, message, first_seen, last_seen, sample_trace_id, sample_span_id,
                sample_message
         FROM error_groups WHERE project = ?1 AND fingerprint = ?2",
    )?;
    let mut groups = Vec::new();
    for fingerprint in fingerprints {
        let mut rows = statement.query(params![project, fingerprint])?;
        if let Some(row) = rows.next()? {
            groups.push(ErrorGroup {
                fingerprint: row.get(0)?,
                kind: row.get(1)?,
                step: row.get(2)?,
                message: row.get(3)?,
                first_seen: Timestamp::from_micros(row.get(4)?),
                last_seen: Timestamp::from_micros(row.get(5)?),
                sample_trace_id: TraceId::stored(row.get::<_, String>(6)?),
                sample_span_id: SpanId::stored(row.get::<_, String>(7)?),
                sample_message: row.get(8)?,
            });
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Ledger;
    use super::super::{schema, write};
    use super::*;
    use crate::model::{Record, SpanEnd, SpanStatus, Unpriced, Write};

    fn all(connection: &Connection) -> Vec<Rollup> {
        let of = |(tier, dimension): (Tier, DimensionKind)| {
            let (since, until) = (Timestamp::from_micros(0), Timestamp::from_micros(1 << 50));
            let query = RollupQuery { tier, since, until, dimension, agent: None, bin: Some(tier.width()) };
            read(connection, 1, &query).unwrap()
        };
        Tier::ALL
            .into_iter()
            .flat_map(|tier| DimensionKind::ALL.map(|kind| (tier, kind)))
            .flat_map(of)
            .collect()
    }

    #[test]
    fn a_rebuild_repairs_what_is_wrong() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        connection.execute("INSERT INTO projects (name) VALUES ('acme')", []).unwrap();
        let mut ledger = Ledger::new(&connection, 1);
        for (id, status) in [("1", SpanStatus::Ok), ("2", SpanStatus::Error), ("3", SpanStatus::Cancelled)] {
            let span = Span { span_id: SpanId::stored(id), ..crate::model::testing::span("run") };
            let end = SpanEnd {
                span_id: SpanId::stored(id),
                end_time: Timestamp::from_micros(90_000_000),
                status,
                metadata: serde_json::Map::new(),
                redacted: Vec::new(),
            };
            for record in [Record::SpanStart(Box::new(span)), Record::SpanEnd(Box::new(end))] {
                write::apply(&mut ledger, &Write::once(record), &Unpriced).unwrap().unwrap();
            }
        }
        ledger.flush().unwrap();
        let right = all(&connection);
        assert_eq!(right.len(), 7, "of two minutes and their hour: {right:?}");
        for wrong in [
            "UPDATE rollups SET ok = ok + 7",
            "DELETE FROM rollups WHERE tier = 0",
            "DELETE FROM rollup_latency",
            "INSERT INTO rollup_latency SELECT project, tier, kind, start, 'nobody', step_kind, name, model, 9, 1
             FROM rollups",
        ] {
            connection.execute(wrong, []).unwrap();
            assert_ne!(all(&connection), right, "{wrong}");
            let hour = Timestamp::from_micros(0);
            minutes(hour).for_each(|minute| rebuild_minute(&connection, 1, minute).unwrap());
            rebuild_hour(&connection, 1, hour).unwrap();
            assert_eq!(all(&connection), right, "{wrong}");
        }
    }
}
