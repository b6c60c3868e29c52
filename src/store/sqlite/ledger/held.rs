//! How many records a project holds.

use rusqlite::{Connection, params};

/// By how many records there are more, or fewer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Held {
    pub(in super::super) logs: i64,
    pub(in super::super) spans: i64,
    pub(in super::super) traces: i64,
}

impl Held {
    /// Writes the difference.
    pub(in super::super) fn write(self, connection: &Connection, project: i64) -> rusqlite::Result<()> {
        if self == Self::default() {
            return Ok(());
        }
        connection
            .prepare_cached(
                "INSERT INTO held (project, logs, spans, traces) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (project) DO UPDATE SET
                    logs = logs + excluded.logs, spans = spans + excluded.spans, traces = traces + excluded.traces",
            )?
            .execute(params![project, self.logs, self.spans, self.traces])?;
        Ok(())
    }
}
