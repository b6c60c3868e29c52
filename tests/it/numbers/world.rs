//! A service whose clock stands still, on a store that may be opened again, and short ways to write to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use watchglass::clock::{Clock, Ids, ManualClock};
use watchglass::model::{
    Grant, Import, Point, Problem, ProjectId, Record, Scopes, Span, SpanKind, SpanStatus, Timestamp, Usage,
    Write,
};
use watchglass::service::numbers::{Overview, OverviewAnswer, Period};
use watchglass::service::{Caller, Service, ServiceOptions};
use watchglass::store::{Store, StoreOptions, open};

use crate::contract::world::{days, options, span};
use crate::support::redis::{cluster_url, shared_cluster, shared_server};

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;

/// The time of the questions: within a minute, and within an hour.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_795_339_800_000_000 + 34 * MINUTE + 5_500_001);

/// What keeps the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Memory,
    Sqlite,
    Redis,
    Cluster,
}

/// A service on a project that no other case uses.
pub(super) struct World {
    pub(super) service: Arc<Service>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) caller: Caller,
    pub(super) project: ProjectId,
    pub(super) engine: Engine,
    options: StoreOptions,
    /// Where a file of SQLite is, for as long as anyone uses it.
    directory: Arc<TempDir>,
}

impl World {
    pub(super) async fn new(engine: Engine) -> Option<Self> {
        static PROJECTS: AtomicU32 = AtomicU32::new(0);
        let directory = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Memory => "memory:".to_owned(),
            Engine::Sqlite => format!("sqlite:{}", directory.path().join("wg.db").display()),
            Engine::Redis => shared_server()?.url(),
            Engine::Cluster => cluster_url(shared_cluster()?),
        };
        let options = options(&url);
        let store = open(&options).await.unwrap();
        let project = ProjectId::stored(format!("numbers-{}", PROJECTS.fetch_add(1, Ordering::Relaxed)));
        let clock = Arc::new(ManualClock::starting_at(NOW));
        let grant = Grant { project: project.clone(), scopes: Scopes::all(), key_id: None };
        Some(Self {
            service: service(&store, &clock),
            store,
            clock,
            caller: Caller::new(grant, None),
            project,
            engine,
            options,
            directory: Arc::new(directory),
        })
    }

    /// Another process on the same records, with the same clock. A store in memory can't be shared.
    pub(super) async fn again(&self) -> Self {
        let store = if self.engine == Engine::Memory {
            Arc::clone(&self.store)
        } else {
            open(&self.options).await.unwrap()
        };
        Self {
            service: service(&store, &self.clock),
            store,
            clock: Arc::clone(&self.clock),
            caller: self.caller.clone(),
            project: self.project.clone(),
            engine: self.engine,
            options: self.options.clone(),
            directory: Arc::clone(&self.directory),
        }
    }

    pub(super) async fn write(&self, records: Vec<Record>) {
        let batch = records.into_iter().map(Write::once).collect();
        for answer in self.store.write(&self.project, batch).await {
            answer.unwrap();
        }
    }

    /// Spans as another store held them: with whatever times and fields a test is about.
    pub(super) async fn hold(&self, spans: impl IntoIterator<Item = Span>) {
        self.write(spans.into_iter().map(|span| import(Import::Span(Box::new(span)))).collect()).await;
    }

    pub(super) async fn count(&self, point: Point) {
        self.write(vec![Record::Point(Box::new(point))]).await;
    }

    pub(super) async fn overview(&self, question: Question<'_>) -> OverviewAnswer {
        self.try_overview(question).await.unwrap()
    }

    pub(super) async fn try_overview(&self, question: Question<'_>) -> Result<OverviewAnswer, Problem> {
        let request = Overview { period: question.period(), agent: text(question.agent), compare: None };
        self.service.overview(&self.caller, request).await
    }

    /// Moves the clock.
    pub(super) fn later(&self, micros: i64) {
        self.clock.advance(Duration::from_micros(micros.unsigned_abs()));
    }
}

fn service(store: &Arc<dyn Store>, clock: &Arc<ManualClock>) -> Arc<Service> {
    let options =
        ServiceOptions { traces_kept: days(7), rollups_kept: days(400), ..ServiceOptions::default() };
    Arc::new(Service::new(Arc::clone(store), Arc::clone(clock) as Arc<dyn Clock>, options))
}

/// A window, where empty texts are not given.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Question<'a> {
    pub(super) window: &'a str,
    pub(super) since: &'a str,
    pub(super) until: &'a str,
    pub(super) agent: &'a str,
}

impl Question<'_> {
    pub(super) fn period(self) -> Period {
        Period { window: text(self.window), since: text(self.since), until: text(self.until) }
    }
}

/// The last five minutes.
pub(super) const RECENT: Question<'static> = Question { window: "", since: "", until: "", agent: "" };

pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn import(import: Import) -> Record {
    Record::Import(Box::new(import))
}

/// The instant so many microseconds before the questions.
pub(super) fn ago(micros: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() - micros)
}

/// A request of `agent` in a trace of its own that started so long ago.
pub(super) fn request(agent: &str, started_ago: i64) -> Span {
    let (trace_id, span_id) = (Ids.trace(), Ids.span());
    let mut request = span(&trace_id, &span_id, None, 0);
    request.start_time = ago(started_ago);
    request.agent_name = Some(agent.to_owned());
    request.kind = SpanKind::Agent;
    request.name = "agent_request".into();
    request
}

/// A step of `parent`.
pub(super) fn step(parent: &Span, kind: SpanKind, name: &str, started_ago: i64) -> Span {
    let mut step = request("", started_ago);
    step.trace_id = parent.trace_id.clone();
    step.parent_span_id = Some(parent.span_id.clone());
    step.agent_name.clone_from(&parent.agent_name);
    (step.kind, step.name) = (kind, name.to_owned());
    step
}

/// The span, ended so long ago.
pub(super) fn ended(mut span: Span, status: SpanStatus, ended_ago: i64) -> Span {
    let end = ago(ended_ago);
    (span.status, span.end_time) = (status, Some(end));
    span.duration_ms = Some(end.millis_since(span.start_time).max(0.0));
    span
}

pub(super) fn ok(span: Span, ended_ago: i64) -> Span {
    ended(span, SpanStatus::Ok, ended_ago)
}

/// The failed span, with what it says.
pub(super) fn failed(span: Span, ended_ago: i64, error: &str) -> Span {
    Span { error: Some(error.to_owned()), ..ended(span, SpanStatus::Error, ended_ago) }
}

/// A call of a model by `parent` that ended so long ago, with tokens read and written.
pub(super) fn llm(
    parent: &Span,
    model: &str,
    ended_ago: i64,
    tokens: (u64, u64),
    dollars: Option<f64>,
) -> Span {
    let call = step(parent, SpanKind::Llm, "llm_call", ended_ago + SECOND);
    #[expect(clippy::cast_possible_truncation, reason = "small sums")]
    let cost = dollars.map(|dollars| (dollars * 1e12).round() as i64);
    Span {
        model: Some(model.to_owned()),
        usage: Usage { input: Some(tokens.0), output: Some(tokens.1), ..Usage::default() },
        reported_cost_pico_usd: cost,
        ..ok(call, ended_ago)
    }
}

/// Whether two numbers are the same but for the last digits of a float, of which `None` has none.
pub(super) fn close(one: Option<f64>, two: Option<f64>, relative: f64) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => (one - two).abs() <= relative * two.abs() + 1e-9,
        (one, two) => one == two,
    }
}

/// An answer as JSON.
pub(super) fn json(answer: impl serde::Serialize) -> Value {
    serde_json::to_value(answer).unwrap()
}
