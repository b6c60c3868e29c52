//! Scripts that still write to the same Redis: what they write is found like our own, after one round at most.

use std::collections::BTreeMap;
use std::sync::Arc;

use redis::{Pipeline, pipe};
use serde_json::json;
use watchglass::clock::ManualClock;
use watchglass::model::{
    EventFilter, LogQuery, OpenSpan, ProjectId, SpanStatus, Timestamp, TraceId, TraceQuery,
};
use watchglass::service::{Service, ServiceOptions};
use watchglass::store::{Adopted, Store, open};

use crate::contract::world::{any_log, at, end, log, options, span, start, write_end, write_log};
use crate::support::mcp::Client;
use crate::support::redis::{Server, until};
use crate::support::server::Server as Serving;

const HOUR: i64 = 60 * 60 * 1_000_000;
const TRACES: u64 = 7_000;
const LOGS: u64 = 3_000;
/// Names that one slice may look at, some more than asked for as `SCAN` has it.
const NAMES: u64 = 2_000;

pub(crate) fn project() -> ProjectId {
    ProjectId::default_project()
}

pub(crate) async fn connect(server: &Server) -> Arc<dyn Store> {
    open(&options(&server.url())).await.unwrap()
}

/// A whole round; tells how many records it found.
pub(crate) async fn round(store: &dyn Store) -> u64 {
    let mut records = 0;
    loop {
        let slice = store.adopt(at(0)).await.unwrap();
        records += slice.records;
        if !slice.more {
            return records;
        }
    }
}

/// Writes as `log_event.py` does, with what comes after the message, at a score that may be hours off.
fn log_event(pipeline: &mut Pipeline, event_type: &str, message: &str, rest: &str, micros: i64) {
    let member = format!(
        r#"{{"timestamp": "{}", "event_type": "{event_type}", "message": "{message}"{rest}}}"#,
        at(0).to_naive_iso()
    );
    pipeline.zadd(format!("logs:{event_type}"), member, seconds(at(micros)));
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
fn end_span(pipeline: &mut Pipeline, span_id: &str, metadata: &str) {
    let end_time = at(2_500_000).to_naive_iso();
    let fields = [
        ("end_time", end_time.as_str()),
        ("duration_ms", "2500.0"),
        ("status", "ok"),
        ("metadata", metadata),
    ];
    pipeline.hset_multiple(format!("span:{span_id}"), &fields);
}

#[expect(clippy::cast_precision_loss, reason = "as python has it")]
fn seconds(time: Timestamp) -> f64 {
    time.micros() as f64 / 1e6
}

fn run(server: &Server, pipeline: &Pipeline) {
    pipeline.exec(&mut server.connect().unwrap()).unwrap();
}

/// The messages that a query finds, from a day ago on.
async fn found(store: &dyn Store, query: LogQuery) -> Vec<String> {
    let page = store.logs(&project(), &LogQuery { since: at(-24 * HOUR), ..query }).await.unwrap();
    assert_eq!((page.total.value, page.total.exact), (page.logs.len() as u64, true));
    page.logs.into_iter().map(|log| log.message).collect()
}

async fn agents_at_work(store: &dyn Store) -> Vec<Option<String>> {
    let roots: Vec<OpenSpan> = store.open_spans(&project()).await.unwrap();
    let mut agents: Vec<_> = roots.into_iter().map(|root| root.agent_name).collect();
    agents.sort();
    agents
}

#[tokio::test]
async fn what_scripts_wrote_is_found_in_every_way_after_one_round() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    let mut own = log(1_000, "agent.start", "ours");
    own.trace_id = Some(TraceId::stored("ours"));
    let answers =
        store.write(&project(), vec![write_log(own), start(span("ours", "5555555555555555", None, 0))]);
    assert!(answers.await.iter().all(Result::is_ok));

    let mut scripts = pipe();
    let mut say =
        |event_type, message, rest, micros| log_event(&mut scripts, event_type, message, rest, micros);
    say("agent.start", "plain", r#", "agent_name": "alice", "trace_id": "a1b2c3d4""#, 0);
    say("agent.start", "odd", r#", "cost": NaN, "up": Infinity, "raw": "\udcff", "wg": 1"#, -1);
    say("tool.call", "loud", r#", "level": "warning", "trace_id": 7"#, -2);
    say("tool|call", "new york", "", 5 * HOUR);
    say("tool.call", "shanghai", "", -8 * HOUR);
    scripts.zadd("logs:tool.call", "no json at all", 1_795_339_800).zadd("logs:tool.call", "[1, 2]", 0);
    scripts.zadd("logs:tool.call", r#"{"message": "between"}"#, seconds(at(-3)).next_up());
    scripts.zadd("logs:tool.call", r#"{"message": "never"}"#, f64::INFINITY);
    scripts.lpush("logs:a-list", "x").set("logs:", "x").zadd(b"logs:\xff", "{}", 1);
    for (span_id, parent) in [("a1", ""), ("b1", "a1"), ("c1", "<nil>"), ("d1", "{{parent_span_id}}")] {
        start_span(&mut scripts, "a1b2c3d4", span_id, parent);
    }
    start_span(&mut scripts, "e5f6", "e1", "None");
    end_span(&mut scripts, "c1", r#"{"output_tokens": 7, "x": NaN, "agent_name": "alice"}"#);
    scripts.hset("span:half", "span_id", "half").set("span:text", "no hash");
    scripts
        .hset_multiple("span:when", &[("span_id", "when"), ("trace_id", "t"), ("start_time", "yesterday")]);
    start_span(&mut scripts, "t", "pipe|d", "");
    run(&server, &scripts);
    let before: BTreeMap<String, f64> = server
        .command::<Vec<(String, f64)>>(&["ZRANGE", "logs:agent.start", "0", "-1", "WITHSCORES"])
        .into_iter()
        .collect();
    assert_eq!(found(&*store, any_log()).await, ["ours"]);

    assert_eq!(round(&*store).await, 6 + 5);
    let everything = ["new york", "ours", "plain", "odd", "loud", "between", "shanghai"];
    assert_eq!(found(&*store, any_log()).await, everything);
    let prefixed = LogQuery { event_type: EventFilter::Prefix("tool".into()), ..any_log() };
    assert_eq!(found(&*store, prefixed).await, ["new york", "loud", "between", "shanghai"]);
    let of_trace = LogQuery { trace_id: Some(TraceId::stored("a1b2c3d4")), ..any_log() };
    assert_eq!(found(&*store, of_trace).await, ["plain"]);
    let words = LogQuery { words: vec!["york".into()], ..any_log() };
    assert_eq!(found(&*store, words).await, ["new york"]);

    // Its trace's first agent is that of the log.
    let alice = || Some("alice".to_owned());
    assert_eq!(agents_at_work(&*store).await, [None, None, alice(), alice(), alice()]);
    assert_eq!(
        store.resolve(&project(), "000000000000000000000000a1b2c3d4").await.unwrap().as_deref(),
        Some("a1b2c3d4")
    );
    let query = TraceQuery { trace_id: TraceId::stored("a1b2c3d4"), limit: 100, after: None };
    let trace = store.trace(&project(), &query).await.unwrap();
    assert_eq!((trace.total, trace.agent_name.as_deref()), (4, Some("alice")));
    assert_eq!(trace.last_activity, Some(at(2_500_000)));
    let ended = trace.spans.iter().find(|span| span.span_id.as_str() == "c1").unwrap();
    assert_eq!((ended.usage.output, ended.agent_name.as_deref()), (Some(7), Some("alice")));

    // What they wrote is as it was, and expires now.
    let after: Vec<(String, f64)> = server.command(&["ZRANGE", "logs:agent.start", "0", "-1", "WITHSCORES"]);
    assert_eq!(after.into_iter().collect::<BTreeMap<_, _>>(), before);
    let names: Vec<String> = server.command(&["HKEYS", "span:a1"]);
    let theirs = ["span_id", "trace_id", "parent_span_id", "name", "start_time", "status"];
    assert_eq!(names[..6], theirs, "{names:?}");
    assert!(
        names[6..].iter().all(|name| ["wg", "counted", "agent_name"].contains(&name.as_str())),
        "{names:?}"
    );
    for key in [
        "logs:agent.start",
        "logs:tool.call",
        "span:a1",
        "span:c1",
        "trace:a1b2c3d4:spans",
        "trace:e5f6:spans",
    ] {
        assert!(server.command::<i64>(&["TTL", key]) > 0, "{key} stays for ever");
    }
    let untouched = ["logs:a-list", "logs:", "span:half", "span:text", "span:when", "span:pipe|d"];
    for key in untouched {
        assert_eq!(server.command::<i64>(&["TTL", key]), -1, "{key} is not understood, so it is left alone");
    }
    assert_eq!(round(&*store).await, 0, "a second round finds nothing new");
    assert_eq!(round(&*connect(&server).await).await, 0, "nor does another process");
    assert_eq!(found(&*store, any_log()).await, everything);
}

#[tokio::test]
async fn what_scripts_write_between_two_rounds_is_found_by_the_next() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    let mut scripts = pipe();
    for number in 0..1_400 {
        // More than a chunk at one instant, and chunks before and after it.
        let micros = if (100..1_300).contains(&number) { 0 } else { number - 700 };
        log_event(&mut scripts, "e", &number.to_string(), "", micros);
    }
    start_span(&mut scripts, "t", "a1", "");
    start_span(&mut scripts, "t", "b1", "");
    run(&server, &scripts);
    assert_eq!(round(&*store).await, 1_400 + 2);
    assert_eq!(server.command::<u64>(&["ZCARD", "wg:logs"]), 1_400);

    let mut scripts = pipe();
    log_event(&mut scripts, "e", "now", "", HOUR);
    log_event(&mut scripts, "e", "in the midst", "", 0);
    log_event(&mut scripts, "e", "long ago", "", -9 * HOUR);
    log_event(&mut scripts, "f", "another type", "", 2 * HOUR);
    // The number of members stays, and the first and the last of them.
    scripts.zrem("logs:e", 0);
    end_span(&mut scripts, "a1", r#"{"agent_name": "bob"}"#);
    start_span(&mut scripts, "t", "c1", "b1");
    run(&server, &scripts);
    assert_eq!(round(&*store).await, 4 + 1);
    let query = LogQuery { words: vec!["t".into()], ..any_log() };
    assert_eq!(found(&*store, query).await, ["another type", "in the midst"]);
    assert_eq!(found(&*store, LogQuery { words: vec!["long".into()], ..any_log() }).await, ["long ago"]);
    assert_eq!(
        server.command::<Vec<String>>(&["ZRANGE", "wg:open", "0", "-1"]),
        ["b1|t", "c1|t"],
        "a script ended it"
    );

    // We end one that a script began, and a script ends its child.
    let ended = store.write(&project(), vec![write_end(end("b1", SpanStatus::Ok, 10, json!({})))]).await;
    assert!(ended[0].is_ok(), "{ended:?}");
    let mut scripts = pipe();
    end_span(&mut scripts, "c1", r#"{"error": "boom"}"#);
    run(&server, &scripts);
    assert_eq!(round(&*store).await, 0);
    assert_eq!(server.command::<u64>(&["EXISTS", "wg:open"]), 0);
    let query = TraceQuery { trace_id: TraceId::stored("t"), limit: 100, after: None };
    let spans = store.trace(&project(), &query).await.unwrap().spans;
    let child = spans.iter().find(|span| span.span_id.as_str() == "c1").unwrap();
    assert_eq!((child.status, child.error.as_deref()), (SpanStatus::Ok, Some("boom")));
}

#[tokio::test]
async fn two_processes_at_once_find_everything_once() {
    let Some(server) = Server::start(&[]) else { return };
    let mut scripts = pipe();
    for number in 0..3_000 {
        log_event(
            &mut scripts,
            &format!("e{}", number % 3),
            &number.to_string(),
            r#", "trace_id": "t""#,
            number,
        );
        start_span(&mut scripts, "t", &format!("{number:08x}"), "");
    }
    run(&server, &scripts);
    let (one, two) = (connect(&server).await, connect(&server).await);
    let (by_one, by_two) = tokio::join!(round(&*one), round(&*two));
    assert_eq!(by_one + by_two, 6_000);
    for (index, count) in
        [("wg:logs", 3_000), ("wg:spans", 3_000), ("wg:open", 3_000), ("wg:trace-logs:t", 3_000)]
    {
        assert_eq!(server.command::<u64>(&["ZCARD", index]), count, "{index}");
    }
}

#[tokio::test]
async fn what_is_older_than_it_is_kept_goes_like_our_own() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    let mut scripts = pipe();
    log_event(&mut scripts, "dead", "old", "", -30 * HOUR);
    log_event(&mut scripts, "alive", "old", "", -30 * HOUR);
    log_event(&mut scripts, "alive", "new", "", 0);
    start_span(&mut scripts, "old", "a1", "");
    start_span(&mut scripts, "new", "b1", "");
    scripts.hset("span:a1", "start_time", at(-8 * 24 * HOUR).to_naive_iso());
    run(&server, &scripts);
    assert_eq!(round(&*store).await, 5);
    while store.expire(at(0)).await.unwrap().more {}
    let mut keys: Vec<String> = server.command(&["KEYS", "[^w]*"]);
    keys.sort();
    assert_eq!(keys, ["logs:alive", "span:b1", "trace:new:spans"]);
    assert_eq!(server.command::<u64>(&["ZCARD", "logs:alive"]), 1);
    assert_eq!(store.open_spans(&project()).await.unwrap().len(), 1);
}

/// Calls of each command that the server has counted.
fn calls(server: &Server) -> BTreeMap<String, u64> {
    let info: String = server.command(&["INFO", "commandstats"]);
    let call = |line: &str| {
        let (name, stats) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), stats.split(',').next()?.parse().ok()?))
    };
    info.lines().filter_map(call).collect()
}

#[tokio::test]
async fn a_slice_is_short_and_a_round_over_what_is_known_only_looks() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    let mut scripts = pipe();
    for number in 0..TRACES {
        start_span(&mut scripts, &format!("{number:08x}"), &format!("{number:08x}"), "");
        scripts.set(format!("other:{number}"), "x");
    }
    for number in 0..LOGS {
        log_event(&mut scripts, &format!("e{}", number % 500), &number.to_string(), "", number.cast_signed());
    }
    run(&server, &scripts);
    let names = server.command::<u64>(&["DBSIZE"]);
    assert!(names > 20_000, "{names}");

    let mut found = 0;
    let mut slices = 0;
    loop {
        let before = calls(&server);
        let slice = store.adopt(at(0)).await.unwrap();
        let after = calls(&server);
        let made = |name: &str| after.get(name).unwrap_or(&0) - before.get(name).unwrap_or(&0);
        assert!(made("scan") <= 1 && made("zrevrangebyscore") <= 1, "one look a slice");
        assert!(made("hgetall") <= NAMES && made("keys") == 0 && made("smembers") == 0);
        found += slice.records;
        slices += 1;
        if !slice.more {
            break;
        }
    }
    assert_eq!(found, TRACES + LOGS);
    assert!(slices > names / NAMES, "{slices} slices over {names} names");

    let known = server.command::<u64>(&["DBSIZE"]);
    let before = calls(&server);
    assert_eq!(round(&*store).await, 0);
    let after = calls(&server);
    let made: BTreeMap<&str, u64> = after
        .iter()
        .map(|(name, count)| (name.as_str(), count - before.get(name).unwrap_or(&0)))
        .filter(|(name, count)| *count > 0 && *name != "info")
        .collect();
    let looks = ["eval", "hget", "scan", "zcard", "zrange", "zrevrange"];
    assert_eq!(made.keys().copied().collect::<Vec<_>>(), looks, "it reads nothing and writes nothing");
    assert!(made["scan"] <= known / 500, "{made:?} over {known} names");
    // A mark of each span, and the status of each open one.
    assert!(made["hget"] <= 2 * TRACES + NAMES, "{made:?}");
}

#[tokio::test]
async fn a_prefix_bounds_the_search() {
    let Some(server) = Server::start(&[]) else { return };
    let store = open(&options(&format!("{}?prefix=team:", server.url()))).await.unwrap();
    let mut scripts = pipe();
    log_event(&mut scripts, "e", "theirs", "", 0);
    start_span(&mut scripts, "t", "a1", "");
    scripts.zadd("team:logs:e", r#"{"message": "the team's"}"#, seconds(at(0)));
    run(&server, &scripts);
    assert_eq!(round(&*store).await, 1);
    assert_eq!(found(&*store, any_log()).await, ["the team's"]);
}

#[tokio::test]
async fn of_several_processes_one_does_the_work() {
    let Some(server) = Server::start(&[]) else { return };
    let clock = Arc::new(ManualClock::starting_at(at(0)));
    let service = async || {
        let store = connect(&server).await;
        Service::new(store, Arc::clone(&clock) as _, ServiceOptions::default())
    };
    let (one, two) = (service().await, service().await);
    assert_eq!(one.adopt("one").await.unwrap(), 0);
    let mut scripts = pipe();
    log_event(&mut scripts, "e", "m", "", 0);
    run(&server, &scripts);
    assert_eq!(two.adopt("two").await.unwrap(), 0, "the other one has the lease");
    assert_eq!(one.adopt("one").await.unwrap(), 1);
    server.command::<u64>(&["DEL", "wg:lease:adoption"]);
    log_event(&mut scripts, "e", "n", "", 1);
    run(&server, &scripts);
    assert_eq!(two.adopt("two").await.unwrap(), 1, "the next one takes over");
}

#[tokio::test]
async fn whatever_runs_for_long_does_it_by_itself() {
    let Some(server) = Server::start(&[]) else { return };
    let mut scripts = pipe();
    for command in ["serve", "stdio"] {
        scripts.zadd(format!("{command}:logs:e"), r#"{"message": "m"}"#, seconds(at(0)));
    }
    run(&server, &scripts);
    let store = |command| format!("{}?prefix={command}:", server.url());
    let found = |index: &str| server.command::<u64>(&["ZCARD", index]) == 1;
    let serving = Serving::start_on(&store("serve"));
    until("a server has found it", || found("serve:wg:logs"));
    drop(serving);
    let client = Client::stdio(&store("stdio")).await;
    until("a process on pipes has found it", || found("stdio:wg:logs"));
    drop(client);
}

#[tokio::test]
async fn an_embedded_store_has_nothing_of_theirs() {
    let store = open(&options("memory:")).await.unwrap();
    assert!(!store.adopts());
    assert_eq!(store.adopt(at(0)).await.unwrap(), Adopted::default());
}
