//! Adding to roll-ups.

use rusqlite::{CachedStatement, Connection};

use crate::model::{Dimension, DimensionKind, Measure, SpanKind, Sums, Tally, Tier, Timestamp};

/// The number by which a tier is kept.
pub(in super::super) const fn tier_number(tier: Tier) -> i64 {
    match tier {
        Tier::Minute => 0,
        Tier::Hour => 1,
    }
}

/// The number by which a kind of dimension is kept.
pub(in super::super) const fn kind_number(kind: DimensionKind) -> i64 {
    match kind {
        DimensionKind::Agent => 0,
        DimensionKind::Step => 1,
        DimensionKind::Error => 2,
    }
}

/// A dimension in its three columns: kind of step, name, model.
fn columns(dimension: &Dimension) -> [&str; 3] {
    match dimension {
        Dimension::Agent => ["", "", ""],
        Dimension::Step { kind, name, model } => [kind, name, model],
        Dimension::Error(fingerprint) => ["", fingerprint, ""],
    }
}

/// The dimension of those columns.
pub(in super::super) fn dimension(
    kind: DimensionKind,
    step_kind: &str,
    name: String,
    model: String,
) -> Dimension {
    match kind {
        DimensionKind::Agent => Dimension::Agent,
        DimensionKind::Step => {
            let known = SpanKind::ALL.into_iter().find(|kind| kind.as_str() == step_kind);
            Dimension::Step { kind: known.unwrap_or(SpanKind::Other).as_str(), name, model }
        }
        DimensionKind::Error => Dimension::Error(name),
    }
}

/// Adds sums of minutes to the rows of their minutes and hours.
pub(in super::super) fn write(connection: &Connection, project: i64, sums: &Sums) -> rusqlite::Result<()> {
    write_tier(connection, project, Tier::Minute, sums)?;
    let mut hours = Sums::new();
    for ((minute, agent, dimension), tally) in sums {
        let place = (Tier::Hour.start_of(*minute), agent.clone(), dimension.clone());
        *hours.entry(place).or_default() += tally;
    }
    write_tier(connection, project, Tier::Hour, &hours)
}

/// Adds sums to the rows of one tier that begin at their times.
pub(in super::super) fn write_tier(
    connection: &Connection,
    project: i64,
    tier: Tier,
    sums: &Sums,
) -> rusqlite::Result<()> {
    for ((start, agent, dimension), tally) in sums.iter().filter(|(_, tally)| !tally.is_zero()) {
        let place = Place { project, tier, start: *start, agent, dimension };
        add_counts(connection, &place, tally)?;
        for (bucket, count) in &tally.latency {
            let mut statement = connection.prepare_cached(
                "INSERT INTO rollup_latency (project, tier, kind, start, agent, step_kind, name, model, bucket, count)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT DO UPDATE SET count = count + excluded.count",
            )?;
            place.bind(&mut statement)?;
            statement.raw_bind_parameter(9, bucket.0)?;
            statement.raw_bind_parameter(10, count)?;
            statement.raw_execute()?;
        }
        let is_taken_away =
            tally.counts().any(|(_, count)| count < 0) || tally.latency.values().any(|count| *count < 0);
        if is_taken_away {
            remove_empty(connection, &place)?;
        }
    }
    Ok(())
}

/// The key of a row.
struct Place<'a> {
    project: i64,
    tier: Tier,
    start: Timestamp,
    agent: &'a str,
    dimension: &'a Dimension,
}

impl Place<'_> {
    fn bind(&self, statement: &mut CachedStatement<'_>) -> rusqlite::Result<()> {
        let [step_kind, name, model] = columns(self.dimension);
        statement.raw_bind_parameter(1, self.project)?;
        statement.raw_bind_parameter(2, tier_number(self.tier))?;
        statement.raw_bind_parameter(3, kind_number(self.dimension.kind()))?;
        statement.raw_bind_parameter(4, self.start.micros())?;
        statement.raw_bind_parameter(5, self.agent)?;
        statement.raw_bind_parameter(6, step_kind)?;
        statement.raw_bind_parameter(7, name)?;
        statement.raw_bind_parameter(8, model)
    }
}

/// A sum past what 64 bits hold would be a float to SQLite, and the row refused; so it stops there.
fn add_counts(connection: &Connection, place: &Place<'_>, tally: &Tally) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO rollups (project, tier, kind, start, agent, step_kind, name, model,
            started, ok, error, cancelled, duration_us, input_tokens, cache_read_tokens, cache_write_tokens,
            output_tokens, other_tokens, reported_cost, computed_cost, unpriced_calls, llm_calls, tool_calls,
            tool_errors)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
            ?22, ?23, ?24)
         ON CONFLICT DO UPDATE SET
            started = started + ?9, ok = ok + ?10, error = error + ?11, cancelled = cancelled + ?12,
            duration_us = max(min(duration_us + ?13, 9223372036854775807), -9223372036854775807),
            input_tokens = max(min(input_tokens + ?14, 9223372036854775807), -9223372036854775807),
            cache_read_tokens = max(min(cache_read_tokens + ?15, 9223372036854775807), -9223372036854775807),
            cache_write_tokens = max(min(cache_write_tokens + ?16, 9223372036854775807), -9223372036854775807),
            output_tokens = max(min(output_tokens + ?17, 9223372036854775807), -9223372036854775807),
            other_tokens = max(min(other_tokens + ?18, 9223372036854775807), -9223372036854775807),
            reported_cost = max(min(reported_cost + ?19, 9223372036854775807), -9223372036854775807),
            computed_cost = max(min(computed_cost + ?20, 9223372036854775807), -9223372036854775807),
            unpriced_calls = unpriced_calls + ?21, llm_calls = llm_calls + ?22, tool_calls = tool_calls + ?23,
            tool_errors = tool_errors + ?24",
    )?;
    place.bind(&mut statement)?;
    for (index, measure) in (9..).zip(Measure::ALL) {
        statement.raw_bind_parameter(index, tally[measure])?;
    }
    statement.raw_execute()?;
    Ok(())
}

/// Removes what has come to nothing.
fn remove_empty(connection: &Connection, place: &Place<'_>) -> rusqlite::Result<()> {
    let mut counts = connection.prepare_cached(
        "DELETE FROM rollups WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start = ?4 AND agent = ?5
            AND step_kind = ?6 AND name = ?7 AND model = ?8 AND started = 0 AND ok = 0 AND error = 0
            AND cancelled = 0 AND duration_us = 0 AND input_tokens = 0 AND cache_read_tokens = 0
            AND cache_write_tokens = 0 AND output_tokens = 0 AND other_tokens = 0 AND reported_cost = 0
            AND computed_cost = 0 AND unpriced_calls = 0 AND llm_calls = 0 AND tool_calls = 0 AND tool_errors = 0",
    )?;
    place.bind(&mut counts)?;
    counts.raw_execute()?;
    let mut latency = connection.prepare_cached(
        "DELETE FROM rollup_latency WHERE project = ?1 AND tier = ?2 AND kind = ?3 AND start = ?4 AND agent = ?5
            AND step_kind = ?6 AND name = ?7 AND model = ?8 AND count = 0",
    )?;
    place.bind(&mut latency)?;
    latency.raw_execute()?;
    Ok(())
}
