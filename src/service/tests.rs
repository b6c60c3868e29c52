//! The use cases on a store in memory, with a clock that the tests move.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::*;
use crate::clock::ManualClock;
use crate::model::{Grant, Timestamp, TraceContext};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct World {
    service: Service,
    clock: Arc<ManualClock>,
    echoed: Arc<Mutex<Vec<Value>>>,
}

impl World {
    async fn new() -> Self {
        let store = testing::memory().await;
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_micros(1_795_339_800_000_000)));
        let echoed = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&echoed);
        let echo: Echo = Arc::new(move |record| shown.lock().unwrap().push(record.clone()));
        let options = ServiceOptions { echo: Some(echo), ..ServiceOptions::default() };
        let service = Service::new(store, Arc::clone(&clock) as Arc<dyn Clock>, options);
        Self { service, clock, echoed }
    }

    async fn start(&self, caller: &Caller, arguments: Value) -> SpanStarted {
        let request = serde_json::from_value(arguments).unwrap();
        self.service.start_span(caller, request).await.unwrap().await.unwrap()
    }

    async fn end(&self, span_id: &str) -> SpanEnded {
        let request = serde_json::from_value(json!({ "span_id": span_id, "status": "ok" })).unwrap();
        self.service.end_span(&Caller::local(), request).await.unwrap().await.unwrap()
    }

    async fn log(&self, caller: &Caller, metadata: Value) -> Logged {
        let request =
            json!({ "level": "info", "event_type": "step", "message": "hello", "metadata": metadata });
        let request = serde_json::from_value(request).unwrap();
        self.service.log_event(caller, request).await.unwrap().await.unwrap()
    }

    async fn trace(&self, trace_id: &str) -> TraceAnswer {
        let request = serde_json::from_value(json!({ "trace_id": trace_id })).unwrap();
        self.service.get_trace(&Caller::local(), request).await.unwrap()
    }

    async fn logs(&self, question: Value) -> LogsAnswer {
        let request = serde_json::from_value(question).unwrap();
        self.service.query_logs(&Caller::local(), request).await.unwrap()
    }

    async fn active(&self) -> Map<String, Value> {
        let series = self.service.series(&Caller::local()).await.unwrap();
        let open = series.into_iter().filter(|series| series.name == "agent_active_requests");
        open.map(|series| match series.value {
            SeriesValue::Gauge(value) => (series.labels["agent_name"].clone(), json!(value)),
            other => panic!("{other:?} is no gauge"),
        })
        .collect()
    }
}

fn within(traceparent: &str) -> Caller {
    Caller::new(Grant::local(), TraceContext::parse(traceparent))
}

#[tokio::test]
async fn a_traceparent_leads_back_to_ids_that_are_not_w3c() {
    let world = World::new().await;
    let root = world
        .start(
            &Caller::local(),
            json!({ "span_name": "agent_request", "trace_id": "a1b2c3d4", "span_id": "root" }),
        )
        .await;
    let inside = within(&root.traceparent);
    let step = world.start(&inside, json!({ "span_name": "llm_call" })).await;
    assert_eq!((step.trace_id.as_str(), step.parent_span_id.as_deref()), ("a1b2c3d4", Some("root")));
    world.log(&inside, json!({})).await;

    let logs = world.logs(json!({ "trace_id": "a1b2c3d4" })).await.logs;
    assert_eq!(logs[0].span_id.as_deref(), Some("root"));
    let w3c = "000000000000000000000000a1b2c3d4";
    let by_argument = json!({ "span_name": "tool.x", "trace_id": w3c, "parent_span_id": step.span_id });
    assert_eq!(world.start(&Caller::local(), by_argument).await.trace_id, "a1b2c3d4");
    world.log(&Caller::local(), json!({ "trace_id": w3c })).await;
    assert_eq!(world.logs(json!({ "trace_id": w3c })).await.total, 2);
    let other_form = world.trace(w3c).await;
    assert_eq!((other_form.trace_id.as_str(), other_form.returned), ("a1b2c3d4", 3));
    assert_eq!(other_form.tree.roots[0].children[0].span_id, step.span_id);
}

#[tokio::test]
async fn context_yields_to_a_trace_that_the_call_names() {
    let world = World::new().await;
    let elsewhere = within("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let own = world.start(&elsewhere, json!({ "span_name": "step", "trace_id": "mine" })).await;
    assert_eq!((own.trace_id.as_str(), own.parent_span_id), ("mine", None));
    let local_root = world.start(&elsewhere, json!({ "span_name": "step" })).await;
    assert_eq!(local_root.parent_span_id.as_deref(), Some("00f067aa0ba902b7"));
    let trace = world.trace(&local_root.trace_id).await;
    assert!(trace.spans[0].parent_remote && !trace.tree.roots[0].missing_parent);
}

#[tokio::test]
async fn a_span_takes_its_agent_from_its_parent_or_from_its_trace() {
    let world = World::new().await;
    let nobody = Caller::local();
    let root = world.start(&nobody, json!({ "span_name": "agent_request", "trace_id": "t" })).await;
    world.log(&nobody, json!({ "agent_name": "planner", "trace_id": "t" })).await;
    let step = json!({ "span_name": "tool.search", "trace_id": "t", "parent_span_id": root.span_id });
    world.start(&nobody, step).await;
    let named = json!({ "span_name": "agent_other", "trace_id": "t", "agent_name": "helper" });
    let other = world.start(&nobody, named).await;
    let below = json!({ "span_name": "tool.x", "trace_id": "t", "parent_span_id": other.span_id });
    world.start(&nobody, below).await;
    let agents: Vec<String> = world.trace("t").await.spans.into_iter().map(|span| span.agent_name).collect();
    assert_eq!(agents.iter().filter(|agent| *agent == "planner").count(), 2, "{agents:?}");
    assert_eq!(agents.iter().filter(|agent| *agent == "helper").count(), 2, "{agents:?}");
}

#[tokio::test]
async fn open_roots_are_active_until_they_end_or_are_abandoned() {
    let world = World::new().await;
    let nobody = Caller::local();
    let planner = json!({ "span_name": "agent_request", "agent_name": "planner" });
    let first = world.start(&nobody, planner.clone()).await;
    let second = world.start(&nobody, planner).await;
    world.start(&nobody, json!({ "span_name": "agent_request" })).await;
    assert_eq!(json!(world.active().await), json!({ "planner": 2.0, "unknown": 1.0 }));
    world.end(&first.span_id).await;

    world.clock.advance(HOUR.mul_f64(0.999));
    world.log(&nobody, json!({ "trace_id": second.trace_id })).await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(json!(world.active().await), json!({ "planner": 1.0 }), "a log keeps its trace alive");
    world.clock.advance(HOUR);
    assert_eq!(world.active().await, Map::new());
    assert_eq!(world.trace(&second.trace_id).await.spans[0].status, "abandoned");

    assert_eq!(world.end(&second.span_id).await.status, "ok", "a late end is taken");
    assert_eq!(world.trace(&second.trace_id).await.spans[0].status, "ok");
}

#[tokio::test]
async fn spans_that_end_with_tokens_are_counted_once_and_by_type() {
    let world = World::new().await;
    let nobody = Caller::local();
    let usage = json!({ "model": "m", "input_tokens": 10, "cache_read_tokens": 5, "output_tokens": 3, "cost_usd": 0.25 });
    for name in ["agent_request", "llm_call"] {
        let span = world.start(&nobody, json!({ "span_name": name, "agent_name": "planner" })).await;
        let request = json!({ "span_id": span.span_id, "metadata": usage });
        let request: EndSpan = serde_json::from_value(request).unwrap();
        for _ in 0..2 {
            world.service.end_span(&nobody, request.clone()).await.unwrap().await.unwrap();
        }
    }
    let series = world.service.series(&nobody).await.unwrap();
    let counted = |name: &str, label: (&str, &str)| {
        let found = series.iter().find(|series| {
            series.name == name && series.labels.get(label.0).is_some_and(|value| value == label.1)
        });
        found.map(|series| series.value.clone())
    };
    for (token_type, count) in [("input", 10.0), ("cache_read", 5.0), ("output", 3.0)] {
        let counted = counted("agent_tokens_total", ("token_type", token_type));
        assert_eq!(counted, Some(SeriesValue::Counter(count)), "{token_type}");
    }
    assert_eq!(counted("agent_cost_usd_total", ("model", "m")), Some(SeriesValue::Counter(0.25)));
    let durations = series.iter().filter(|series| series.name == "agent_span_duration_seconds");
    assert_eq!(durations.count(), 2);
}

#[tokio::test]
async fn what_was_stored_is_echoed_and_what_was_refused_is_not() {
    let world = World::new().await;
    let nobody = Caller::local();
    world.log(&nobody, json!({ "agent_name": "planner" })).await;
    let unknown: EndSpan = serde_json::from_value(json!({ "span_id": "nobody", "status": "ok" })).unwrap();
    let refused = world.service.end_span(&nobody, unknown).await.unwrap().await.unwrap_err();
    assert_eq!(refused.code, Code::SpanNotFound);
    let echoed = world.echoed.lock().unwrap().clone();
    assert_eq!(echoed.len(), 1);
    assert_eq!((&echoed[0]["event_type"], &echoed[0]["agent_name"]), (&json!("step"), &json!("planner")));
}

#[tokio::test]
async fn what_was_replaced_is_counted_once_it_is_stored_and_not_echoed() {
    let world = World::new().await;
    let nobody = Caller::local();
    world
        .log(&nobody, json!({ "password": "hunter2", "url": "redis://:hunter2@host", "secret": "hunter2" }))
        .await;
    let metric = json!({ "metric_name": "calls", "value": 1, "labels": { "secret": "hunter2" } });
    let metric: RecordMetric = serde_json::from_value(metric).unwrap();
    world.service.record_metric(&nobody, metric).await.unwrap().await.unwrap();
    let unknown = json!({ "span_id": "nobody", "metadata": { "secret": "hunter2" } });
    let unknown: EndSpan = serde_json::from_value(unknown).unwrap();
    world.service.end_span(&nobody, unknown).await.unwrap().await.unwrap_err();
    let expected = BTreeMap::from(
        [("password", 1.0), ("secret", 2.0), ("url_credentials", 1.0)]
            .map(|(rule, times)| (rule.to_owned(), times)),
    );
    assert_eq!(world.service.options.metrics.counted("watchglass_redactions_total"), expected);
    assert!(!json!(*world.echoed.lock().unwrap()).to_string().contains("hunter2"));
}

#[tokio::test]
async fn retention_deletes_what_is_old_for_the_one_that_has_the_lease() {
    let world = World::new().await;
    let nobody = Caller::local();
    let span = world.start(&nobody, json!({ "span_name": "agent_request" })).await;
    for _ in 0..600 {
        world.log(&nobody, json!({ "trace_id": span.trace_id })).await;
    }
    assert_eq!(world.service.expire("a").await.unwrap(), 0);
    world.clock.advance(7 * DAY + HOUR);
    assert_eq!(world.service.expire("a").await.unwrap(), 603, "the logs, the span, its trace and its minute");
    assert_eq!(world.service.expire("b").await.unwrap(), 0, "another process has the lease");
    assert_eq!(world.trace(&span.trace_id).await.total, 0);
    assert_eq!(world.logs(json!({ "since_minutes": 10_080 })).await.total, 0);
}

#[tokio::test]
async fn one_call_in_many_trims_a_slice() {
    let world = World::new().await;
    world.log(&Caller::local(), json!({})).await;
    world.clock.advance(7 * DAY + HOUR + Duration::from_micros(1));
    world.service.trim().await;
    assert_eq!(world.service.expire("a").await.unwrap(), 1, "it was left to another");
    world.clock.advance(HOUR);

    world.log(&Caller::local(), json!({})).await;
    world.clock.advance(7 * DAY + HOUR + Duration::from_micros(63));
    world.service.trim().await;
    world.clock.advance(HOUR);
    assert_eq!(world.service.expire("a").await.unwrap(), 0, "it is gone");
}
