//! The keys of the installation.

use rusqlite::{Connection, params};

use super::write::body;
use crate::model::{Key, Timestamp};

/// Every key, by creation and then id.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Key>> {
    connection
        .prepare_cached("SELECT body, last_used FROM keys ORDER BY created, id")?
        .query_map([], |row| {
            let key: Key = super::trace::record(row, 0)?;
            Ok(Key { last_used: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_micros), ..key })
        })?
        .collect()
}

/// Creates or replaces a key.
pub(super) fn put(connection: &Connection, key: Key) -> rusqlite::Result<()> {
    let key = Key { last_used: None, ..key };
    connection.execute(
        "INSERT INTO keys (id, created, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET created = ?2, body = ?3",
        params![key.id, key.created.micros(), body(&key)?],
    )?;
    Ok(())
}

/// Notes a use, unless a later one is noted.
pub(super) fn touch(connection: &Connection, id: &str, used: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE keys SET last_used = ?2 WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)",
        )?
        .execute(params![id, used.micros()])?;
    Ok(())
}
