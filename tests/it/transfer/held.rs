//! A store full of all that can be taken elsewhere, and all that a store holds.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watchglass::clock::{Clock, ManualClock, SystemClock};
use watchglass::model::{
    Dated, DimensionKind, EventFilter, Grant, LevelFilter, Log, LogQuery, Point, ProjectId, Rollup,
    RollupQuery, Scopes, Span, SpanQuery, SpanTime, Tier, Timestamp, TraceListQuery, TraceRow, TraceSort,
};
use watchglass::replay::{self, Run};
use watchglass::service::Caller;
use watchglass::store::{Store, open};

use crate::contract::world::options;
use crate::support::inside::Inside;
use crate::support::services::repository;

/// Far enough in the future to be after everything.
const LATER: Timestamp = Timestamp::from_micros(1 << 52);

/// All that a project holds, in an order that is the same in every store.
#[derive(Debug, PartialEq)]
pub(super) struct Held {
    pub(super) logs: Vec<Log>,
    pub(super) spans: Vec<Span>,
    pub(super) points: Vec<Point>,
    pub(super) series: Vec<Dated>,
    /// Without when something last happened, which is kept to the second.
    pub(super) traces: Vec<TraceRow>,
    pub(super) rollups: Vec<(Tier, Rollup)>,
}

/// Fails with the first record in which the two differ.
pub(super) fn assert_same(found: &Held, expected: &Held) {
    fn compare<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) {
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found, expected);
        }
        assert_eq!(found.len(), expected.len(), "{:?}", found.last());
    }
    compare(&found.logs, &expected.logs);
    compare(&found.spans, &expected.spans);
    compare(&found.points, &expected.points);
    compare(&found.series, &expected.series);
    compare(&found.traces, &expected.traces);
    compare(&found.rollups, &expected.rollups);
}

impl Held {
    /// What `project` holds in the store at `url`.
    pub(super) async fn of(url: &str, project: &str) -> Self {
        let store = open(&options(url)).await.unwrap();
        let held = Self::read(&*store, &ProjectId::stored(project)).await;
        store.close().await;
        held
    }

    async fn read(store: &dyn Store, project: &ProjectId) -> Self {
        let since = Timestamp::from_micros(0);
        let mut held = Self {
            logs: logs(store, project).await,
            spans: spans(store, project).await,
            points: store.points(project, since, LATER, None, 10_000).await.unwrap(),
            series: store.dated_series(project).await.unwrap(),
            traces: traces(store, project).await,
            rollups: Vec::new(),
        };
        held.series
            .sort_by(|(one, _), (other, _)| (&one.name, &one.labels).cmp(&(&other.name, &other.labels)));
        for tier in Tier::ALL {
            for dimension in [DimensionKind::Agent, DimensionKind::Step, DimensionKind::Error] {
                let bin = Some(tier.width());
                let query = RollupQuery { tier, since, until: LATER, dimension, agent: None, bin };
                let rollups = store.rollups(project, &query).await.unwrap();
                held.rollups.extend(rollups.into_iter().map(|rollup| (tier, rollup)));
            }
        }
        held.rollups.sort_by(|(a, one), (b, other)| {
            (a, one.bin, &one.agent, &one.dimension).cmp(&(b, other.bin, &other.agent, &other.dimension))
        });
        held
    }
}

async fn logs(store: &dyn Store, project: &ProjectId) -> Vec<Log> {
    let mut query = LogQuery {
        event_type: EventFilter::Any,
        level: LevelFilter::Any,
        since: Timestamp::from_micros(0),
        until: None,
        trace_id: None,
        agent_name: None,
        words: Vec::new(),
        limit: 1_000,
        before: None,
    };
    let mut logs = Vec::new();
    loop {
        let page = store.logs(project, &query).await.unwrap();
        logs.extend(page.logs);
        match page.next {
            Some(next) => query.before = Some(next),
            None => return logs,
        }
    }
}

async fn spans(store: &dyn Store, project: &ProjectId) -> Vec<Span> {
    let mut query = SpanQuery {
        by: SpanTime::Start,
        since: Timestamp::from_micros(0),
        until: LATER,
        newest_first: false,
        limit: 1_000,
        after: None,
    };
    let mut spans = Vec::new();
    loop {
        let page = store.spans(project, &query).await.unwrap();
        spans.extend(page.spans);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return spans,
        }
    }
}

async fn traces(store: &dyn Store, project: &ProjectId) -> Vec<TraceRow> {
    let query = TraceListQuery {
        since: Timestamp::from_micros(0),
        until: LATER,
        agent_name: None,
        session_id: None,
        status: None,
        stale: Timestamp::from_micros(0),
        min_duration_ms: None,
        words: Vec::new(),
        sort: TraceSort::Start,
        limit: 1_000,
        after: None,
    };
    let rows = store.traces(project, &query).await.unwrap();
    rows.traces.into_iter().map(|row| TraceRow { last_activity: Timestamp::from_micros(0), ..row }).collect()
}

/// A caller who may do everything with a project.
pub(super) fn caller(project: &str) -> Caller {
    Caller::new(Grant { project: ProjectId::stored(project), scopes: Scopes::all(), key_id: None }, None)
}

/// Fills the default project of the store at `url` with recorded runs and with all else that there can be, over the last
/// hours, and the project `other` with a little.
pub(crate) async fn fill(url: &str) {
    let clock = Arc::new(ManualClock::starting_at(SystemClock.now().minus(Duration::from_secs(3 * 3_600))));
    let inside = Inside::on(url, Arc::clone(&clock) as Arc<dyn Clock>).await;
    let text = std::fs::read_to_string(repository("examples/data/tau_airline.jsonl")).unwrap();
    for transcript in replay::read(&text).unwrap().iter().take(3) {
        let run = Run::of(transcript);
        let start = clock.now();
        for call in &run.calls {
            clock.set(start.plus(call.at));
            inside.call(call.tool, Value::Object(call.arguments.clone())).await.unwrap();
        }
        clock.advance(Duration::from_secs(10 * 60));
    }
    let rest = [
        (
            "log_event",
            json!({ "event_type": "a.b/c", "message": "two\nlines \u{202e} 日本語", "level": "fatal",
            "metadata": { "agent_name": "odd", "trace_id": "loose", "deep": [{ "a": [1, 2.5, null] }], "password": "hunter2" } }),
        ),
        ("start_span", json!({ "trace_id": "loose", "span_id": "open", "span_name": "agent_request" })),
        (
            "start_span",
            json!({ "trace_id": "loose", "span_id": "child", "parent_span_id": "gone", "span_name": "tool.x" }),
        ),
        ("end_span", json!({ "span_id": "child", "status": "error", "metadata": { "error": "boom 17" } })),
        (
            "start_span",
            json!({ "trace_id": "loose", "span_id": "call", "parent_span_id": "open", "span_name": "llm_call" }),
        ),
        (
            "end_span",
            json!({ "span_id": "call", "metadata": { "input_tokens": 1_000, "output_tokens": 50, "cost_usd": 0.0125, "model": "m" } }),
        ),
        (
            "record_metric",
            json!({ "metric_name": "agent.tokens.input", "value": 120, "labels": { "agent_name": "odd" } }),
        ),
        ("record_metric", json!({ "metric_name": "queue.depth", "value": 7.25 })),
        (
            "record_metric",
            json!({ "metric_name": "agent.request.duration_ms", "value": 812.5, "labels": { "agent_name": "odd" } }),
        ),
        ("record_metric", json!({ "metric_name": "agent.tool_calls", "value": 3 })),
    ];
    for (tool, arguments) in rest {
        clock.advance(Duration::from_millis(1_234));
        inside.call(tool, arguments).await.unwrap();
    }
    let log = json!({ "event_type": "of.other", "message": "m" });
    inside.call_as(&caller("other"), "log_event", log).await.unwrap();
    inside.service.close().await;
}
