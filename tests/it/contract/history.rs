//! Numbers under any history: what the roll-ups say is what the records add up to.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use watchglass::model::{
    Counts, Deletion, Log, MetricKind, Point, Span, SpanId, SpanKind, SpanStatus, Tier, TraceId,
    TraceSummary, Write,
};

use super::numbers::assert_recounted;
use super::world::{
    MINUTE, SECOND, World, any_trace, at, end, log, point, span, start, write_end, write_log, write_point,
};

/// Histories that each engine goes through.
const HISTORIES: usize = 6;

/// One thing that happens, by numbers from which its particulars are taken.
#[derive(Debug, Clone)]
struct Event {
    what: u8,
    span: usize,
    parent: usize,
    choice: usize,
    /// Up to two and a half hours, so that hours begin in between.
    seconds: i64,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..20_u8, 0..24_usize, 0..40_usize, 0..60_usize, 0..9_000_i64)
        .prop_map(|(what, span, parent, choice, seconds)| Event { what, span, parent, choice, seconds });
    proptest::collection::vec(event, 120)
}

/// A span belongs to one trace, whatever its history; a few name a parent that never comes.
fn started(event: &Event) -> Span {
    let parent = (event.parent < 36 && event.parent != event.span).then(|| format!("s{}", event.parent));
    let trace_id = format!("t{}", event.span % 5);
    let mut started = span(&trace_id, &format!("s{}", event.span), parent.as_deref(), event.seconds * SECOND);
    started.kind = SpanKind::ALL[event.choice % 6];
    started.name = ["llm_call", "tool.search", "agent_run"][event.choice % 3].into();
    started.parent_remote = started.parent_span_id.is_some() && event.choice.is_multiple_of(7);
    // Some agents become known only later, by a log or at the end.
    started.agent_name = [None, Some("a"), Some("b"), None][event.choice % 4].map(str::to_owned);
    started
}

fn ended(event: &Event) -> Write {
    let status = [SpanStatus::Ok, SpanStatus::Error, SpanStatus::Cancelled][event.choice % 3];
    let metadata = match event.choice % 5 {
        0 => json!({}),
        1 => json!({"agent_name": "late", "input_tokens": event.choice}),
        2 => json!({"error": format!("failure {}", event.choice), "output_tokens": 3}),
        3 => json!({"model": "m", "input_tokens": 5, "cost_usd": 0.125}),
        _ => json!({"error": "boom", "session_id": "s"}),
    };
    // It may seem to end before it started.
    let after = event.seconds * SECOND + i64::try_from(event.parent).unwrap() * 7_654_321;
    write_end(end(&format!("s{}", event.span), status, after, metadata))
}

fn write(event: &Event) -> Write {
    match event.what {
        0..8 => start(started(event)),
        8..16 => ended(event),
        16..18 => {
            let labels = [("agent_name", ["a", "b"][event.choice % 2]), ("token_type", "input")];
            let value = f64::from(u32::try_from(event.choice).unwrap());
            let timestamp = at(event.seconds * SECOND);
            let point = point("agent_tokens_total", MetricKind::Counter, value, &labels);
            write_point(Point { timestamp, ..point })
        }
        _ => {
            let mut told: Log = log(event.seconds * SECOND, "e", "m");
            told.trace_id = Some(TraceId::stored(format!("t{}", event.span % 5)));
            told.agent_name = Some("from-log".into());
            write_log(told)
        }
    }
}

/// What happens between writes: spans are settled as of some time, or deleted.
async fn interlude(world: &World, event: &Event) {
    match event.choice % 4 {
        0 | 1 => {
            world.settle(event.seconds * SECOND).await;
        }
        2 if event.span < 8 => {
            world.delete(Deletion::Trace(TraceId::stored(format!("t{}", event.span % 5)))).await;
        }
        3 if event.span < 4 => {
            world.delete(Deletion::Agent("b".into())).await;
        }
        _ => {}
    }
}

pub(super) async fn any_history_adds_up(world: World) {
    let other = world.again().await;
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[4; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    for _ in 0..HISTORIES {
        let events = events().new_tree(&mut runner).unwrap().current();
        for round in events.chunks(12) {
            // Two processes write at once; what one of them is refused changes nothing.
            let (mine, theirs) = round.split_at(6);
            let mine = world.store.write(&world.project, mine.iter().map(write).collect());
            let theirs = other.write(&world.project, theirs.iter().map(write).collect());
            let (mine, theirs) = tokio::join!(mine, theirs);
            assert_eq!(mine.len() + theirs.len(), round.len());
            interlude(&world, &round[0]).await;
        }
        assert_recounted(&world).await;
        assert_traces(&world).await;
    }
    let before = (world.sums(Tier::Minute).await, world.sums(Tier::Hour).await);
    assert!(before.0.len() > 100, "{} rows are no history", before.0.len());
    assert!(world.spans().await.iter().any(|span| span.orphan));
    for hour in 0..4 {
        other.rebuild(&world.project, Tier::Hour.start_of(at(hour * 60 * MINUTE))).await.unwrap();
    }
    assert_eq!((world.sums(Tier::Minute).await, world.sums(Tier::Hour).await), before);
    other.close().await;
}

/// That each trace is the sum of its spans.
async fn assert_traces(world: &World) {
    let mut expected: BTreeMap<String, (Counts, Option<SpanId>)> = BTreeMap::new();
    let mut summaries: BTreeMap<String, TraceSummary> = BTreeMap::new();
    for span in world.spans().await {
        let summary = summaries.entry(span.trace_id.to_string()).or_default();
        *summary = std::mem::take(summary).plus(TraceSummary::of(&span));
    }
    for (trace_id, summary) in summaries {
        expected.insert(trace_id, (summary.counts, summary.root.map(|root| root.span_id)));
    }
    let listed = world.traces(&any_trace()).await.traces.into_iter().map(|row| {
        let root = row.summary.root.map(|root| root.span_id);
        (row.trace_id.to_string(), (row.summary.counts, root))
    });
    assert_eq!(listed.collect::<BTreeMap<_, _>>(), expected);
}
