//! Records in Redis: a single server, or a cluster.
//!
//! Layout:
//! - [`keys`]: the names of all keys; [`codec`]: how records stand in them
//! - [`connection`]: deadlines, trying again; [`command`]: what is sent; [`error`]: what its errors mean
//! - [`mod@write`]: the one task that writes
//! - [`logs`], [`trace`], [`spans`], [`traces`]: reading records, the latter two by a [`walk`] over all shards
//! - [`series`], [`history`], [`rollups`]: reading numbers; [`rebuild`]: recounting them; [`orphans`]: settling them
//! - [`expire`], [`delete`]: what goes; [`size`]: how much is there; [`durability`]: what a server keeps
//! - [`keyring`]: the installation's keys
//! - [`adopt`]: indexing what the published scripts write; [`mod@published`]: looking for it elsewhere
//!
//! **Invariant:** nothing here runs `KEYS`, nothing on a request's path runs `SCAN`, and no text of a caller's is
//! ever a pattern. Only [`adopt`] scans, a slice at a time in the background, and [`mod@published`] for `doctor`.

mod adopt;
mod codec;
mod command;
mod connection;
mod delete;
mod durability;
mod error;
mod expire;
mod history;
mod keyring;
mod keys;
mod logs;
mod orphans;
mod published;
mod rebuild;
mod rollups;
mod series;
mod size;
mod spans;
mod trace;
mod traces;
mod url;
mod walk;
mod write;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(super) use self::published::published_at;

use self::adopt::Adoption;
use self::command::{Command, Request, Script};
use self::connection::{Link, PATIENCE, read};
use self::delete::Deletions;
use self::error::too_late;
use self::keys::Layout;
use self::url::Address;
use self::write::{Ttl, Writer};
use super::queue::{Submitter, queue};
use super::{Adopted, Answers, Deleted, Durability, Expired, Retention, Settled, Store, StoreOptions};
use crate::model::{
    Code, Dated, Deletion, ErrorGroup, Key, LogPage, LogQuery, OpenSpan, Point, Pricing, Problem, ProjectId,
    Rollup, RollupQuery, Series, SeriesHistory, SeriesQuery, Span, SpanId, SpanPage, SpanQuery, StoreSize,
    Timestamp, TraceId, TraceListQuery, TracePage, TraceQuery, TraceRow, TraceRows, Write,
};

static LEASE: Script = Script::new(include_str!("lease.lua"));

/// A store on Redis.
///
/// Reads have a connection of their own, so that they don't wait behind large writes.
pub(super) struct RedisStore {
    reads: Link,
    layout: Layout,
    retention: Retention,
    ttl: Ttl,
    durability: Durability,
    writer: Mutex<Option<(Submitter, JoinHandle<()>)>>,
    adoption: tokio::sync::Mutex<Adoption>,
    deletions: Mutex<Deletions>,
    pricing: Arc<dyn Pricing>,
}

impl RedisStore {
    /// Connects, and finds out what the server keeps if it is to be examined.
    ///
    /// # Errors
    /// A server that can't be reached, is too old, is of the other kind, or keeps less than required.
    pub(super) async fn open(options: &StoreOptions, examine: bool) -> Result<Self, Problem> {
        let address = Address::parse(&options.url)?;
        let patience = PATIENCE + options.connect_timeout;
        let opening = Self::connect(&address, options, examine);
        timeout(patience, opening).await.unwrap_or_else(|_| Err(too_late())).map_err(|problem| {
            // Before anything is written, what the server refuses is the address or its settings.
            let (code, why) = match problem.code {
                Code::Internal => (Code::StorageMisconfigured, "the server refuses it"),
                code => (code, problem.message.as_str()),
            };
            let message = format!("can't open the store at {}: {why}", address.shown);
            let mut named = Problem::new(code, message).at("store");
            if let Some(hint) = &problem.hint {
                named = named.hint(hint.clone());
            }
            named.caused_by(problem)
        })
    }

    async fn connect(address: &Address, options: &StoreOptions, examine: bool) -> Result<Self, Problem> {
        let layout =
            if address.cluster { Layout::cluster(&address.prefix) } else { Layout::single(&address.prefix) };
        let reads = Link::open(address, options).await?;
        let durability =
            if examine { durability::examine(&reads, address.cluster).await? } else { Durability::Unknown };
        if options.require_durable && durability == Durability::None {
            return Err(Problem::new(Code::StorageMisconfigured, Durability::None.describe())
                .hint("set `appendonly yes` and `maxmemory-policy noeviction` on the server"));
        }
        let (submitter, groups) = queue();
        let writes = Link::open(address, options).await?;
        let task = tokio::spawn(Writer::new(writes, layout.clone(), options).run(groups));
        Ok(Self {
            reads,
            layout,
            retention: options.retention.clone(),
            ttl: Ttl::from(&options.retention),
            durability,
            writer: Mutex::new(Some((submitter, task))),
            adoption: tokio::sync::Mutex::default(),
            deletions: Mutex::default(),
            pricing: Arc::clone(&options.pricing),
        })
    }
}

#[async_trait]
impl Store for RedisStore {
    fn write(&self, project: &ProjectId, batch: Vec<Write>) -> BoxFuture<'static, Answers> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((submitter, _)) = &*writer {
            return submitter.submit(project, batch);
        }
        let closed = Problem::new(Code::StorageUnavailable, "the store is closed");
        std::future::ready(batch.iter().map(|_| Err(closed.clone())).collect()).boxed()
    }

    async fn logs(&self, project: &ProjectId, query: &LogQuery) -> Result<LogPage, Problem> {
        self.log_page(&self.layout.project(project), query).await
    }

    async fn trace(&self, project: &ProjectId, query: &TraceQuery) -> Result<TracePage, Problem> {
        self.trace_page(&self.layout.project(project), query).await
    }

    async fn span(&self, project: &ProjectId, span_id: &SpanId) -> Result<Option<Span>, Problem> {
        self.span_by_id(&self.layout.project(project), span_id).await
    }

    async fn resolve(&self, project: &ProjectId, alias: &str) -> Result<Option<String>, Problem> {
        read(self.reads.ask(Command::new("GET", self.layout.project(project).alias(alias))).await)
    }

    async fn series(&self, project: &ProjectId) -> Result<Vec<Series>, Problem> {
        let dated = self.all_series(&self.layout.project(project)).await?;
        Ok(dated.into_iter().map(|(series, _)| series).collect())
    }

    async fn dated_series(&self, project: &ProjectId) -> Result<Vec<Dated>, Problem> {
        self.all_series(&self.layout.project(project)).await
    }

    async fn series_history(
        &self,
        project: &ProjectId,
        query: &SeriesQuery,
    ) -> Result<Vec<SeriesHistory>, Problem> {
        self.histories(&self.layout.project(project), query).await
    }

    async fn open_spans(&self, project: &ProjectId) -> Result<Vec<OpenSpan>, Problem> {
        self.in_progress(&self.layout.project(project)).await
    }

    async fn spans(&self, project: &ProjectId, query: &SpanQuery) -> Result<SpanPage, Problem> {
        self.span_page(&self.layout.project(project), query).await
    }

    async fn traces(&self, project: &ProjectId, query: &TraceListQuery) -> Result<TraceRows, Problem> {
        self.trace_list(&self.layout.project(project), query).await
    }

    async fn trace_row(&self, project: &ProjectId, trace_id: &TraceId) -> Result<Option<TraceRow>, Problem> {
        self.one_trace(&self.layout.project(project), trace_id).await
    }

    async fn rollups(&self, project: &ProjectId, query: &RollupQuery) -> Result<Vec<Rollup>, Problem> {
        self.sums(&self.layout.project(project), query).await
    }

    async fn points(
        &self,
        project: &ProjectId,
        since: Timestamp,
        until: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: usize,
    ) -> Result<Vec<Point>, Problem> {
        self.counted_points(&self.layout.project(project), since, until, after, limit).await
    }

    async fn error_groups(
        &self,
        project: &ProjectId,
        fingerprints: &[String],
    ) -> Result<Vec<ErrorGroup>, Problem> {
        self.failures(&self.layout.project(project), fingerprints).await
    }

    async fn orphans(&self, project: &ProjectId, ended_before: Timestamp) -> Result<Vec<Span>, Problem> {
        self.unsettled(&self.layout.project(project), ended_before).await
    }

    async fn settle_orphans(&self, now: Timestamp) -> Result<Settled, Problem> {
        self.settle_slice(now).await
    }

    async fn rebuild(&self, project: &ProjectId, hour: Timestamp) -> Result<(), Problem> {
        self.recount(&self.layout.project(project), hour).await
    }

    async fn delete(&self, project: &ProjectId, deletion: &Deletion) -> Result<Deleted, Problem> {
        self.delete_slice(&self.layout.project(project), deletion).await
    }

    async fn list_lengths(&self, lists: &[String]) -> Result<Vec<Option<u64>>, Problem> {
        self.lengths(lists).await
    }

    async fn size(&self, project: &ProjectId) -> Result<StoreSize, Problem> {
        self.measure(&self.layout.project(project)).await
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, Problem> {
        self.held_projects().await
    }

    async fn expire(&self, now: Timestamp) -> Result<Expired, Problem> {
        self.expire_slice(now).await
    }

    /// The server's clock alone decides when a lease ends: the holders' clocks may differ.
    async fn lease(&self, name: &str, holder: &str, _now: Timestamp, ttl: Duration) -> Result<bool, Problem> {
        let milliseconds = if ttl.is_zero() { 0 } else { ttl.as_millis().max(1) }.to_string();
        let request = Request::Script {
            script: &LEASE,
            keys: vec![self.layout.lease(name)],
            arguments: vec![holder.as_bytes().to_vec(), milliseconds.into_bytes()],
        };
        read(self.reads.ask(request).await)
    }

    async fn keys(&self) -> Result<Vec<Key>, Problem> {
        self.keyring().await
    }

    async fn put_key(&self, key: &Key) -> Result<(), Problem> {
        self.keep_key(key).await
    }

    async fn touch_key(&self, id: &str, used: Timestamp) -> Result<(), Problem> {
        self.note_use(id, used).await
    }

    /// On a cluster there is nothing of theirs: its keys have tags, which the scripts don't know.
    fn adopts(&self) -> bool {
        self.layout.shard_count() == 1
    }

    async fn adopt(&self, now: Timestamp) -> Result<Adopted, Problem> {
        if self.adopts() { self.adopt_slice(now).await } else { Ok(Adopted::default()) }
    }

    async fn ping(&self) -> Result<(), Problem> {
        let ping = self.reads.ask_nodes(&durability::command(&["PING"])).await;
        ping?;
        // An operator may forbid it; then the answer to `PING` is all there is.
        let infos = self.reads.ask_nodes(&durability::command(&["INFO", "replication"])).await;
        let replica = |info| durability::parse_info(info).get("role").is_some_and(|role| role == "slave");
        if infos.unwrap_or_default().into_iter().any(replica) {
            return Err(Problem::new(Code::StorageUnavailable, "the store is a read-only replica"));
        }
        Ok(())
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    async fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((submitter, task)) = writer {
            drop(submitter);
            if let Err(panic) = task.await {
                tracing::error!(%panic, "the store's writer ended badly");
            }
        }
    }
}
