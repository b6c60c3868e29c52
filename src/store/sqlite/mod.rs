//! The engine on SQLite: a file that several processes share, or memory.
//!
//! Writes go through one thread that commits whatever waits in one transaction; reads have connections of
//! their own, so that neither waits for the other.

mod connection;
mod error;
mod expire;
mod file;
mod filesystem;
mod keyring;
mod logs;
mod schema;
mod series;
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
use super::queue::{Groups, Submission, Submitter, queue};
use super::{Adopted, Answers, Durability, Expired, Retention, Store, StoreOptions, StoreUrl};
use crate::model::{
    Code, Key, LogPage, LogQuery, OpenSpan, Pricing, Problem, ProjectId, Series, Timestamp, TracePage,
    TraceQuery, Write,
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
            .spawn(move || commit_groups(&for_writer, groups, &*pricing))
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
        Ok(self.read(project, series::all).await?.unwrap_or_default())
    }

    async fn open_spans(&self, project: &ProjectId) -> Result<Vec<OpenSpan>, Problem> {
        Ok(self.read(project, trace::open_spans).await?.unwrap_or_default())
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

fn commit_groups(connections: &Connections, mut groups: Groups, pricing: &dyn Pricing) {
    while let Some(group) = groups.next_blocking() {
        if group.iter().all(|submission| submission.batch.is_empty()) {
            for submission in group {
                submission.answer(Answers::new());
            }
            continue;
        }
        let committed = connections.write(|connection| {
            group.iter().map(|submission| answers(connection, submission, pricing)).collect()
        });
        groups.committed();
        match committed {
            Ok(all) => {
                let all: Vec<Answers> = all;
                for (submission, answers) in group.into_iter().zip(all) {
                    submission.answer(answers);
                }
            }
            Err(problem) => {
                for submission in group {
                    submission.fail(&problem);
                }
            }
        }
    }
}

fn answers(
    connection: &Connection,
    submission: &Submission,
    pricing: &dyn Pricing,
) -> rusqlite::Result<Answers> {
    let project = make_project(connection, &submission.project)?;
    submission.batch.iter().map(|write| write::apply(connection, project, write, pricing)).collect()
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
