//! Deletion: what is gone leaves nothing behind.

use serde_json::json;
use watchglass::model::{Deletion, Log, MetricKind, Point, SpanKind, SpanStatus, Tier, TraceId};

use super::numbers::assert_recounted;
use super::world::{
    MINUTE, SECOND, World, any_log, any_trace, at, empty, end, log, named, point, span, start, with_metadata,
    write_end, write_log, write_point,
};

fn told(
    micros: i64,
    message: &str,
    trace_id: Option<&str>,
    agent: &str,
    session: Option<&str>,
) -> watchglass::model::Write {
    write_log(Log {
        trace_id: trace_id.map(TraceId::stored),
        agent_name: Some(agent.into()),
        session_id: session.map(str::to_owned),
        ..log(micros, "e", message)
    })
}

/// Two traces of `a` and one of `b`, in two conversations, with logs in and beside them.
async fn fill(world: &World) {
    let rooted = |id: &str, agent: &str, session: &str| {
        let mut root = with_metadata(named(span(id, id, None, 0), agent), json!({"session_id": session}));
        root.kind = SpanKind::Agent;
        start(root)
    };
    world
        .write_all(vec![
            rooted("one", "a", "s"),
            rooted("two", "a", "r"),
            rooted("three", "b", "s"),
            start(span("one", "child", Some("one"), 1)),
            write_end(end("child", SpanStatus::Error, SECOND, json!({"error": "secret 17"}))),
            write_end(end("one", SpanStatus::Ok, MINUTE, empty())),
            write_end(end("three", SpanStatus::Ok, MINUTE, empty())),
            told(1, "in one", Some("one"), "a", None),
            told(2, "in three", Some("three"), "b", None),
            told(3, "of a", None, "a", None),
            told(4, "of b in s", None, "b", Some("s")),
            told(5, "only logs", Some("four"), "a", Some("s")),
            write_point(Point {
                timestamp: at(1),
                ..point("agent_tokens_total", MetricKind::Counter, 5.0, &[("agent_name", "a")])
            }),
        ])
        .await;
}

async fn left(world: &World) -> (Vec<String>, Vec<String>) {
    let mut traces: Vec<String> =
        world.traces(&any_trace()).await.traces.into_iter().map(|row| row.trace_id.into()).collect();
    traces.sort();
    let mut logs = world.messages(&any_log()).await;
    logs.sort();
    assert_recounted(world).await;
    let size = world.store.size(&world.project).await.unwrap();
    assert_eq!((size.traces.value, size.logs.value), (traces.len() as u64, logs.len() as u64));
    assert_eq!(size.spans.value, world.spans().await.len() as u64);
    (traces, logs)
}

pub(super) async fn a_trace_goes_with_all_it_added(world: World) {
    fill(&world).await;
    let failed = world.spans().await.into_iter().find(|span| span.status == SpanStatus::Error).unwrap();
    let asked = [failed.error_fingerprint().unwrap()];
    assert_eq!(world.store.error_groups(&world.project, &asked).await.unwrap().len(), 1);
    assert_eq!(world.delete(Deletion::Trace(TraceId::stored("one"))).await, (2, 1));
    let (traces, logs) = left(&world).await;
    assert_eq!((traces, logs.len()), (vec!["three".to_owned(), "two".to_owned()], 4));
    assert_eq!(world.trace_row("one").await, None);
    let page = world.trace("one").await;
    assert_eq!((page.spans.len(), page.total, page.last_activity), (0, 0, None));
    assert_eq!(
        world.store.error_groups(&world.project, &asked).await.unwrap(),
        [],
        "its failure was the only one"
    );
    for alias in [failed.span_id.to_w3c(), failed.trace_id.to_w3c()] {
        assert_eq!(world.store.resolve(&world.project, &alias).await.unwrap(), None);
    }
    assert_eq!(world.points().await.len(), 1, "what was recorded for itself stays");
    assert_eq!(world.delete(Deletion::Trace(TraceId::stored("one"))).await, (0, 0));
    // The ids are free again.
    world.start(named(span("one", "child", None, 9), "c")).await.unwrap();
    let row = world.trace_row("one").await.unwrap();
    assert_eq!((row.summary.counts.spans, row.summary.agent_name.as_deref()), (1, Some("c")));
    assert_recounted(&world).await;
}

pub(super) async fn an_agent_goes_with_its_traces_and_logs(world: World) {
    fill(&world).await;
    assert_eq!(world.delete(Deletion::Agent("a".into())).await, (3, 3));
    let (traces, logs) = left(&world).await;
    assert_eq!(
        (traces, logs),
        (vec!["three".to_owned()], vec!["in three".to_owned(), "of b in s".to_owned()])
    );
    let of_a = world.sums(Tier::Minute).await.into_keys().filter(|(_, agent, _)| agent == "a").count();
    assert_eq!(of_a, 1, "its recorded tokens stay");
    assert_eq!(world.trace("four").await.last_activity, None);
    assert_eq!(world.delete(Deletion::Agent("nobody".into())).await, (0, 0));
}

pub(super) async fn a_conversation_goes_with_its_traces_and_logs(world: World) {
    fill(&world).await;
    assert_eq!(world.delete(Deletion::Session("s".into())).await, (3, 4));
    let (traces, logs) = left(&world).await;
    assert_eq!((traces, logs), (vec!["two".to_owned()], vec!["of a".to_owned()]));
    assert_eq!(world.trace("four").await.last_activity, None, "nothing is left of it");
}

pub(super) async fn a_failure_that_others_share_loses_its_words_alone(world: World) {
    for (trace_id, seconds, error) in [("t", 1, "no user 1"), ("u", 2, "no user 2")] {
        world.start(named(span(trace_id, trace_id, None, 0), "a")).await.unwrap();
        let ended = end(trace_id, SpanStatus::Error, seconds * SECOND, json!({"error": error}));
        world.end(ended).await.unwrap();
    }
    let asked = [world.spans().await[0].error_fingerprint().unwrap()];
    world.delete(Deletion::Trace(TraceId::stored("u"))).await;
    let groups = world.store.error_groups(&world.project, &asked).await.unwrap();
    assert_eq!((groups.len(), groups[0].message.as_str()), (1, "no user #"));
    assert!(!groups[0].sample_message.contains('2'), "{groups:?}");
    world.delete(Deletion::Trace(TraceId::stored("t"))).await;
    assert_eq!(world.store.error_groups(&world.project, &asked).await.unwrap(), []);
}

pub(super) async fn much_goes_slice_by_slice(world: World) {
    let mut batch = Vec::new();
    for index in 0..1_200_i64 {
        batch.push(start(named(span("t", &index.to_string(), None, index), "a")));
        batch.push(told(index, "m", Some("t"), "a", None));
    }
    world.write_all(batch).await;
    let first = world.store.delete(&world.project, &Deletion::Agent("a".into())).await.unwrap();
    assert!(first.more && first.spans <= 500 && first.logs <= 500, "{first:?}");
    assert!(first.spans + first.logs > 0);
    assert_recounted(&world).await;
    let (spans, logs) = world.delete(Deletion::Agent("a".into())).await;
    assert_eq!((first.spans + spans, first.logs + logs), (1_200, 1_200));
    let (traces, logs) = left(&world).await;
    assert!(traces.is_empty() && logs.is_empty());
    assert!(world.sums(Tier::Hour).await.is_empty(), "nothing has been added");
}
