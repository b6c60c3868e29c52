//! Spans whose parent does not arrive: they become requests, once and for good.

use watchglass::model::{Dimension, Measure, Span, SpanStatus, Tier};

use super::numbers::assert_recounted;
use super::world::{MINUTE, SECOND, World, at, empty, end, named, span, start, write_end};

async fn waiting(world: &World, micros: i64) -> Vec<String> {
    let found = world.store.orphans(&world.project, at(micros)).await.unwrap();
    assert!(found.iter().all(|span| !span.orphan), "what is settled does not wait");
    let mut ids: Vec<String> = found.into_iter().map(|span| span.span_id.into()).collect();
    ids.sort();
    ids
}

async fn requests(world: &World) -> (i64, i64) {
    let rows = world.sums(Tier::Hour).await;
    let all = rows.into_iter().filter(|((_, _, dimension), _)| *dimension == Dimension::Agent);
    all.fold((0, 0), |(started, ended), (_, tally)| {
        (started + tally[Measure::Started], ended + tally.ended())
    })
}

pub(super) async fn a_span_without_its_parent_becomes_a_request(world: World) {
    world
        .write_all(vec![
            start(named(span("t", "1", Some("elsewhere"), 0), "a")),
            start(span("t", "2", Some("1"), 1)),
            write_end(end("2", SpanStatus::Ok, SECOND, empty())),
            write_end(end("1", SpanStatus::Error, 2 * SECOND, empty())),
        ])
        .await;
    assert_eq!(waiting(&world, 2 * SECOND).await, [""; 0], "it ended at that instant, not before");
    assert_eq!(waiting(&world, 2 * SECOND + 1).await, ["1"], "its child has a parent");
    assert_eq!(requests(&world).await, (0, 0));
    assert_eq!(world.settle(2 * SECOND + MINUTE).await, 0, "a minute is awaited");
    assert_eq!(world.settle(2 * SECOND + MINUTE + 1).await, 1);
    assert_eq!(world.settle(2 * SECOND + MINUTE + 1).await, 0, "once");
    assert_eq!((requests(&world).await, waiting(&world, MINUTE).await.len()), ((1, 1), 0));
    let spans = world.spans().await;
    let flags: Vec<(&str, bool)> = spans.iter().map(|span| (span.span_id.as_str(), span.orphan)).collect();
    assert_eq!(flags, [("1", true), ("2", false)]);
    let summary = world.trace_row("t").await.unwrap().summary;
    assert_eq!(
        summary.root.map(|root| (root.span_id.into(), root.status)),
        Some(("1".to_owned(), SpanStatus::Error))
    );
    assert_eq!((summary.counts.spans, summary.counts.errors), (2, 1));
    assert_recounted(&world).await;

    world.start(named(span("t", "elsewhere", None, 5), "a")).await.unwrap();
    assert_eq!(world.settle(9 * MINUTE).await, 0);
    assert!(world.spans().await[0].orphan, "a parent that comes later changes nothing");
    let (_, already) = world.end(end("1", SpanStatus::Error, 9 * MINUTE, empty())).await.unwrap();
    assert!(already);
    assert_eq!(requests(&world).await, (2, 1));
    assert_recounted(&world).await;
}

pub(super) async fn a_parent_that_comes_in_time_is_one(world: World) {
    world
        .write_all(vec![
            start(named(span("t", "child", Some("root"), 10), "a")),
            write_end(end("child", SpanStatus::Ok, SECOND, empty())),
        ])
        .await;
    assert_eq!(waiting(&world, MINUTE).await, ["child"]);
    world.start(named(span("t", "root", None, 0), "a")).await.unwrap();
    assert_eq!(waiting(&world, MINUTE).await, [""; 0]);
    assert_eq!(world.settle(5 * MINUTE).await, 0);
    assert!(world.spans().await.iter().all(|span| !span.orphan));
    assert_eq!(requests(&world).await, (1, 0));
    assert_recounted(&world).await;
}

pub(super) async fn what_has_not_ended_or_enters_from_elsewhere_does_not_wait(world: World) {
    let remote = Span { parent_remote: true, ..span("t", "entry", Some("remote"), 0) };
    world
        .write_all(vec![
            start(span("t", "open", Some("elsewhere"), 0)),
            start(span("t", "root", None, 0)),
            start(remote),
            write_end(end("root", SpanStatus::Ok, 1, empty())),
            write_end(end("entry", SpanStatus::Ok, 1, empty())),
        ])
        .await;
    assert_eq!(waiting(&world, MINUTE).await, [""; 0]);
    assert_eq!(world.settle(5 * MINUTE).await, 0);
    world.end(end("open", SpanStatus::Ok, 6 * MINUTE, empty())).await.unwrap();
    assert_eq!(world.settle(7 * MINUTE).await, 0);
    assert_eq!(world.settle(7 * MINUTE + 1).await, 1);
    assert_recounted(&world).await;
}

pub(super) async fn many_are_settled_slice_by_slice(world: World) {
    let other = world.again().await;
    for chunk in 0..4 {
        let ids = (0..300).map(|index| format!("{chunk}-{index}"));
        let spans = ids.flat_map(|id| {
            let lone = span(&format!("t-{id}"), &id, Some("elsewhere"), chunk);
            [start(named(lone, "a")), write_end(end(&id, SpanStatus::Ok, SECOND, empty()))]
        });
        world.write_all(spans.collect()).await;
    }
    let first = other.settle_orphans(at(5 * MINUTE)).await.unwrap();
    assert!(first.more && 0 < first.requests && first.requests < 1_200, "{first:?}");
    assert_eq!(first.requests + world.settle(5 * MINUTE).await, 1_200);
    assert_eq!(requests(&world).await, (1_200, 1_200));
    other.close().await;
}
