//! The schema, by numbered steps.

use rusqlite::{Connection, TransactionBehavior};

use super::error::problem;
use super::recount;
use crate::model::{Code, Problem};

/// Each step takes the schema from its index to the next number. Steps are never edited, only added.
const STEPS: &[&str] = &[
    include_str!("0001_records.sql"),
    include_str!("0002_keys.sql"),
    include_str!("0003_numbers.sql"),
    include_str!("0004_levels.sql"),
];

/// The number of the schema that first had numbers: what was there before is added up then.
const NUMBERS: usize = 3;

/// Brings the database to the newest schema, in one transaction.
///
/// # Errors
/// A database that a newer watchglass has written, which this one would misread.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Problem> {
    if version(connection).map_err(problem)? == STEPS.len() {
        return Ok(());
    }
    let mut run = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        for step in STEPS.get(found..).unwrap_or_default() {
            transaction.execute_batch(step)?;
        }
        if found < NUMBERS {
            recount::all(&transaction)?;
        }
        if found < STEPS.len() {
            transaction.pragma_update(
                None,
                "user_version",
                i64::try_from(STEPS.len()).unwrap_or(i64::MAX),
            )?;
        }
        transaction.commit()?;
        Ok(found)
    };
    let found = run().map_err(problem)?;
    if found > STEPS.len() {
        return Err(Problem::new(
            Code::StorageMisconfigured,
            format!("the store has schema {found}, this watchglass knows {}", STEPS.len()),
        )
        .at("store")
        .hint("a newer watchglass has written it: run that one, or name another store"));
    }
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::super::{listing, orphans, rollups, trace};
    use super::*;
    use crate::model::{
        DimensionKind, RollupQuery, Span, SpanId, SpanQuery, SpanStatus, SpanTime, Sums, Tier, Timestamp,
        TraceId, TraceSummary, changes,
    };

    #[test]
    fn a_store_of_schema_1_is_brought_up_with_all_it_holds() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(STEPS[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection.execute("INSERT INTO projects (name) VALUES ('acme')", []).unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), STEPS.len());
        let held = |query| connection.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(held("SELECT count(*) FROM projects WHERE name = 'acme'"), 1);
        assert_eq!(held("SELECT count(*) FROM keys"), 0);
    }

    /// What a store of schema 2 held of one span.
    fn hold(connection: &Connection, span: &Span) {
        let body = serde_json::to_string(span).unwrap();
        let open_root = span.is_open_root();
        let columns =
            params![span.span_id.as_str(), span.trace_id.as_str(), span.start_time.micros(), open_root, body];
        connection
            .execute(
                "INSERT INTO spans (project, span_id, trace_id, start_time, open_root, body)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5)",
                columns,
            )
            .unwrap();
        connection
            .execute(
                "INSERT INTO traces (project, trace_id, agent_name, last_activity, span_count)
                 VALUES (1, ?1, 'from-log', 9000000, 1)
                 ON CONFLICT DO UPDATE SET span_count = span_count + 1",
                [span.trace_id.as_str()],
            )
            .unwrap();
    }

    #[test]
    fn what_a_store_of_schema_2_holds_is_added_up() {
        let mut connection = Connection::open_in_memory().unwrap();
        STEPS.iter().take(2).for_each(|step| connection.execute_batch(step).unwrap());
        connection.pragma_update(None, "user_version", 2).unwrap();
        connection.execute("INSERT INTO projects (name) VALUES ('acme')", []).unwrap();
        let named = |id: &str, parent: Option<&str>, status| Span {
            span_id: SpanId::stored(id),
            parent_span_id: parent.map(SpanId::stored),
            status,
            end_time: (status != SpanStatus::InProgress).then(|| Timestamp::from_micros(5_000_000)),
            duration_ms: (status != SpanStatus::InProgress).then_some(5_000.0),
            error: (status == SpanStatus::Error).then(|| "boom".to_owned()),
            ..crate::model::testing::span("run")
        };
        let spans = [
            named("root", None, SpanStatus::Ok),
            named("child", Some("root"), SpanStatus::Error),
            named("lone", Some("elsewhere"), SpanStatus::Ok),
            named("open", Some("root"), SpanStatus::InProgress),
        ];
        for span in &spans {
            hold(&connection, span);
        }
        let session = crate::model::Log { session_id: Some("s".into()), ..crate::model::testing::log("m") };
        connection
            .execute(
                "INSERT INTO logs (project, timestamp, id, event_type, body) VALUES (1, 0, '1', 'step', ?1)",
                [serde_json::to_string(&session).unwrap()],
            )
            .unwrap();
        migrate(&mut connection).unwrap();

        let query = |by| SpanQuery {
            by,
            since: Timestamp::from_micros(0),
            until: Timestamp::from_micros(9_000_000),
            newest_first: false,
            limit: 10,
            after: None,
        };
        let listed = |by| listing::spans(&connection, 1, &query(by)).unwrap().spans.len();
        assert_eq!((listed(SpanTime::Start), listed(SpanTime::End)), (4, 3));
        let open = trace::open_spans(&connection, 1).unwrap();
        assert_eq!(open.iter().map(|span| span.span_id.as_str()).collect::<Vec<_>>(), ["open"]);
        let orphans = orphans::find(&connection, 1, Timestamp::from_micros(9_000_000)).unwrap();
        assert_eq!(orphans, [spans[2].clone()]);
        let row = trace::row(&connection, 1, &TraceId::stored("t")).unwrap().unwrap();
        let expected =
            spans.iter().fold(TraceSummary::default(), |sum, span| sum.plus(TraceSummary::of(span)));
        assert_eq!(row.summary, TraceSummary { agent_name: Some("from-log".into()), ..expected });
        let held = |query| connection.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(held("SELECT span_count FROM traces"), 4);
        assert_eq!(held("SELECT logs * 100 + spans * 10 + traces FROM held"), 141);
        assert_eq!(held("SELECT count(*) FROM logs WHERE session_id = 's'"), 1);
        assert_eq!(held("SELECT count(*) FROM error_groups WHERE sample_message = 'boom'"), 1);
        let given: Vec<_> = spans.iter().flat_map(Span::contributions).collect();
        for tier in Tier::ALL {
            let all = [DimensionKind::Agent, DimensionKind::Step, DimensionKind::Error].map(|dimension| {
                let query = RollupQuery {
                    tier,
                    since: Timestamp::from_micros(0),
                    until: Timestamp::from_micros(9_000_000),
                    dimension,
                    agent: None,
                    bin: Some(tier.width()),
                };
                rollups::read(&connection, 1, &query).unwrap()
            });
            let rows = all.into_iter().flatten().map(|row| ((row.bin, row.agent, row.dimension), row.tally));
            assert_eq!(rows.collect::<Sums>(), changes(&[], &given));
        }
    }

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let problem = migrate(&mut connection).unwrap_err();
        assert_eq!(problem.code, Code::StorageMisconfigured);
        assert_eq!(version(&connection).unwrap(), 99);
    }
}
