//! Where records live: one trait, two engines.
//!
//! **Invariant:** no engine's own type or error leaves this module; a failure is a
//! [`Problem`] with a storage [`Code`](crate::model::Code), and the engine's error is its source.
//!
//! **Invariant:** every method takes the project first, and no record of another project is reachable
//! through it. Only what belongs to the installation takes none: leases, keys, retention, the store itself.

mod measured;
mod options;
mod queue;
mod redis;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

pub use options::{Durability, Retention, StoreOptions, StoreUrl};

use crate::model::{
    Dated, Deletion, ErrorGroup, Key, LogPage, LogQuery, OpenSpan, Point, Problem, ProjectId, Rollup,
    RollupQuery, Series, SeriesHistory, SeriesQuery, Span, SpanId, SpanPage, SpanQuery, StoreSize, Timestamp,
    TraceId, TraceListQuery, TracePage, TraceQuery, TraceRow, TraceRows, Write, Written,
};
use crate::telemetry::Metrics;

/// Open spans that are told of at once.
pub const MAX_OPEN_SPANS: usize = 10_000;

/// The answers to a batch: one for each record, in its order.
pub type Answers = Vec<Result<Written, Problem>>;

/// A place that keeps records and finds them again.
#[async_trait]
pub trait Store: Send + Sync {
    /// Queues `batch`, in this order and behind all that was queued before; the future waits for the commit.
    ///
    /// Each record is written whole or not at all, and answered for itself. An answer means that the record
    /// is committed as durably as [`durability`](Self::durability) says. Dropping the future changes
    /// nothing: what is queued is written. An empty batch waits for all that was queued before it.
    fn write(&self, project: &ProjectId, batch: Vec<Write>) -> BoxFuture<'static, Answers>;

    /// A page of logs, newest first.
    async fn logs(&self, project: &ProjectId, query: &LogQuery) -> Result<LogPage, Problem>;

    /// A page of a trace's spans, by start. An unknown trace is an empty page.
    async fn trace(&self, project: &ProjectId, query: &TraceQuery) -> Result<TracePage, Problem>;

    /// The span of this id.
    async fn span(&self, project: &ProjectId, span_id: &SpanId) -> Result<Option<Span>, Problem>;

    /// The id, of a trace or a span, that the W3C id `alias` stands for.
    async fn resolve(&self, project: &ProjectId, alias: &str) -> Result<Option<String>, Problem>;

    /// Every series, ordered by name and labels.
    async fn series(&self, project: &ProjectId) -> Result<Vec<Series>, Problem>;

    /// The spans in progress, newest first: at most [`MAX_OPEN_SPANS`], more is a sign of agents that end nothing.
    async fn open_spans(&self, project: &ProjectId) -> Result<Vec<OpenSpan>, Problem>;

    /// A page of spans of all traces, by one of their times.
    async fn spans(&self, project: &ProjectId, query: &SpanQuery) -> Result<SpanPage, Problem>;

    /// A page of traces.
    async fn traces(&self, project: &ProjectId, query: &TraceListQuery) -> Result<TraceRows, Problem>;

    /// What is known of one trace as a whole.
    async fn trace_row(&self, project: &ProjectId, trace_id: &TraceId) -> Result<Option<TraceRow>, Problem>;

    /// Sums of roll-ups, by bin, agent and dimension.
    async fn rollups(&self, project: &ProjectId, query: &RollupQuery) -> Result<Vec<Rollup>, Problem>;

    /// The recorded points that are [counted](crate::model::Point::contribution), by time and id: at most `limit` of
    /// those from `since` on and before `until`, behind the point `after`.
    async fn points(
        &self,
        project: &ProjectId,
        since: Timestamp,
        until: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: usize,
    ) -> Result<Vec<Point>, Problem>;

    /// What is known of failures besides their counts; those that are not held are left out.
    async fn error_groups(
        &self,
        project: &ProjectId,
        fingerprints: &[String],
    ) -> Result<Vec<ErrorGroup>, Problem>;

    /// The series of one metric through time.
    async fn series_history(
        &self,
        project: &ProjectId,
        query: &SeriesQuery,
    ) -> Result<Vec<SeriesHistory>, Problem>;

    /// Every series with the time of its last point, for one who takes it elsewhere.
    async fn dated_series(&self, project: &ProjectId) -> Result<Vec<Dated>, Problem>;

    /// Spans that ended before this instant, whose parent is not here, and that are not settled yet. Bounded like
    /// [`settle_orphans`](Self::settle_orphans), which leaves few.
    async fn orphans(&self, project: &ProjectId, ended_before: Timestamp) -> Result<Vec<Span>, Problem>;

    /// Settles a bounded slice of the spans, in all projects, that ended more than [`Span::PARENT_AWAITED`] before
    /// `now`: one whose parent has not arrived becomes a request for good.
    async fn settle_orphans(&self, now: Timestamp) -> Result<Settled, Problem>;

    /// Recounts the roll-ups of the hour that begins at `hour`, and of its minutes, from the records.
    async fn rebuild(&self, project: &ProjectId, hour: Timestamp) -> Result<(), Problem>;

    /// Deletes a bounded slice of the records for good, with what they added to the numbers.
    async fn delete(&self, project: &ProjectId, deletion: &Deletion) -> Result<Deleted, Problem>;

    /// How many items the lists of these names hold, which others write; `None` of what is no list, or where there are
    /// none to hold.
    async fn list_lengths(&self, lists: &[String]) -> Result<Vec<Option<u64>>, Problem> {
        Ok(vec![None; lists.len()])
    }

    /// How much the store holds.
    async fn size(&self, project: &ProjectId) -> Result<StoreSize, Problem>;

    /// Every project of which there are records.
    async fn projects(&self) -> Result<Vec<ProjectId>, Problem>;

    /// Deletes a bounded slice of what is older than its retention, in all projects.
    async fn expire(&self, now: Timestamp) -> Result<Expired, Problem>;

    /// Takes or renews the lease `name` for `holder` until `ttl` from now; `false` if another holds it. With a
    /// `ttl` of zero the holder gives it up, and whoever asks next gets it.
    async fn lease(&self, name: &str, holder: &str, now: Timestamp, ttl: Duration) -> Result<bool, Problem>;

    /// Every key of the installation, revoked ones too, by creation and then id.
    async fn keys(&self) -> Result<Vec<Key>, Problem>;

    /// Creates the key or replaces the one with its id, as durably as a record. Its `last_used` is not taken
    /// from here: [`touch_key`](Self::touch_key) alone sets it.
    async fn put_key(&self, key: &Key) -> Result<(), Problem>;

    /// Notes that the key was used, and changes nothing else of it. Of several uses the latest stays; an id that
    /// is not held is no error.
    async fn touch_key(&self, id: &str, used: Timestamp) -> Result<(), Problem>;

    /// Whether others write to the store past this trait, so that there can be something to
    /// [`adopt`](Self::adopt).
    fn adopts(&self) -> bool;

    /// Gives a bounded slice of what the published scripts wrote to the default project the entries by which our
    /// own records are found and expire. A round is over when there is no more; the next one looks again.
    async fn adopt(&self, now: Timestamp) -> Result<Adopted, Problem>;

    /// Whether the store answers, and accepts writes as far as that can be told without one.
    async fn ping(&self) -> Result<(), Problem>;

    /// What an answer to a write is worth.
    fn durability(&self) -> Durability;

    /// Commits what is queued and lets go of the store. Writes that come later are refused.
    async fn close(&self);
}

/// What a slice of retention did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Records deleted.
    pub deleted: u64,
    /// Whether there is more to delete now.
    pub more: bool,
}

/// What a slice of settling did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Spans that became requests.
    pub requests: u64,
    /// Whether there is more to settle now.
    pub more: bool,
}

/// What a slice of deletion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deleted {
    /// Spans deleted.
    pub spans: u64,
    /// Logs deleted.
    pub logs: u64,
    /// Whether there is more to delete.
    pub more: bool,
}

/// What a slice of adoption did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Adopted {
    /// Records that got their entries.
    pub records: u64,
    /// Whether the round goes on.
    pub more: bool,
}

/// How much a Redis holds under the names that the published scripts write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// Sets of logs, one for each type of event.
    pub log_types: u64,
    /// Spans.
    pub spans: u64,
    /// Traces.
    pub traces: u64,
    /// Whether a watchglass has written there too.
    pub watchglass: bool,
    /// Whether all names were looked at; otherwise there may be more.
    pub complete: bool,
}

impl Published {
    /// Whether there is anything.
    pub const fn is_any(&self) -> bool {
        self.log_types + self.spans + self.traces > 0
    }
}

/// What others than their owner can read of a store's files, with what to do about it.
///
/// Files are made for their owner alone; the mode of those that are there is an operator's, and stays.
pub fn exposure(options: &StoreOptions) -> Option<Problem> {
    match &options.url {
        StoreUrl::Sqlite(path) => sqlite::SqliteStore::exposure(path),
        StoreUrl::Memory | StoreUrl::Redis(_) | StoreUrl::RedisCluster(_) => None,
    }
}

/// Looks into a Redis for what the published scripts left there: a bounded look that gives up soon.
///
/// # Errors
/// A server that isn't there, or that doesn't let us look.
pub async fn published_at(url: &StoreUrl) -> Result<Published, Problem> {
    redis::published_at(url).await
}

/// Opens the store that the options name.
///
/// # Errors
/// A store that can't be opened, holds a newer schema, or is less durable than required.
pub async fn open(options: &StoreOptions) -> Result<Arc<dyn Store>, Problem> {
    open_store(options, true).await
}

/// [`open`] for a process that makes a call or two and ends: a Redis is not asked what it is and what it keeps, which
/// takes a connection and as many round trips as the call itself. What is wrong with it shows at the first call.
///
/// # Errors
/// As [`open`], as far as that can be told without asking.
pub async fn open_briefly(options: &StoreOptions) -> Result<Arc<dyn Store>, Problem> {
    open_store(options, options.require_durable).await
}

async fn open_store(options: &StoreOptions, examine: bool) -> Result<Arc<dyn Store>, Problem> {
    match &options.url {
        StoreUrl::Memory | StoreUrl::Sqlite(_) => Ok(Arc::new(sqlite::SqliteStore::open(options)?)),
        StoreUrl::Redis(_) | StoreUrl::RedisCluster(_) => {
            Ok(Arc::new(redis::RedisStore::open(options, examine).await?))
        }
    }
}

/// The store as it is, measured: `backend` is what its times are shown under.
pub fn measured(store: Arc<dyn Store>, backend: &str, metrics: &Metrics) -> Arc<dyn Store> {
    Arc::new(measured::Measured::new(store, backend, metrics))
}
