//! Numbers on Redis: what scripts write counts too, once; what an older watchglass wrote is brought up; lists of others.

use redis::{Pipeline, pipe};
use serde_json::json;
use watchglass::model::{
    Contribution, DimensionKind, Measure, MetricKind, Point, RollupQuery, Span, SpanQuery, SpanStatus,
    SpanTime, Sums, Tier, Timestamp, TraceListQuery, TraceSort, changes,
};
use watchglass::store::{Store, open};

use crate::contract::world::{at, end, named, options, point, span, start, write_end, write_point};
use crate::redis_adoption::{connect, project, round};
use crate::support::redis::{Server, cluster_url, shared_cluster};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

async fn write(store: &dyn Store, batch: Vec<watchglass::model::Write>) {
    for answer in store.write(&project(), batch).await {
        answer.unwrap();
    }
}

async fn spans(store: &dyn Store) -> Vec<Span> {
    let query = SpanQuery {
        by: SpanTime::Start,
        since: at(-24 * HOUR),
        until: at(24 * HOUR),
        newest_first: false,
        limit: 10_000,
        after: None,
    };
    store.spans(&project(), &query).await.unwrap().spans
}

async fn sums(store: &dyn Store, tier: Tier) -> Sums {
    let mut sums = Sums::new();
    for dimension in DimensionKind::ALL {
        let query = RollupQuery {
            tier,
            since: at(-24 * HOUR),
            until: at(24 * HOUR),
            dimension,
            agent: None,
            bin: Some(tier.width()),
        };
        for row in store.rollups(&project(), &query).await.unwrap() {
            sums.insert((row.bin, row.agent, row.dimension), row.tally);
        }
    }
    sums
}

/// That both tiers, and the summary of each trace, say what the spans add up to.
async fn assert_counted(store: &dyn Store) {
    let all = spans(store).await;
    let given: Vec<Contribution> = all.iter().flat_map(Span::contributions).collect();
    for tier in Tier::ALL {
        let mut expected = Sums::new();
        for ((minute, agent, dimension), tally) in changes(&[], &given) {
            *expected.entry((tier.start_of(minute), agent, dimension)).or_default() += &tally;
        }
        assert_eq!(sums(store, tier).await, expected, "{tier:?}");
    }
    let listed = store.traces(&project(), &every_trace()).await.unwrap().traces;
    let counted: i64 = listed.iter().map(|row| row.summary.counts.spans).sum();
    let open: i64 = listed.iter().map(|row| row.summary.counts.open).sum();
    let in_progress = all.iter().filter(|span| span.status == SpanStatus::InProgress).count();
    assert_eq!((counted, open), (all.len().try_into().unwrap(), in_progress.try_into().unwrap()));
    assert_eq!(store.open_spans(&project()).await.unwrap().len(), in_progress);
}

fn every_trace() -> TraceListQuery {
    TraceListQuery {
        since: at(-24 * HOUR),
        until: at(24 * HOUR),
        agent_name: None,
        session_id: None,
        status: None,
        stale: at(-24 * HOUR),
        min_duration_ms: None,
        words: Vec::new(),
        sort: TraceSort::Start,
        limit: 100,
        after: None,
    }
}

/// Writes as `start_span.py` does.
fn start_span(pipeline: &mut Pipeline, trace_id: &str, span_id: &str, parent: &str) {
    let start_time = at(0).to_naive_iso();
    let fields = [
        ("span_id", span_id),
        ("trace_id", trace_id),
        ("parent_span_id", parent),
        ("name", "llm_call"),
        ("start_time", &start_time),
        ("status", "in_progress"),
    ];
    pipeline.hset_multiple(format!("span:{span_id}"), &fields);
    pipeline.sadd(format!("trace:{trace_id}:spans"), span_id);
}

/// Writes as `end_span.py` does.
fn end_span(pipeline: &mut Pipeline, span_id: &str, status: &str, metadata: &str) {
    let end_time = at(61 * SECOND).to_naive_iso();
    let fields = [
        ("end_time", end_time.as_str()),
        ("duration_ms", "61000.0"),
        ("status", status),
        ("metadata", metadata),
    ];
    pipeline.hset_multiple(format!("span:{span_id}"), &fields);
}

fn run(server: &Server, pipeline: &Pipeline) {
    pipeline.exec(&mut server.connect().unwrap()).unwrap();
}

#[tokio::test]
async fn what_scripts_start_and_end_is_counted_once_whoever_ends_it() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    write(
        &*store,
        vec![
            start(span("ours", "our-root", None, 0)),
            start(named(span("ours", "our-child", Some("our-root"), 1), "a")),
            start(named(span("ours", "our-own", Some("our-root"), 2), "a")),
            write_end(end("our-own", SpanStatus::Ok, 5 * SECOND, json!({"input_tokens": 3}))),
        ],
    )
    .await;
    let mut scripts = pipe();
    start_span(&mut scripts, "t", "root", "");
    start_span(&mut scripts, "t", "by-us", "root");
    start_span(&mut scripts, "t", "before", "root");
    start_span(&mut scripts, "t", "later", "root");
    start_span(&mut scripts, "t", "lone", "elsewhere");
    end_span(&mut scripts, "before", "ok", r#"{"input_tokens": 7, "agent_name": "script", "cost_usd": 0.5}"#);
    end_span(&mut scripts, "lone", "error", r#"{"error": "no user 7"}"#);
    run(&server, &scripts);
    // One of theirs ends through us before anyone has adopted it.
    write(&*store, vec![write_end(end("by-us", SpanStatus::Ok, 9 * SECOND, json!({"output_tokens": 5})))])
        .await;
    assert_eq!(round(&*store).await, 4);
    assert_counted(&*store).await;

    // One adopted in progress ends by a script, one by us; scripts end ours.
    let mut scripts = pipe();
    end_span(&mut scripts, "later", "ok", r#"{"input_tokens": 11, "agent_name": "script"}"#);
    end_span(&mut scripts, "our-child", "error", r#"{"error": "boom"}"#);
    end_span(&mut scripts, "our-root", "done", r#"{"agent_name": "late"}"#);
    run(&server, &scripts);
    write(&*store, vec![write_end(end("root", SpanStatus::Ok, 70 * SECOND, json!({})))]).await;
    round(&*store).await;
    assert_counted(&*store).await;
    let hours = sums(&*store, Tier::Hour).await;
    let total = |measure| hours.values().map(|tally| tally[measure]).sum::<i64>();
    assert_eq!(total(Measure::Started), 2, "a request is a root");
    // Tokens count for the agent and for the step.
    assert_eq!(total(Measure::InputTokens), 2 * (7 + 11));
    let failures: Vec<String> = spans(&*store).await.iter().filter_map(Span::error_fingerprint).collect();
    assert_eq!(store.error_groups(&project(), &failures).await.unwrap().len(), 2);

    // Settling reaches what scripts left without a parent, and rounds after it change nothing.
    assert_eq!(store.settle_orphans(at(3 * MINUTE)).await.unwrap().requests, 1);
    let before = sums(&*store, Tier::Minute).await;
    assert_eq!(round(&*store).await + round(&*connect(&server).await).await, 0);
    assert_eq!(sums(&*store, Tier::Minute).await, before);
    assert_counted(&*store).await;
}

#[tokio::test]
async fn two_processes_that_adopt_at_once_count_once() {
    let Some(server) = Server::start(&[]) else { return };
    let mut scripts = pipe();
    for number in 0..600 {
        start_span(&mut scripts, &format!("t{}", number % 7), &format!("s{number}"), "");
        if number % 2 == 0 {
            end_span(&mut scripts, &format!("s{number}"), "error", r#"{"error": "boom"}"#);
        }
    }
    run(&server, &scripts);
    let (one, two) = (connect(&server).await, connect(&server).await);
    tokio::join!(round(&*one), round(&*two));
    assert_counted(&*one).await;
    let mut scripts = pipe();
    (0..600).filter(|number| number % 2 == 1).for_each(|number| {
        end_span(&mut scripts, &format!("s{number}"), "ok", r#"{"output_tokens": 1}"#);
    });
    run(&server, &scripts);
    tokio::join!(round(&*one), round(&*two));
    assert_counted(&*one).await;
}

#[tokio::test]
async fn what_an_older_watchglass_wrote_is_counted_in_the_next_round() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    write(
        &*store,
        vec![
            start(named(span("t", "1", None, 0), "a")),
            start(named(span("t", "2", Some("1"), 1), "a")),
            write_end(end("2", SpanStatus::Ok, SECOND, json!({}))),
        ],
    )
    .await;
    let told = sums(&*store, Tier::Minute).await;
    // As it was before there were numbers: no mark of them, no key of theirs, and open roots alone in an index.
    for span_id in ["1", "2"] {
        server.command::<u64>(&["HDEL", &format!("span:{span_id}"), "counted"]);
    }
    let keys: Vec<String> = server.command(&["KEYS", "wg:*"]);
    let is_new = |key: &&String| {
        ["wg:rollup", "wg:open", "wg:traces", "wg:trace-share", "wg:spans:ended"]
            .iter()
            .any(|name| key.starts_with(name))
    };
    for key in keys.iter().filter(is_new) {
        server.command::<u64>(&["DEL", key]);
    }
    let seconds = (at(0).micros() / SECOND).to_string();
    server.command::<u64>(&["ZADD", "wg:roots", &seconds, "1|t"]);
    assert!(sums(&*store, Tier::Minute).await.is_empty());

    store.expire(at(0)).await.unwrap();
    assert_eq!(server.command::<u64>(&["EXISTS", "wg:roots"]), 0);
    assert_eq!(store.open_spans(&project()).await.unwrap().len(), 1, "it is where open spans are");
    assert_eq!(round(&*store).await, 2);
    assert_eq!(sums(&*store, Tier::Minute).await, told);
    assert_counted(&*store).await;
    write(&*store, vec![write_end(end("1", SpanStatus::Ok, MINUTE, json!({})))]).await;
    assert_counted(&*store).await;
}

#[tokio::test]
async fn a_recount_mends_what_is_wrong_while_agents_write() {
    let Some(server) = Server::start(&[]) else { return };
    let (store, other) = (connect(&server).await, connect(&server).await);
    let minutes = |range: std::ops::Range<i64>| {
        let spans = range.map(|number| named(span("t", &number.to_string(), None, number * 9 * SECOND), "a"));
        spans.map(start).collect::<Vec<_>>()
    };
    write(&*store, minutes(0..200)).await;
    let before = sums(&*store, Tier::Hour).await;
    let damage: Vec<String> = server.command(&["KEYS", "wg:rollup:*"]);
    assert!(damage.len() > 20, "{damage:?}");
    for (index, key) in damage.iter().enumerate() {
        match index % 3 {
            0 => drop(server.command::<u64>(&["DEL", key])),
            1 => drop(server.command::<i64>(&["HINCRBY", key, "started\u{1f}a", "7"])),
            _ => drop(server.command::<u64>(&["HSET", key, "ok\u{1f}ghost", "7"])),
        }
    }
    assert_ne!(sums(&*store, Tier::Hour).await, before);
    let hour = Tier::Hour.start_of(at(0));
    let next = hour.plus(Tier::Hour.width());
    let project = project();
    let recount = async {
        other.rebuild(&project, hour).await.unwrap();
        other.rebuild(&project, next).await.unwrap();
    };
    let writing = async {
        for number in 200..260 {
            write(&*store, minutes(number..number + 1)).await;
        }
    };
    tokio::join!(recount, writing);
    assert_counted(&*store).await;
}

#[tokio::test]
async fn every_key_of_the_numbers_vanishes_by_itself() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    let tokens = point("agent_tokens_total", MetricKind::Counter, 5.0, &[("agent_name", "a")]);
    write(
        &*store,
        vec![
            start(named(span("t", "1", None, 0), "a")),
            start(span("t", "2", Some("elsewhere"), 0)),
            write_end(end("2", SpanStatus::Error, SECOND, json!({"error": "boom"}))),
            write_point(Point { timestamp: at(0), ..tokens }),
        ],
    )
    .await;
    let mut keys: Vec<String> = server.command(&["KEYS", "*"]);
    keys.retain(|key| key != "wg:projects");
    for name in [
        "wg:rollup:hour:error:",
        "wg:rollups:minute",
        "wg:orphans",
        "wg:errors",
        "wg:points",
        "wg:trace-share:t",
    ] {
        assert!(keys.iter().any(|key| key.starts_with(name)), "no {name}");
    }
    for key in keys {
        assert!(server.command::<i64>(&["TTL", &key]) > 0, "{key} stays for ever");
    }
}

#[tokio::test]
async fn a_list_of_traces_says_how_far_it_looked() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    let mut traces = pipe();
    let micros = |number: i64| Timestamp::from_micros(at(0).micros() + number).micros();
    for number in 0..20_050_i64 {
        let id = format!("t{number:05}");
        #[expect(clippy::cast_precision_loss, reason = "exact until 2255")]
        traces.zadd("wg:traces", &id, micros(number) as f64 / 1e6);
        let agent = if number < 10 { "early" } else { "late" };
        let fields = [
            ("spans", "1".to_owned()),
            ("start_time", format!("{}||", micros(number))),
            ("agent_name", format!("{}|1|{agent}", micros(number))),
            ("input_tokens", number.to_string()),
        ];
        traces.hset_multiple(format!("wg:trace-share:{id}"), &fields);
    }
    run(&server, &traces);
    let early = TraceListQuery { agent_name: Some("early".into()), ..every_trace() };
    let page = store.traces(&project(), &early).await.unwrap();
    assert_eq!((page.traces.len(), page.complete, page.total.exact), (0, false, false));
    let rest = TraceListQuery { after: page.next, ..early };
    let page = store.traces(&project(), &rest).await.unwrap();
    assert_eq!((page.traces.len(), page.complete, page.next), (10, true, None));

    let dearest = TraceListQuery { sort: TraceSort::Tokens, limit: 2, ..every_trace() };
    let page = store.traces(&project(), &dearest).await.unwrap();
    let ids: Vec<&str> = page.traces.iter().map(|row| row.trace_id.as_str()).collect();
    assert_eq!((ids, page.complete), (vec!["t20049", "t20048"], false));
    let next = TraceListQuery { after: page.next, ..dearest };
    let page = store.traces(&project(), &next).await.unwrap();
    assert_eq!(page.traces[0].trace_id.as_str(), "t20047");

    let page = store.traces(&project(), &every_trace()).await.unwrap();
    assert_eq!((page.traces.len(), page.total.value, page.total.exact), (100, 10_000, false));
}

#[tokio::test]
async fn lists_of_others_are_measured_by_their_own_names() {
    let Some(server) = Server::start(&[]) else { return };
    server.command::<u64>(&["RPUSH", "dlq:agent_tasks", "1", "2", "3"]);
    server.command::<u64>(&["RPUSH", "team:dlq:agent_tasks", "1"]);
    server.command::<()>(&["SET", "dlq:jobs", "x"]);
    let lists = ["dlq:agent_tasks", "dlq:jobs", "dlq:events"].map(str::to_owned);
    let lengths = connect(&server).await.list_lengths(&lists).await.unwrap();
    assert_eq!(lengths, [Some(3), None, Some(0)], "what is no list has no length");
    let of_team = open(&options(&format!("{}?prefix=team:", server.url()))).await.unwrap();
    assert_eq!(of_team.list_lengths(&lists[..1]).await.unwrap(), [Some(1)]);

    let Some(nodes) = shared_cluster() else { return };
    let cluster = open(&options(&cluster_url(nodes))).await.unwrap();
    let names: Vec<String> = (0..20).map(|number| format!("dlq:{number}")).collect();
    let client = redis::cluster::ClusterClient::new(nodes.iter().map(Server::url).collect::<Vec<_>>());
    let mut connection = client.unwrap().get_connection().unwrap();
    for (number, name) in names.iter().enumerate() {
        for _ in 0..number {
            let _: u64 = redis::cmd("RPUSH").arg(name).arg("x").query(&mut connection).unwrap();
        }
    }
    let expected: Vec<Option<u64>> = (0..20).map(Some).collect();
    assert_eq!(cluster.list_lengths(&names).await.unwrap(), expected);
}
