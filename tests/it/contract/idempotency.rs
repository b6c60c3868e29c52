//! Idempotency keys: one call, however often it is made.

use watchglass::model::{
    Code, Idempotency, MetricKind, Point, SeriesValue, Span, SpanId, SpanStatus, Total, TraceId, Write,
    Written,
};

use super::world::{
    World, any_log, at, empty, end, log, point, span, start, write_end, write_log, write_point,
};

fn keyed(write: Write, key: &str, fingerprint: &str) -> Write {
    let idempotency = Some(Idempotency { key: key.into(), fingerprint: fingerprint.into() });
    Write { idempotency, ..write }
}

/// A later call with the same content: another id, another time.
fn call(record: &str, micros: i64) -> Write {
    match record {
        "log" => write_log(log(micros, "e", "m")),
        "point" => {
            let point = point("calls_total", MetricKind::Counter, 2.0, &[]);
            write_point(Point { timestamp: at(micros), ..point })
        }
        _ => {
            let minted = watchglass::clock::Ids.span();
            let trace_id = TraceId::stored(watchglass::clock::Ids.trace());
            let fingerprint = format!("{trace_id} {minted}");
            let span_id = SpanId::stored(minted);
            start(Span { trace_id, span_id, fingerprint, ..span("", "", None, micros) })
        }
    }
}

pub(super) async fn a_log_is_written_once(world: World) {
    let first = world.write_one(keyed(call("log", 0), "k", "f")).await.unwrap();
    let again = world.write_one(keyed(call("log", 9), "k", "f")).await.unwrap();
    assert_eq!(first, again);
    let both = world.write(vec![keyed(call("log", 1), "l", "f"), keyed(call("log", 2), "l", "f")]).await;
    assert_eq!(both[0].as_ref().unwrap(), both[1].as_ref().unwrap());
    let page = world.store.logs(&world.project, &any_log()).await.unwrap();
    assert_eq!(page.total, Total { value: 2, exact: true });
}

pub(super) async fn a_start_is_written_once(world: World) {
    let first = world.write_one(keyed(call("start", 0), "k", "f")).await.unwrap();
    let Written::SpanStarted(started) = &first else { panic!("{first:?}") };
    let again = world.write_one(keyed(call("start", 9), "k", "f")).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(world.trace(started.trace_id.as_str()).await.total, 1);
}

pub(super) async fn an_end_is_written_once(world: World) {
    world.start(span("t", "1", None, 0)).await.unwrap();
    let call = |micros| keyed(write_end(end("1", SpanStatus::Ok, micros, empty())), "k", "f");
    let first = world.write_one(call(1_000)).await.unwrap();
    let again = world.write_one(call(2_000)).await.unwrap();
    assert_eq!(first, again);
    assert!(matches!(first, Written::SpanEnded { already_ended: false, .. }));
}

pub(super) async fn a_point_is_counted_once(world: World) {
    let first = world.write_one(keyed(call("point", 0), "k", "f")).await.unwrap();
    assert_eq!(world.write_one(keyed(call("point", 9), "k", "f")).await.unwrap(), first);
    let both = world.write(vec![keyed(call("point", 1), "l", "f"), keyed(call("point", 2), "l", "f")]).await;
    assert!(both.iter().all(Result::is_ok));
    assert_eq!(world.store.series(&world.project).await.unwrap()[0].value, SeriesValue::Counter(4.0));
}

pub(super) async fn other_content_conflicts(world: World) {
    for record in ["log", "start", "point"] {
        world.write_one(keyed(call(record, 0), record, "f")).await.unwrap();
        let other = world.write_one(keyed(call(record, 1), record, "other")).await.unwrap_err();
        assert_eq!(
            (other.code, other.field.as_deref()),
            (Code::IdempotencyConflict, Some("idempotency_key"))
        );
    }
    let page = world.store.logs(&world.project, &any_log()).await.unwrap();
    assert_eq!(page.logs.len(), 1);
}

pub(super) async fn a_refused_call_frees_its_key(world: World) {
    let refused = keyed(write_end(end("unknown", SpanStatus::Ok, 0, empty())), "k", "first");
    assert_eq!(world.write_one(refused).await.unwrap_err().code, Code::SpanNotFound);
    world.write_one(keyed(call("log", 0), "k", "corrected")).await.unwrap();
}

pub(super) async fn two_stores_agree(world: World) {
    let other = world.again().await;
    for round in 0..20 {
        let key = format!("k{round}");
        let write = |micros, record| vec![keyed(call(record, micros), &format!("{key}{record}"), "f")];
        let logs = (
            world.store.write(&world.project, write(0, "log")),
            other.write(&world.project, write(5, "log")),
        );
        let points = (
            world.store.write(&world.project, write(0, "point")),
            other.write(&world.project, write(5, "point")),
        );
        let (one, two, three, four) = tokio::join!(logs.0, logs.1, points.0, points.1);
        assert_eq!(one[0].as_ref().unwrap(), two[0].as_ref().unwrap());
        assert!(three[0].is_ok() && four[0].is_ok());
    }
    let page = world.store.logs(&world.project, &any_log()).await.unwrap();
    assert_eq!(page.total, Total { value: 20, exact: true });
    assert_eq!(world.store.series(&world.project).await.unwrap()[0].value, SeriesValue::Counter(40.0));
    other.close().await;
}
