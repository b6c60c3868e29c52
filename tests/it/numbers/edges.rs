//! Where a window begins and ends, and what comes late.

use serde_json::json;
use watchglass::model::{Record, Span, SpanId, SpanKind, SpanStatus};
use watchglass::store::Store;

use super::world::{HOUR, MINUTE, NOW, Question, RECENT, SECOND, World, ago, failed, llm, ok, request, step};
use crate::contract::world::end;

/// The overview of a window between two instants, so long ago.
async fn between(
    world: &World,
    since_ago: i64,
    until_ago: i64,
) -> watchglass::service::numbers::OverviewAnswer {
    let (since, until) = (ago(since_ago).to_rfc3339(), ago(until_ago).to_rfc3339());
    world.overview(Question { since: &since, until: &until, ..RECENT }).await
}

pub(super) async fn a_window_begins_and_ends_at_the_microsecond(world: World) {
    // Each starts at one edge and ends at the other, or just past it.
    for (since, until) in [(20 * MINUTE, 10 * MINUTE), (3 * HOUR + 7, HOUR + 11)] {
        let world = World::new(world.engine).await.unwrap();
        world
            .hold([
                ok(request("alpha", since), until),
                ok(request("alpha", since + 1), until + 1),
                failed(request("alpha", since + 2), since, "at the first instant"),
                failed(request("alpha", since + 2), since + 1, "before the first instant"),
                request("alpha", until),
                request("alpha", until + 1),
            ])
            .await;
        let answer = between(&world, since, until).await;
        assert!(answer.window.exact);
        let totals = answer.totals;
        assert_eq!((totals.requests, totals.successes, totals.errors), (2, 1, 1), "{since} {until}");
        // The windows beside it hold the rest.
        let before = between(&world, since + HOUR, since).await.totals;
        assert_eq!((before.requests, before.successes, before.errors), (3, 0, 1));
        let after = between(&world, until, until - 5 * MINUTE).await.totals;
        assert_eq!((after.requests, after.successes, after.errors), (1, 1, 0));
    }
}

pub(super) async fn a_part_of_a_minute_is_a_window(world: World) {
    let first = request("alpha", 10 * MINUTE);
    world
        .hold([
            llm(&first, "small", 10 * MINUTE, (5, 5), None),
            llm(&first, "small", 10 * MINUTE - 1, (70, 0), None),
            llm(&first, "small", 10 * MINUTE - 2, (900, 0), None),
            ok(first, 10 * MINUTE - 1),
        ])
        .await;
    let answer = between(&world, 10 * MINUTE, 10 * MINUTE - 2).await;
    assert_eq!(
        (answer.totals.spent.tokens.total, answer.totals.successes, answer.totals.requests),
        (80, 1, 1)
    );
    assert_eq!(answer.totals.spent.unpriced_calls, 2);
    // Nothing is known of what it cost, and that is not nothing.
    assert_eq!(answer.totals.spent.cost_usd, None);
}

/// A step whose parent is not here, as started and ended by two calls.
fn orphan(started_ago: i64, ended_ago: i64) -> Vec<Record> {
    let parent = SpanId::stored("1234567890abcdef");
    let mut orphan = step(&request("alpha", started_ago), SpanKind::Other, "handle", started_ago);
    orphan.parent_span_id = Some(parent);
    let mut end = end(orphan.span_id.as_str(), SpanStatus::Error, 0, json!({}));
    end.end_time = ago(ended_ago);
    vec![Record::SpanStart(Box::new(orphan)), Record::SpanEnd(Box::new(end))]
}

/// The parent that they name, in the trace of `child`.
fn parent_of(child: &Record) -> Span {
    let Record::SpanStart(child) = child else { panic!("{child:?} starts nothing") };
    let mut parent = request("alpha", 2 * MINUTE);
    parent.trace_id = child.trace_id.clone();
    parent.span_id = child.parent_span_id.clone().unwrap();
    parent
}

pub(super) async fn an_orphan_is_a_request_after_a_minute(world: World) {
    let counted = async |world: &World| {
        let answer = world.overview(RECENT).await;
        (answer.totals.requests, answer.totals.errors, answer.totals.ended)
    };
    let records = orphan(MINUTE, 10 * SECOND);
    let parent = parent_of(&records[0]);
    world.write(records).await;
    assert_eq!(counted(&world).await, (0, 0, 0), "its parent may still come");
    world.later(50 * SECOND);
    assert_eq!(counted(&world).await, (0, 0, 0), "it ended just a minute ago");
    world.later(1);
    assert_eq!(counted(&world).await, (1, 1, 1), "nobody has settled it yet");
    let of_steps =
        world.service.tools(&world.caller, serde_json::from_value(json!({})).unwrap()).await.unwrap();
    assert_eq!(of_steps.total, 0);
    settle(&*world.store, &world).await;
    assert_eq!(counted(&world).await, (1, 1, 1), "settled, it counts once");
    // Its parent comes too late: what is settled stays, and the parent is a request of its own.
    world.write(vec![Record::SpanStart(Box::new(parent))]).await;
    assert_eq!(counted(&world).await, (2, 1, 1));

    let world = World::new(world.engine).await.unwrap();
    let records = orphan(MINUTE, 10 * SECOND);
    let parent = parent_of(&records[0]);
    world.write(records).await;
    world.write(vec![Record::SpanStart(Box::new(parent))]).await;
    world.later(2 * MINUTE);
    assert_eq!(counted(&world).await, (1, 0, 0), "its parent came, and is the request");
    settle(&*world.store, &world).await;
    assert_eq!(counted(&world).await, (1, 0, 0));
}

/// Does what the job does until there is nothing more to settle.
async fn settle(store: &dyn Store, world: &World) {
    use watchglass::clock::Clock;
    while store.settle_orphans(world.clock.now()).await.unwrap().more {}
}

pub(super) async fn a_long_window_outlives_the_records(world: World) {
    const DAY: i64 = 24 * HOUR;
    let old = request("alpha", 20 * DAY);
    world
        .hold([
            llm(&old, "small", 20 * DAY, (400, 0), Some(1.0)),
            ok(old, 20 * DAY - MINUTE),
            failed(request("beta", 3 * DAY), 3 * DAY - SECOND, "boom"),
            ok(request("beta", MINUTE), 0),
            // Before the longest window.
            ok(request("alpha", 401 * DAY), 401 * DAY),
        ])
        .await;
    let expect = async |world: &World| {
        let month = world.overview(Question { window: "30d", ..RECENT }).await;
        assert_eq!((month.totals.requests, month.totals.successes, month.totals.errors), (3, 2, 1));
        assert_eq!((month.totals.spent.tokens.total, month.totals.spent.cost_usd), (400, Some(1.0)));
        assert!(!month.window.exact, "only whole hours are known there, and it says so");
        // The hour in which the window begins, which is whole.
        let hour = NOW.micros() - 30 * DAY;
        let since = watchglass::model::Timestamp::from_micros(hour - hour.rem_euclid(HOUR));
        assert_eq!(month.window.since, since.to_rfc3339());
        let most = world.overview(Question { window: "400d", ..RECENT }).await;
        assert_eq!(most.totals.requests, 3);
        let part = between(world, 20 * DAY + 10, 20 * DAY - 10).await;
        assert_eq!((part.totals.requests, part.window.exact), (1, false));
        let week = world.overview(Question { window: "6d", ..RECENT }).await;
        assert_eq!((week.totals.requests, week.totals.errors, week.window.exact), (2, 1, true));
    };
    expect(&world).await;
    while world.store.expire(NOW).await.unwrap().more {}
    expect(&world).await;
    let too_long = world.try_overview(Question { window: "401d", ..RECENT }).await.unwrap_err();
    assert_eq!(too_long.field.as_deref(), Some("window"));
}

pub(super) async fn a_busy_edge_is_a_whole_minute_and_says_so(world: World) {
    // Just after and just before the instant at which the window begins.
    let since = 5 * MINUTE;
    let busy = (0..5_100).map(|_| ok(request("alpha", since - SECOND), since - 2 * SECOND));
    let batch: Vec<Span> = busy.chain([ok(request("alpha", since + SECOND), since + SECOND)]).collect();
    for part in batch.chunks(1_000) {
        world.hold(part.to_vec()).await;
    }
    let answer = world.overview(RECENT).await;
    assert_eq!((answer.totals.requests, answer.window.exact), (5_101, false));
    assert_eq!(answer.window.since, ago(since).minute().to_rfc3339());
    let exact = world.overview(Question { window: "4m", ..RECENT }).await;
    assert_eq!((exact.totals.requests, exact.window.exact), (0, true));
}
