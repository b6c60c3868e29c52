//! What watchglass does, once, for every surface: decode → **service** → encode.
//!
//! **Invariant:** every record enters here, so that limits, redaction, ids and times are the same whichever way
//! it came.

mod access;
mod adoption;
mod answer;
mod caller;
mod counted;
mod cursor;
mod dead_letters;
mod echo;
mod ingest;
mod lease;
mod live;
mod logs;
pub mod numbers;
mod rebuild;
mod request;
mod retention;
mod rounds;
mod running;
mod search;
mod settlement;
mod status;
mod stretch;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod text;
mod trace;
mod traces;
pub mod transfer;
mod tree;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

pub use access::{Access, AccessOptions, NewKey};
pub use answer::{
    LogView, Logged, LogsAnswer, Page, Recorded, SpanEnded, SpanStarted, SpanView, TraceAnswer, Tree,
    TreeNode,
};
pub use caller::Caller;
pub use live::{
    End, Gap, Happening, LiveEnd, LiveEvent, LiveKind, LiveView, Subscription, Untrusted, WatchLive,
};
pub use logs::{Histogram, LevelCounts, ListLogs, LogBin, LogList, PublishedLog, RecentLogs};
pub use rebuild::WholeHours;
pub use request::{EndSpan, GetTrace, LogEvent, QueryLogs, RecordMetric, StartSpan, decode};
pub use running::{ListRunning, Running, RunningList, RunningStep};
pub use search::{Found, Looked, Search, SearchAnswer};
pub use status::{Counted, GetStatus, Kept, Sizes, Status, StoreStatus};
pub use text::MAX_MESSAGE_BYTES;
pub use traces::{
    CriticalPath, DeleteTrace, DeleteTraces, DeletedTraces, FirstError, KindTotals, ListTraces, ListedTrace,
    PathStep, PublishedTrace, ReadTrace, RecentTraces, TraceHead, TraceList, TraceReport, TraceTokens,
    TraceTotals,
};

use self::caller::Aliases;
use self::live::Live;
use crate::clock::{Clock, Ids};
use crate::model::{
    Code, ContentPolicy, Labels, Problem, ProjectId, Redactor, Scope, Series, SeriesValue, Timestamp,
};
use crate::store::{Durability, Store};
use crate::telemetry::Metrics;

/// How long one call may take, its waiting included.
const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// What an answered write became, once it is committed.
pub type Committed<T> = BoxFuture<'static, Result<T, Problem>>;

/// Is shown records, as JSON.
pub type Echo = Arc<dyn Fn(&serde_json::Value) + Send + Sync>;

/// What the service needs to know besides its store.
#[derive(Clone)]
pub struct ServiceOptions {
    /// After how long without activity in its trace an open span counts as abandoned.
    pub stale_after: Duration,
    /// The store's address, without what it takes to get in.
    pub address: String,
    /// The word for its engine.
    pub backend: &'static str,
    /// How far back logs are kept, and so can be asked for.
    pub logs_kept: Duration,
    /// How far back spans, and the numbers of each minute, are kept.
    pub traces_kept: Duration,
    /// How long series are kept to which nothing is added.
    pub series_kept: Duration,
    /// How far back the numbers of each hour are kept.
    pub rollups_kept: Duration,
    /// Bytes beyond which the oldest goes, where the store has such a limit.
    pub max_bytes: Option<u64>,
    /// The list by which model calls are priced.
    pub prices: String,
    /// Lists of other programs whose length is told, where the store can hold lists.
    pub dead_letters: Vec<String>,
    /// Is shown every record that was stored.
    pub echo: Option<Echo>,
    /// What is kept of secrets and of content.
    pub content: ContentPolicy,
    /// Counts what is taken.
    pub metrics: Arc<Metrics>,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        let week = Duration::from_secs(7 * 24 * 60 * 60);
        Self {
            stale_after: Duration::from_secs(60 * 60),
            address: "memory:".to_owned(),
            backend: "memory",
            logs_kept: week,
            traces_kept: week,
            series_kept: week,
            rollups_kept: 57 * week,
            max_bytes: None,
            prices: "none".to_owned(),
            dead_letters: vec!["dlq:agent_tasks".to_owned()],
            echo: None,
            content: ContentPolicy::default(),
            metrics: Arc::default(),
        }
    }
}

/// The use cases, on one store.
pub struct Service {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    options: ServiceOptions,
    redactor: Redactor,
    aliases: Aliases,
    live: Live,
    started: Timestamp,
}

/// Whether records can be taken, and what an answer is worth.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Why not, if not.
    pub problem: Option<Problem>,
    /// What an answered write survives.
    pub durability: Durability,
}

impl Service {
    /// A service on `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, options: ServiceOptions) -> Self {
        let redactor = Redactor::new(options.content);
        let started = clock.now();
        let (aliases, live) = (Aliases::default(), Live::default());
        Self { store, clock, ids: Ids, options, redactor, aliases, live, started }
    }

    /// What this process counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.options.metrics
    }

    /// Whether the store can be reached.
    pub async fn readiness(&self) -> Readiness {
        let problem = within_deadline(self.store.ping()).await.err();
        Readiness { problem, durability: self.store.durability() }
    }

    /// Waits until all that was submitted before this was called is committed.
    pub fn settled(&self, caller: &Caller) -> Committed<()> {
        let before = self.store.write(&caller.grant.project, Vec::new());
        within_deadline(async move {
            before.await;
            Ok(())
        })
        .boxed()
    }

    /// Every series, those counted from open spans included, ordered by name and labels.
    pub async fn series(&self, caller: &Caller) -> Result<Vec<Series>, Problem> {
        within_deadline(async {
            let project = caller.project(Scope::Metrics)?;
            let mut series = self.store.series(project).await?;
            let stale = self.clock.now().minus(self.options.stale_after);
            let mut active = std::collections::BTreeMap::<String, f64>::new();
            for root in self.store.open_spans(project).await? {
                if root.is_root && root.last_activity >= stale {
                    *active.entry(root.agent_name.unwrap_or_else(|| "unknown".into())).or_default() += 1.0;
                }
            }
            series.extend(active.into_iter().map(|(agent, open)| Series {
                name: "agent_active_requests".into(),
                labels: Labels::from([("agent_name".into(), agent)]),
                value: SeriesValue::Gauge(open),
            }));
            series.extend(self.dead_letter_series(project).await?);
            series.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
            if *project == ProjectId::default_project() {
                self.options.metrics.has_series(series.len());
            }
            Ok(series)
        })
        .await
    }

    /// Where nothing has happened since then, what is open is abandoned.
    fn stale(&self) -> Timestamp {
        self.clock.now().minus(self.options.stale_after)
    }

    /// Commits what is queued and lets go of the store.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

/// The outcome of `work`, or a timeout in its place.
async fn within_deadline<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(CALL_DEADLINE, work).await.unwrap_or_else(|_| Err(late()))
}

fn late() -> Problem {
    Problem::new(Code::StorageTimeout, "the store did not answer in time")
}

/// `work` under the deadline, as a future that owns what it needs.
fn committed<T: 'static>(work: impl Future<Output = Result<T, Problem>> + Send + 'static) -> Committed<T> {
    async move {
        within_deadline(work).await.map_err(|problem| match problem.code {
            Code::StorageTimeout => {
                problem.hint("it may have written the record: repeat the call with its `idempotency_key`")
            }
            _ => problem,
        })
    }
    .boxed()
}
