//! A store under test, and short ways to write to it and to read from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use watchglass::clock::Ids;
use watchglass::model::{
    Deletion, DimensionKind, EventFilter, EventType, Import, Labels, Level, LevelFilter, Lifted, Log,
    LogQuery, MetricKind, Point, Problem, ProjectId, Record, Rollup, RollupQuery, Span, SpanEnd, SpanId,
    SpanKind, SpanQuery, SpanStatus, SpanTime, Sums, Tier, Timestamp, TraceId, TraceListQuery, TracePage,
    TraceQuery, TraceRow, TraceRows, TraceSort, Unpriced, Usage, Write, Written,
};
use watchglass::store::{Retention, Store, StoreOptions, StoreUrl, open};

use crate::support::redis::{cluster_url, shared_cluster, shared_server};

/// The instant at which every case begins.
pub(super) const START: Timestamp = Timestamp::from_micros(1_795_339_800_123_456);

/// What keeps the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Memory,
    Sqlite,
    Redis,
    Cluster,
}

/// A store with a project, in an installation that no other case uses.
pub(super) struct World {
    pub(super) store: Arc<dyn Store>,
    pub(super) project: ProjectId,
    pub(super) engine: Engine,
    options: StoreOptions,
    _directory: TempDir,
}

/// The settings of a test's store.
pub(crate) fn options(url: &str) -> StoreOptions {
    StoreOptions {
        url: StoreUrl::parse(url).unwrap(),
        relaxed: false,
        require_durable: false,
        retention: Retention {
            traces: days(7),
            logs: days(1),
            series: days(7),
            rollups: days(400),
            max_bytes: 1 << 30,
        },
        pricing: Arc::new(Unpriced),
        connect_timeout: Duration::from_secs(1),
        response_timeout: Duration::from_secs(2),
    }
}

pub(crate) const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 60 * 60)
}

impl World {
    pub(super) async fn new(engine: Engine) -> Option<Self> {
        static PROJECTS: AtomicU32 = AtomicU32::new(0);
        let directory = tempfile::tempdir().unwrap();
        // Some methods reach all projects of an installation: each case has one of its own.
        let number = PROJECTS.fetch_add(1, Ordering::Relaxed);
        let url = match engine {
            Engine::Memory => "memory:".to_owned(),
            Engine::Sqlite => format!("sqlite:{}", directory.path().join("wg.db").display()),
            Engine::Redis => format!("{}?prefix=case-{number}:", shared_server()?.url()),
            Engine::Cluster => format!("{}?prefix=case-{number}:", cluster_url(shared_cluster()?)),
        };
        let options = options(&url);
        let store = open(&options).await.unwrap();
        let project = ProjectId::stored(format!("case-{number}"));
        Some(Self { store, project, engine, options, _directory: directory })
    }

    /// Another store on the same records, as another process would open it.
    pub(super) async fn again(&self) -> Arc<dyn Store> {
        if self.engine == Engine::Memory {
            Arc::clone(&self.store)
        } else {
            open(&self.options).await.unwrap()
        }
    }

    pub(super) async fn write(&self, batch: Vec<Write>) -> Vec<Result<Written, Problem>> {
        self.store.write(&self.project, batch).await
    }

    pub(super) async fn write_one(&self, write: Write) -> Result<Written, Problem> {
        self.write(vec![write]).await.pop().unwrap()
    }

    pub(super) async fn write_all(&self, batch: Vec<Write>) {
        for answer in self.write(batch).await {
            answer.unwrap();
        }
    }

    pub(super) async fn start(&self, span: Span) -> Result<Span, Problem> {
        match self.write_one(start(span)).await? {
            Written::SpanStarted(span) => Ok(*span),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn end(&self, end: SpanEnd) -> Result<(Span, bool), Problem> {
        match self.write_one(Write::once(Record::SpanEnd(Box::new(end)))).await? {
            Written::SpanEnded { span, already_ended } => Ok((*span, already_ended)),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn trace(&self, trace_id: &str) -> TracePage {
        let query = TraceQuery { trace_id: TraceId::stored(trace_id), limit: 20_000, after: None };
        self.store.trace(&self.project, &query).await.unwrap()
    }

    /// Every span, by start.
    pub(super) async fn spans(&self) -> Vec<Span> {
        self.spans_by(SpanTime::Start, false, 1_000).await
    }

    /// Every span, by one of its times, read in pages.
    pub(super) async fn spans_by(&self, by: SpanTime, newest_first: bool, limit: usize) -> Vec<Span> {
        let (since, until) = (at(-EVER), at(EVER));
        let mut query = SpanQuery { by, since, until, newest_first, limit, after: None };
        let mut spans = Vec::new();
        loop {
            let page = self.store.spans(&self.project, &query).await.unwrap();
            assert!(page.spans.len() <= limit);
            spans.extend(page.spans);
            query.after = page.next;
            if query.after.is_none() {
                return spans;
            }
        }
    }

    /// Every roll-up of a tier, row by row.
    pub(super) async fn sums(&self, tier: Tier) -> Sums {
        let mut sums = Sums::new();
        for dimension in [DimensionKind::Agent, DimensionKind::Step, DimensionKind::Error] {
            for row in self.rollups(&all_rollups(tier, dimension)).await {
                assert_eq!(row.dimension.kind(), dimension);
                let place = (row.bin, row.agent, row.dimension);
                assert!(sums.insert(place, row.tally).is_none(), "two sums of one place");
            }
        }
        sums
    }

    pub(super) async fn rollups(&self, query: &RollupQuery) -> Vec<Rollup> {
        self.store.rollups(&self.project, query).await.unwrap()
    }

    pub(super) async fn traces(&self, query: &TraceListQuery) -> TraceRows {
        self.store.traces(&self.project, query).await.unwrap()
    }

    pub(super) async fn trace_row(&self, trace_id: &str) -> Option<TraceRow> {
        self.store.trace_row(&self.project, &TraceId::stored(trace_id)).await.unwrap()
    }

    /// Every counted point.
    pub(super) async fn points(&self) -> Vec<Point> {
        self.store.points(&self.project, at(-EVER), at(EVER), None, 10_000).await.unwrap()
    }

    /// Deletes all that is named, slice by slice.
    pub(super) async fn delete(&self, deletion: Deletion) -> (u64, u64) {
        let (mut spans, mut logs) = (0, 0);
        loop {
            let deleted = self.store.delete(&self.project, &deletion).await.unwrap();
            spans += deleted.spans;
            logs += deleted.logs;
            if !deleted.more {
                return (spans, logs);
            }
        }
    }

    /// Settles all that is due; answers how many became requests.
    pub(super) async fn settle(&self, micros: i64) -> u64 {
        let mut requests = 0;
        loop {
            let settled = self.store.settle_orphans(at(micros)).await.unwrap();
            requests += settled.requests;
            if !settled.more {
                return requests;
            }
        }
    }

    pub(super) async fn messages(&self, query: &LogQuery) -> Vec<String> {
        let page = self.store.logs(&self.project, query).await.unwrap();
        page.logs.into_iter().map(|log| log.message).collect()
    }
}

/// The instant `micros` after the start.
pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(START.micros() + micros)
}

/// Microseconds beyond which no case goes.
const EVER: i64 = 100 * 24 * HOUR;
pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;

/// Every row of a tier, each for itself.
pub(super) fn all_rollups(tier: Tier, dimension: DimensionKind) -> RollupQuery {
    let (since, until) = (tier.start_of(at(-EVER)), at(EVER));
    RollupQuery { tier, since, until, dimension, agent: None, bin: Some(tier.width()) }
}

/// Every trace, newest first.
pub(super) fn any_trace() -> TraceListQuery {
    TraceListQuery {
        since: at(-EVER),
        until: at(EVER),
        agent_name: None,
        session_id: None,
        status: None,
        stale: at(-EVER),
        min_duration_ms: None,
        words: Vec::new(),
        sort: TraceSort::Start,
        limit: 100,
        after: None,
    }
}

pub(super) fn import(import: Import) -> Write {
    Write::once(Record::Import(Box::new(import)))
}

/// A log that was taken `micros` after the start.
pub(crate) fn log(micros: i64, event_type: &str, message: &str) -> Log {
    Log {
        id: Ids.record(),
        timestamp: at(micros),
        level: Some(Level::Info),
        event_type: EventType::stored(event_type),
        message: message.into(),
        metadata: serde_json::Map::new(),
        agent_name: None,
        trace_id: None,
        span_id: None,
        session_id: None,
        sanitized: false,
        redacted: Vec::new(),
    }
}

pub(crate) fn write_log(log: Log) -> Write {
    Write::once(Record::Log(Box::new(log)))
}

pub(crate) fn any_log() -> LogQuery {
    LogQuery {
        event_type: EventFilter::Any,
        level: LevelFilter::Any,
        since: at(-1_000_000_000),
        until: None,
        trace_id: None,
        agent_name: None,
        words: Vec::new(),
        limit: 100,
        before: None,
    }
}

/// A span that started at `micros`.
pub(crate) fn span(trace_id: &str, span_id: &str, parent: Option<&str>, micros: i64) -> Span {
    Span {
        trace_id: TraceId::stored(trace_id),
        span_id: SpanId::stored(span_id),
        parent_span_id: parent.map(SpanId::stored),
        parent_remote: false,
        orphan: false,
        name: "step".into(),
        kind: SpanKind::Other,
        start_time: at(micros),
        end_time: None,
        duration_ms: None,
        status: SpanStatus::InProgress,
        error: None,
        agent_name: None,
        session_id: None,
        model: None,
        provider: None,
        usage: Usage::default(),
        reported_cost_pico_usd: None,
        computed_cost_pico_usd: None,
        metadata: serde_json::Map::new(),
        clock_skew: false,
        redacted: Vec::new(),
        fingerprint: format!("{trace_id} {parent:?}"),
    }
}

pub(crate) fn named(mut span: Span, agent_name: &str) -> Span {
    span.agent_name = Some(agent_name.into());
    span
}

pub(crate) fn start(span: Span) -> Write {
    Write::once(Record::SpanStart(Box::new(span)))
}

pub(crate) fn end(span_id: &str, status: SpanStatus, micros: i64, metadata: Value) -> SpanEnd {
    SpanEnd {
        span_id: SpanId::stored(span_id),
        end_time: at(micros),
        status,
        metadata: serde_json::from_value(metadata).unwrap(),
        redacted: Vec::new(),
    }
}

pub(crate) fn write_end(end: SpanEnd) -> Write {
    Write::once(Record::SpanEnd(Box::new(end)))
}

/// A point of a metric whose kind the caller gave.
pub(crate) fn point(name: &str, kind: MetricKind, value: f64, labels: &[(&str, &str)]) -> Point {
    Point {
        id: Ids.record(),
        timestamp: at(0),
        name: name.into(),
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Labels>(),
        kind,
        kind_given: true,
        value,
        trace_id: None,
    }
}

pub(crate) fn write_point(point: Point) -> Write {
    Write::once(Record::Point(Box::new(point)))
}

/// Metadata and what it tells of.
pub(super) fn with_metadata(mut span: Span, metadata: Value) -> Span {
    span.metadata = serde_json::from_value(metadata).unwrap();
    span.adopt(Lifted::from_metadata(&span.metadata));
    span
}

/// The object that `value` is.
pub(crate) fn object(value: Value) -> serde_json::Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

pub(super) fn empty() -> Value {
    json!({})
}
