//! The store itself: barriers, retention, leases, closing.

use std::time::Duration;

use watchglass::model::{Code, Log, MetricKind, TraceId};

use super::world::{World, any_log, at, days, log, point, span, start, write_log, write_point};

pub(super) async fn an_empty_batch_is_a_barrier(world: World) {
    let written = world.store.write(&world.project, (0..50).map(|n| write_log(log(n, "e", "m"))).collect());
    let barrier = world.store.write(&world.project, Vec::new());
    drop(written);
    assert!(barrier.await.is_empty());
    assert_eq!(world.messages(&any_log()).await.len(), 50, "dropping the future changes nothing");
}

pub(super) async fn what_is_old_goes(world: World) {
    // The reach of `expire` is every project, so other cases must not meet it: theirs begin at the start.
    let old = -10 * 24 * 60 * 60 * 1_000_000;
    let mut batch: Vec<_> = (0..30).map(|n| write_log(log(old + n, "e", "old"))).collect();
    batch.push(write_log(Log { trace_id: Some(TraceId::stored("t")), ..log(0, "e", "new") }));
    batch.push(start(span("t", "old", None, old)));
    batch.push(start(span("t", "new", None, 0)));
    let mut forgotten = point("old_total", MetricKind::Counter, 1.0, &[]);
    forgotten.timestamp = at(old);
    batch.push(write_point(forgotten));
    batch.push(write_point(point("new_total", MetricKind::Counter, 1.0, &[])));
    world.write_all(batch).await;
    let mut deleted = 0;
    loop {
        let expired = world.store.expire(at(1_000)).await.unwrap();
        deleted += expired.deleted;
        if !expired.more {
            break;
        }
    }
    assert!(deleted >= 32, "{deleted}");
    let all = watchglass::model::LogQuery { since: at(2 * old), ..any_log() };
    assert_eq!(world.messages(&all).await, ["new"]);
    let spans = world.trace("t").await.spans;
    assert_eq!(spans.iter().map(|span| span.span_id.as_str()).collect::<Vec<_>>(), ["new"]);
    let names: Vec<_> =
        world.store.series(&world.project).await.unwrap().into_iter().map(|series| series.name).collect();
    assert_eq!(names, ["new_total"]);
    assert_eq!(world.store.open_spans(&world.project).await.unwrap().len(), 1);
}

pub(super) async fn leases_exclude(world: World) {
    let name = world.project.to_string();
    let lease =
        async |holder: &str, after: i64, ttl| world.store.lease(&name, holder, at(after), ttl).await.unwrap();
    assert!(lease("one", 0, days(1)).await);
    assert!(!lease("two", 1, days(1)).await);
    assert!(lease("one", 2, Duration::from_millis(50)).await, "its holder renews it");
    // The store's own clock may decide, so both clocks move on.
    let mut later = 100_000;
    while !lease("two", later, days(1)).await {
        tokio::time::sleep(Duration::from_millis(10)).await;
        later += 10_000;
        assert!(later < 60_000_000, "the lease never ends");
    }
    assert!(!lease("one", later, days(1)).await);
}

pub(super) async fn a_lease_is_given_up(world: World) {
    let name = world.project.to_string();
    let lease =
        async |holder: &str, after: i64, ttl| world.store.lease(&name, holder, at(after), ttl).await.unwrap();
    assert!(lease("one", 10, days(1)).await);
    assert!(!lease("two", 11, Duration::ZERO).await, "nobody gives up what another holds");
    assert!(!lease("two", 12, days(1)).await);
    assert!(lease("one", 13, Duration::ZERO).await);
    assert!(lease("one", 13, Duration::ZERO).await, "giving it up again is harmless");
    assert!(lease("two", 0, days(1)).await, "at once, even by a clock that is behind");
    assert!(!lease("one", 14, days(1)).await);
}

pub(super) async fn a_closed_store_refuses(world: World) {
    let queued = world.store.write(&world.project, vec![write_log(log(0, "e", "m"))]);
    let second = world.again().await;
    world.store.close().await;
    assert!(queued.await[0].is_ok(), "what was queued is written");
    let late = world.write_one(write_log(log(1, "e", "late"))).await.unwrap_err();
    assert_eq!(late.code, Code::StorageUnavailable);
    second.close().await;
}

pub(super) async fn the_store_answers_pings(world: World) {
    world.store.ping().await.unwrap();
    assert!(!world.store.durability().describe().is_empty());
}
