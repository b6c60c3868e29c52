//! The engine on SQLite: a file that several processes share, or memory.
//!
//! Writes go through one thread that commits whatever waits in one transaction; reads have connections of
//! their own, so that neither waits for the other.

mod commit;
mod connection;
mod delete;
mod error;
mod expire;
mod file;
mod filesystem;
mod keyring;
mod ledger;
mod listing;
mod logs;
mod orphans;
mod points;
mod recount;
mod rollups;
mod schema;
mod series;
mod size;
mod trace;
mod turnstile;
mod write;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension, params};

use self::connection::Connections;
use super::queue::{Submitter, queue};
use super::{
    Adopted, Answers, Deleted, Durability, Expired, Retention, Settled, Store, StoreOptions, StoreUrl,
};
use crate::model::{
    Code, Dated, Deletion, ErrorGroup, Key, LogPage, LogQuery, OpenSpan, Point, Problem, ProjectId, Rollup,
    RollupQuery, Series, SeriesHistory, SeriesQuery, Span, SpanId, SpanPage, SpanQuery, StoreSize, Timestamp,
    Total, TraceId, TraceListQuery, TracePage, TraceQuery, TraceRow, TraceRows, Write,
};

/// Records in a SQLite database.
#[derive(Debug)]
pub(super) struct SqliteStore {
    connections: Connections,
    retention: Retention,
    durability: Durability,
    /// Both are taken when the store is closed.
    writer: Mutex<Option<(Submitter, JoinHandle<()>)>>,
}

impl SqliteStore {
    /// Opens the file that the options name, or memory.
    ///
    /// # Errors
    /// A file that can't be opened, is no database or holds a newer schema; memory where durability is
    /// required.
    pub(super) fn open(options: &StoreOptions) -> Result<Self, Problem> {
        let (connections, durability) = match &options.url {
            StoreUrl::Sqlite(path) if options.relaxed => {
                (Connections::open(path, true)?, Durability::ProcessCrash)
            }
            StoreUrl::Sqlite(path) => (Connections::open(path, false)?, Durability::PowerLoss),
            _ if options.require_durable => {
                return Err(Problem::new(
                    Code::StorageMisconfigured,
                    "the store `memory:` is not durable, and `require_durable` is set",
                )
                .at("store"));
            }
            _ => (Connections::in_memory()?, Durability::None),
        };
        let (submitter, groups) = queue();
        let for_writer = connections.clone();
        let pricing = Arc::clone(&options.pricing);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || commit::groups(&for_writer, groups, &*pricing))
            .map_err(Problem::internal)?;
        Ok(Self {
            connections,
            retention: options.retention.clone(),
            durability,
            writer: Mutex::new(Some((submitter, thread))),
        })
    }

    /// Which files of the database at `path` others can read.
    pub(super) fn exposure(path: &Path) -> Option<Problem> {
        file::exposure(path)
    }

    async fn read<T: Send + 'static>(
        &self,
        project: &ProjectId,
        read: impl FnOnce(&Connection, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Problem> {
        let project = project.clone();
        self.connections
            .read(move |connection| match project_number(connection, &project)? {
                Some(number) => read(connection, number).map(Some),
                None => Ok(None),
            })
            .await
    }
}

impl SqliteStore {
    /// Changes what there is of a project, in a transaction of its own.
    async fn change<T: Send + 'static>(
        &self,
        project: &ProjectId,
        change: impl FnOnce(&Connection, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Problem> {
        let project = project.clone();
        self.connections
            .write_off_thread(move |connection| match project_number(connection, &project)? {
                Some(number) => change(connection, number).map(Some),
                None => Ok(None),
            })
            .await
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn write(&self, project: &ProjectId, batch: Vec<Write>) -> BoxFuture<'static, Answers> {
        let writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((submitter, _)) = writer.as_ref() {
            return submitter.submit(project, batch);
        }
        let closed = Problem::new(Code::StorageUnavailable, "the store is closed");
        std::future::ready(batch.iter().map(|_| Err(closed.clone())).collect()).boxed()
    }

    async fn logs(&self, project: &ProjectId, query: &LogQuery) -> Result<LogPage, Problem> {
        let query = query.clone();
        let page =
            self.read(project, move |connection, number| logs::page(connection, number, &query)).await?;
        Ok(page.unwrap_or_default())
    }

    async fn trace(&self, project: &ProjectId, query: &TraceQuery) -> Result<TracePage, Problem> {
        let query = query.clone();
        let page =
            self.read(project, move |connection, number| trace::page(connection, number, &query)).await?;
        Ok(page.unwrap_or_default())
    }

    async fn span(&self, project: &ProjectId, span_id: &SpanId) -> Result<Option<Span>, Problem> {
        let span_id = span_id.clone();
        let found = self.read(project, move |connection, number| trace::find(connection, number, &span_id));
        Ok(found.await?.flatten())
    }

    async fn resolve(&self, project: &ProjectId, alias: &str) -> Result<Option<String>, Problem> {
        let alias = alias.to_owned();
        let id = self.read(project, move |connection, number| {
            connection
                .prepare_cached("SELECT id FROM aliases WHERE project = ?1 AND alias = ?2")?
                .query_row(params![number, alias], |row| row.get(0))
                .optional()
        });
        Ok(id.await?.flatten())
    }

    async fn series(&self, project: &ProjectId) -> Result<Vec<Series>, Problem> {
        let dated = self.dated_series(project).await?;
        Ok(dated.into_iter().map(|(series, _)| series).collect())
    }

    async fn open_spans(&self, project: &ProjectId) -> Result<Vec<OpenSpan>, Problem> {
        Ok(self.read(project, trace::open_spans).await?.unwrap_or_default())
    }

    async fn spans(&self, project: &ProjectId, query: &SpanQuery) -> Result<SpanPage, Problem> {
        let query = query.clone();
        let page = self.read(project, move |connection, number| listing::spans(connection, number, &query));
        Ok(page.await?.unwrap_or_default())
    }

    async fn traces(&self, project: &ProjectId, query: &TraceListQuery) -> Result<TraceRows, Problem> {
        let query = query.clone();
        let rows = self.read(project, move |connection, number| listing::traces(connection, number, &query));
        let none =
            TraceRows { total: Total { value: 0, exact: true }, complete: true, ..TraceRows::default() };
        Ok(rows.await?.unwrap_or(none))
    }

    async fn trace_row(&self, project: &ProjectId, trace_id: &TraceId) -> Result<Option<TraceRow>, Problem> {
        let trace_id = trace_id.clone();
        let row = self.read(project, move |connection, number| trace::row(connection, number, &trace_id));
        Ok(row.await?.flatten())
    }

    async fn rollups(&self, project: &ProjectId, query: &RollupQuery) -> Result<Vec<Rollup>, Problem> {
        let query = query.clone();
        let rollups = self.read(project, move |connection, number| rollups::read(connection, number, &query));
        Ok(rollups.await?.unwrap_or_default())
    }

    async fn points(
        &self,
        project: &ProjectId,
        since: Timestamp,
        until: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: usize,
    ) -> Result<Vec<Point>, Problem> {
        let page = self.read(project, move |connection, number| {
            points::page(connection, number, since..until, after.as_ref(), limit)
        });
        Ok(page.await?.unwrap_or_default())
    }

    async fn error_groups(
        &self,
        project: &ProjectId,
        fingerprints: &[String],
    ) -> Result<Vec<ErrorGroup>, Problem> {
        let fingerprints = fingerprints.to_vec();
        let groups = self.read(project, move |connection, number| {
            rollups::error_groups(connection, number, &fingerprints)
        });
        Ok(groups.await?.unwrap_or_default())
    }

    async fn series_history(
        &self,
        project: &ProjectId,
        query: &SeriesQuery,
    ) -> Result<Vec<SeriesHistory>, Problem> {
        let query = query.clone();
        let history =
            self.read(project, move |connection, number| series::history(connection, number, &query));
        Ok(history.await?.unwrap_or_default())
    }

    async fn dated_series(&self, project: &ProjectId) -> Result<Vec<Dated>, Problem> {
        Ok(self.read(project, series::all).await?.unwrap_or_default())
    }

    async fn orphans(&self, project: &ProjectId, ended_before: Timestamp) -> Result<Vec<Span>, Problem> {
        let found =
            self.read(project, move |connection, number| orphans::find(connection, number, ended_before));
        Ok(found.await?.unwrap_or_default())
    }

    async fn settle_orphans(&self, now: Timestamp) -> Result<Settled, Problem> {
        self.connections.write_off_thread(move |connection| orphans::settle(connection, now)).await
    }

    async fn rebuild(&self, project: &ProjectId, hour: Timestamp) -> Result<(), Problem> {
        for minute in rollups::minutes(hour) {
            self.change(project, move |connection, number| {
                rollups::rebuild_minute(connection, number, minute)
            })
            .await?;
        }
        self.change(project, move |connection, number| rollups::rebuild_hour(connection, number, hour))
            .await?;
        Ok(())
    }

    async fn delete(&self, project: &ProjectId, deletion: &Deletion) -> Result<Deleted, Problem> {
        let deletion = deletion.clone();
        let deleted =
            self.change(project, move |connection, number| delete::slice(connection, number, &deletion));
        Ok(deleted.await?.unwrap_or_default())
    }

    async fn list_lengths(&self, lists: &[String]) -> Result<Vec<Option<u64>>, Problem> {
        Ok(vec![None; lists.len()])
    }

    async fn size(&self, project: &ProjectId) -> Result<StoreSize, Problem> {
        Ok(self.read(project, size::of).await?.unwrap_or_default())
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, Problem> {
        self.connections
            .read(|connection| {
                connection
                    .prepare_cached("SELECT name FROM projects ORDER BY name")?
                    .query_map([], |row| Ok(ProjectId::stored(row.get::<_, String>(0)?)))?
                    .collect()
            })
            .await
    }

    async fn expire(&self, now: Timestamp) -> Result<Expired, Problem> {
        let retention = self.retention.clone();
        self.connections.write_off_thread(move |connection| expire::slice(connection, &retention, now)).await
    }

    async fn lease(&self, name: &str, holder: &str, now: Timestamp, ttl: Duration) -> Result<bool, Problem> {
        let (name, holder, until) = (name.to_owned(), holder.to_owned(), now.plus(ttl));
        self.connections
            .write_off_thread(move |connection| {
                if ttl.is_zero() {
                    // Not kept until now: the clock of whoever asks next may be behind.
                    connection.execute(
                        "DELETE FROM leases WHERE name = ?1 AND (holder = ?2 OR until <= ?3)",
                        params![name, holder, now.micros()],
                    )?;
                    let mut held = connection.prepare_cached("SELECT 1 FROM leases WHERE name = ?1")?;
                    return Ok(!held.exists([name])?);
                }
                let taken = connection.execute(
                    "INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
                     ON CONFLICT (name) DO UPDATE SET holder = ?2, until = ?3
                     WHERE holder = ?2 OR until <= ?4",
                    params![name, holder, until.micros(), now.micros()],
                )?;
                Ok(taken == 1)
            })
            .await
    }

    async fn keys(&self) -> Result<Vec<Key>, Problem> {
        self.connections.read_ahead(keyring::all).await
    }

    async fn put_key(&self, key: &Key) -> Result<(), Problem> {
        let key = key.clone();
        self.connections.write_off_thread(move |connection| keyring::put(connection, key)).await
    }

    async fn touch_key(&self, id: &str, used: Timestamp) -> Result<(), Problem> {
        let id = id.to_owned();
        self.connections.write_off_thread(move |connection| keyring::touch(connection, &id, used)).await
    }

    fn adopts(&self) -> bool {
        false
    }

    async fn adopt(&self, _now: Timestamp) -> Result<Adopted, Problem> {
        Ok(Adopted::default())
    }

    async fn ping(&self) -> Result<(), Problem> {
        self.connections.check_file()?;
        self.connections
            .read(|connection| connection.query_row("SELECT count(*) FROM projects", [], |_| Ok(())))
            .await
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    async fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some((submitter, thread)) = writer {
            drop(submitter);
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the store's writer did not end well");
            }
        }
    }
}

fn project_number(connection: &Connection, project: &ProjectId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT project FROM projects WHERE name = ?1")?
        .query_row([project.as_str()], |row| row.get(0))
        .optional()
}

fn make_project(connection: &Connection, project: &ProjectId) -> rusqlite::Result<i64> {
    if let Some(number) = project_number(connection, project)? {
        return Ok(number);
    }
    connection.execute("INSERT INTO projects (name) VALUES (?1)", [project.as_str()])?;
    Ok(connection.last_insert_rowid())
}
