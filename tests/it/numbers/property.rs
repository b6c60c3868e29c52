//! Whatever is recorded, and whatever is asked: the numbers are those of a plain count over the records.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use watchglass::model::{MetricKind, Point, Span, SpanKind, SpanStatus, Timestamp};
use watchglass::service::numbers::OverviewAnswer;

use super::world::{Engine, HOUR, MINUTE, Question, RECENT, World, ago, close, ended, request, step};
use crate::contract::world::point;

/// Spans and points of the last hours, many of them close to whole minutes and hours.
fn records() -> impl Strategy<Value = (Vec<Span>, Vec<Point>)> {
    let when = || {
        prop_oneof![
            0..6 * HOUR,
            (0..360_i64, -2..3_i64).prop_map(|(minutes, off)| minutes * MINUTE + 5_500_001 + off),
        ]
    };
    let span = (when(), when(), 0..5_u8, 0..3_u8, any::<bool>(), 0..3_u8, 0..1_000_u64).prop_map(
        |(one, two, status, kind, is_root, agent, tokens)| {
            let (start, end) = (one.max(two).max(0), one.min(two).max(0));
            let root = request(["alpha", "beta", "gamma"][usize::from(agent)], start);
            let kind = [SpanKind::Agent, SpanKind::Llm, SpanKind::Tool][usize::from(kind)];
            let mut span = if is_root { Span { kind, ..root } } else { step(&root, kind, "step", start) };
            // A parent elsewhere makes a request.
            span.parent_remote = !is_root && tokens % 7 == 0;
            let status = match status {
                0 => return span,
                1 => SpanStatus::Error,
                2 => SpanStatus::Cancelled,
                _ => SpanStatus::Ok,
            };
            if kind == SpanKind::Llm {
                span.usage.input = Some(tokens).filter(|tokens| *tokens > 500);
                span.reported_cost_pico_usd = i64::try_from(tokens).ok().filter(|tokens| tokens % 2 == 0);
            }
            ended(span, status, end)
        },
    );
    let point = (when(), 1..100_u32).prop_map(|(taken_ago, tokens)| {
        let labels = [("agent_name", "alpha"), ("token_type", "output")];
        let mut point = point("agent_tokens_total", MetricKind::Counter, f64::from(tokens), &labels);
        point.timestamp = ago(taken_ago.max(0));
        point
    });
    (prop::collection::vec(span, 1..60), prop::collection::vec(point, 0..10))
}

/// Two instants of the last hours, or an hour and now.
fn windows() -> impl Strategy<Value = (i64, i64)> {
    let when = || prop_oneof![1..7 * HOUR, (1..420_i64).prop_map(|minutes| minutes * MINUTE + 5_500_001)];
    prop_oneof![(when(), when()), (when(), Just(0))]
        .prop_map(|(one, two)| (one.max(two), one.min(two)))
        .prop_filter("a window has a length", |(since, until)| since > until)
}

pub(super) async fn any_window_is_the_sum_of_its_records(world: World) {
    let mut runner = TestRunner::deterministic();
    let rounds = if matches!(world.engine, Engine::Memory | Engine::Sqlite) { 12 } else { 4 };
    for _ in 0..rounds {
        let world = World::new(world.engine).await.unwrap();
        let (spans, points) = records().new_tree(&mut runner).unwrap().current();
        let settled: Vec<Span> =
            spans.iter().map(|span| Span { orphan: is_orphan(span), ..span.clone() }).collect();
        world.hold(spans).await;
        for point in points.clone() {
            world.count(point).await;
        }
        for _ in 0..8 {
            let (since, until) = windows().new_tree(&mut runner).unwrap().current();
            for agent in ["", "alpha"] {
                check(&world, &settled, &points, (since, until), agent).await;
            }
            lines_add_up(&world, (since, until)).await;
        }
    }
}

/// None of these has its parent here.
fn is_orphan(span: &Span) -> bool {
    let waited = span.end_time.is_some_and(|end| end < ago(MINUTE));
    span.parent_span_id.is_some() && !span.parent_remote && waited
}

async fn check(world: &World, spans: &[Span], points: &[Point], window: (i64, i64), agent: &str) {
    let (since, until) = (ago(window.0), ago(window.1));
    let (since_text, until_text) = (since.to_rfc3339(), until.to_rfc3339());
    let question = Question { since: &since_text, until: &until_text, agent, ..RECENT };
    let answer = world.overview(question).await;
    // What carries the time of the question counts.
    let until = if window.1 == 0 { Timestamp::from_micros(until.micros() + 1) } else { until };
    let spans = spans.iter().filter(|span| agent.is_empty() || span.agent_name.as_deref() == Some(agent));
    let points = points.iter().filter(|point| agent.is_empty() || point.agent_name() == Some(agent));
    let inside = |at: Timestamp| since <= at && at < until;
    plain_count(&answer, spans.cloned().collect(), points.cloned().collect(), inside);
}

/// The points of a line, and the lines of all agents, add up to what the overview tells.
async fn lines_add_up(world: &World, window: (i64, i64)) {
    let (since, until) = (ago(window.0).to_rfc3339(), ago(window.1).to_rfc3339());
    let totals = world.overview(Question { since: &since, until: &until, ..RECENT }).await.totals;
    let expected = [totals.requests, totals.errors, totals.spent.tokens.total];
    for (by, step) in [("none", "7m"), ("none", "1h"), ("agent", "30m")] {
        let request = json!({
            "since": since, "until": until, "metric": "requests,errors,tokens", "by": by, "step": step, "limit": 2
        });
        let request = serde_json::from_value(request).unwrap();
        let answer = world.service.timeseries(&world.caller, request).await.unwrap();
        for (metric, expected) in ["requests", "errors", "tokens"].into_iter().zip(expected) {
            let lines = answer.items.iter().filter(|line| line.metric == metric);
            let sum: f64 = lines.flat_map(|line| line.values.iter().flatten()).sum();
            let expected = f64::from(i32::try_from(expected).unwrap());
            assert!(close(Some(sum), Some(expected), 1e-9), "{metric} by {by}: {sum} for {expected}");
        }
    }
}

fn plain_count(
    answer: &OverviewAnswer,
    spans: Vec<Span>,
    points: Vec<Point>,
    inside: impl Fn(Timestamp) -> bool,
) {
    let root = |span: &&Span| span.parent_span_id.is_none() || span.parent_remote || span.orphan;
    let ended: Vec<&Span> = spans.iter().filter(|span| span.end_time.is_some_and(&inside)).collect();
    let requests: Vec<&Span> = ended.iter().copied().filter(root).collect();
    let count = |spans: &[&Span], status| {
        i64::try_from(spans.iter().filter(|span| span.status == status).count()).unwrap()
    };
    let totals = &answer.totals;
    let started = spans.iter().filter(root).filter(|span| inside(span.start_time)).count();
    assert_eq!(totals.requests, i64::try_from(started).unwrap(), "{:?}", answer.window);
    assert_eq!(totals.successes, count(&requests, SpanStatus::Ok));
    assert_eq!(totals.errors, count(&requests, SpanStatus::Error));
    assert_eq!(totals.cancelled, count(&requests, SpanStatus::Cancelled));
    let mut took: Vec<f64> = requests.iter().filter_map(|span| span.duration_ms).collect();
    took.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let mean = (!took.is_empty()).then(|| took.iter().sum::<f64>() / took.len() as f64);
    assert!(close(totals.avg_latency_ms, mean, 1e-9), "{:?} {mean:?}", totals.avg_latency_ms);
    for (told, per_cent) in
        [(totals.p50_latency_ms, 50), (totals.p95_latency_ms, 95), (totals.p99_latency_ms, 99)]
    {
        // The nearest rank.
        let rank = (took.len() * per_cent).div_ceil(100).max(1);
        assert!(close(told, took.get(rank - 1).copied(), 0.010_001), "{told:?} of {took:?}");
    }
    let calls = |kind| ended.iter().copied().filter(|span| span.kind == kind).collect::<Vec<&Span>>();
    let (models, tools) = (calls(SpanKind::Llm), calls(SpanKind::Tool));
    assert_eq!(totals.spent.llm_calls, i64::try_from(models.len()).unwrap());
    assert_eq!(totals.tool_calls, i64::try_from(tools.len()).unwrap());
    assert_eq!(totals.tool_errors, count(&tools, SpanStatus::Error));
    let input: u64 = models.iter().filter_map(|span| span.usage.input).sum();
    assert_eq!(totals.spent.tokens.input, i64::try_from(input).unwrap());
    let output: f64 = points.iter().filter(|point| inside(point.timestamp)).map(|point| point.value).sum();
    assert!(close(Some(output), Some(f64::from(i32::try_from(totals.spent.tokens.output).unwrap())), 0.0));
    let cost: i64 = models.iter().filter_map(|span| span.reported_cost_pico_usd).sum();
    #[expect(clippy::cast_precision_loss, reason = "a few pico-dollars")]
    let cost = cost as f64 / 1e12;
    assert!(close(Some(totals.spent.reported_cost_usd), Some(cost), 1e-12));
    let unpriced =
        models.iter().filter(|span| span.usage.input.is_some() && span.reported_cost_pico_usd.is_none());
    assert_eq!(totals.spent.unpriced_calls, i64::try_from(unpriced.count()).unwrap());
}
