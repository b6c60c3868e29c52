//! The schema, by numbered steps.

use rusqlite::{Connection, TransactionBehavior};

use super::error::problem;
use super::recount;
use crate::model::{Code, Problem};

/// Each step takes the schema from its index to the next number. Steps are never edited, only added.
const STEPS: &[&str] =
    &[include_str!("0001_records.sql"), include_str!("0002_keys.sql"), include_str!("0003_numbers.sql")];

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
    use super::*;

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
