//! What a clock decides (B-22, B-23, B-29), on a clock that the tests move.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watchglass::clock::{Clock, ManualClock, SystemClock};
use watchglass::model::{Grant, ProjectId};
use watchglass::service::Caller;

use crate::support::inside::Inside;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::starting_at(SystemClock.now()))
}

#[tokio::test]
async fn b_22_unknown_expired_and_foreign_spans_are_the_same_to_a_caller() {
    let clock = clock();
    let inside = Inside::new(clock.clone()).await;
    let span = inside.call("start_span", json!({ "span_name": "s", "span_id": "mine" })).await.unwrap();
    let end = json!({ "span_id": span["span_id"] });
    let unknown = inside.call("end_span", json!({ "span_id": "unknown" })).await.unwrap_err();

    let other = ProjectId::parse("project", "other").unwrap();
    let foreign = inside
        .call_as(&Caller::new(Grant { project: other, ..Grant::local() }, None), "end_span", end.clone())
        .await;
    clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    while inside.store.expire(clock.now()).await.unwrap().more {}
    let expired = inside.call("end_span", end).await;

    for refused in [foreign.unwrap_err(), expired.unwrap_err()] {
        assert_eq!(refused.to_json(), unknown.to_json());
    }
}

#[tokio::test]
async fn b_23_a_clock_that_was_set_back() {
    for back in [Duration::ZERO, Duration::from_micros(1), HOUR] {
        let clock = clock();
        let inside = Inside::new(clock.clone()).await;
        let span = inside.call("start_span", json!({ "span_name": "s" })).await.unwrap();
        clock.set(clock.now().minus(back));
        let ended = inside.call("end_span", json!({ "span_id": span["span_id"] })).await.unwrap();
        assert_eq!(ended["duration_ms"], 0.0);
        let skewed = if back.is_zero() { Value::Null } else { json!(true) };
        assert_eq!(ended.get("clock_skew").cloned().unwrap_or_default(), skewed, "{back:?}");
    }
}

#[tokio::test]
async fn b_29_a_span_that_never_ends() {
    let clock = clock();
    let inside = Inside::new(clock.clone()).await;
    let start = json!({ "span_name": "s", "trace_id": "t", "span_id": "s" });
    inside.call("start_span", start).await.unwrap();
    let status = async || {
        let trace = inside.call("get_trace", json!({ "trace_id": "t" })).await.unwrap();
        (trace["spans"][0]["status"].clone(), trace["open_count"].clone())
    };
    clock.advance(HOUR);
    assert_eq!(status().await, (json!("in_progress"), json!(1)));
    clock.advance(Duration::from_secs(1));
    assert_eq!(status().await, (json!("abandoned"), json!(1)));

    // Whatever happens in the trace is a sign of life.
    let log = json!({ "event_type": "e", "message": "m", "metadata": { "trace_id": "t" } });
    inside.call("log_event", log).await.unwrap();
    assert_eq!(status().await.0, json!("in_progress"));
    clock.advance(2 * HOUR);
    assert_eq!(status().await.0, json!("abandoned"));
    let ended = inside.call("end_span", json!({ "span_id": "s" })).await.unwrap();
    assert_eq!(ended["status"], "ok", "a late end is accepted");
    assert_eq!(status().await, (json!("ok"), json!(0)));
}
