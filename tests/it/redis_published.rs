//! What the published scripts left behind is read, and what is written the scripts can read.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use watchglass::model::{
    Code, EventFilter, EventType, Key, Level, LogQuery, ProjectId, Scopes, SpanId, SpanStatus, Timestamp,
    TraceId, TraceQuery,
};
use watchglass::store::{Published, Store, StoreUrl, open, published_at};

use crate::contract::world::{any_log, at, end, log, options, span, start, write_end, write_log};
use crate::support::redis::{Server, free_port};

fn project() -> ProjectId {
    ProjectId::default_project()
}

fn exactly(event_type: &str) -> LogQuery {
    LogQuery { event_type: EventFilter::Exactly(EventType::stored(event_type)), ..any_log() }
}

async fn trace(store: &dyn Store, trace_id: &str) -> Vec<watchglass::model::Span> {
    let query = TraceQuery { trace_id: TraceId::stored(trace_id), limit: 100, after: None };
    store.trace(&project(), &query).await.unwrap().spans
}

#[tokio::test]
async fn what_the_scripts_wrote_is_read() {
    let Some(server) = Server::start(&[]) else { return };
    let members = [
        r#"{"timestamp": "2026-11-22T09:30:00.123456", "event_type": "agent.start", "message": "plain", "agent_name": "a"}"#,
        r#"{"timestamp": "2026-11-22T09:30:01", "event_type": "agent.start", "message": "odd", "cost": NaN, "up": Infinity, "raw": "\udcff"}"#,
        r#"{"timestamp": "2026-11-22T09:30:02", "event_type": "agent.start", "message": "loud", "level": "warning"}"#,
        "no json at all",
        "[1, 2]",
    ];
    for (index, member) in members.iter().enumerate() {
        let score = format!("179533980{index}.123456");
        server.command::<i64>(&["ZADD", "logs:agent.start", &score, member]);
    }
    server.command::<i64>(&["LPUSH", "logs:not-a-zset", "x"]);
    let store = open(&options(&server.url())).await.unwrap();
    let page = store.logs(&project(), &exactly("agent.start")).await.unwrap();
    let messages: Vec<&str> = page.logs.iter().map(|log| log.message.as_str()).collect();
    assert_eq!(messages, ["loud", "odd", "plain"]);
    assert_eq!((page.total.value, page.total.exact), (3, true));
    assert_eq!(page.logs.iter().map(|log| log.level).collect::<Vec<_>>(), [Some(Level::Warn), None, None]);
    assert_eq!(page.logs[2].timestamp, Timestamp::from_micros(1_795_339_800_123_456));
    assert_eq!(page.logs[2].agent_name.as_deref(), Some("a"));
    assert_eq!(json!(page.logs[1].metadata), json!({"cost": null, "up": null, "raw": "\u{fffd}"}));
    let again = store.logs(&project(), &exactly("agent.start")).await.unwrap();
    assert_eq!(again, page, "their ids are stable");
    assert_eq!(store.logs(&project(), &exactly("not-a-zset")).await.unwrap().logs, []);

    for (id, parent) in [
        ("a1b2c3d4", "{{parent_span_id}}"),
        ("b1b2c3d4", "a1b2c3d4"),
        ("c1b2c3d4", "<nil>"),
        ("d1b2c3d4", "None"),
    ] {
        let key = format!("span:{id}");
        server.command::<i64>(&[
            "HSET",
            &key,
            "span_id",
            id,
            "trace_id",
            "t",
            "parent_span_id",
            parent,
            "name",
            "llm_call",
            "start_time",
            "2026-11-22T09:30:00",
            "status",
            "in_progress",
        ]);
        server.command::<i64>(&["SADD", "trace:t:spans", id]);
    }
    server.command::<i64>(&[
        "HSET",
        "span:d1b2c3d4",
        "end_time",
        "2026-11-22T09:30:02.500000",
        "duration_ms",
        "2500.0",
        "status",
        "{{status}}",
        "metadata",
        r#"{"output_tokens": 7, "x": NaN}"#,
    ]);
    server.command::<String>(&["SET", "span:e1b2c3d4", "no hash"]);
    server.command::<i64>(&["SADD", "trace:t:spans", "e1b2c3d4", "gone"]);
    let spans = trace(store.as_ref(), "t").await;
    let parents: Vec<Option<&str>> =
        spans.iter().map(|span| span.parent_span_id.as_ref().map(SpanId::as_str)).collect();
    assert_eq!(parents, [None, Some("a1b2c3d4"), None, None]);
    let done = &spans[3];
    assert_eq!((done.status, done.duration_ms, done.usage.output), (SpanStatus::Ok, Some(2_500.0), Some(7)));

    // A span of theirs is ended by us, in forms that they read.
    let ended = store
        .write(&project(), vec![write_end(end("a1b2c3d4", SpanStatus::Ok, 876_544, json!({"a": 1})))])
        .await;
    assert!(ended[0].is_ok(), "{ended:?}");
    let hash: HashMap<String, String> = server.command(&["HGETALL", "span:a1b2c3d4"]);
    assert_eq!(hash["start_time"], "2026-11-22T09:30:00.000000");
    assert_eq!(hash["end_time"], "2026-11-22T09:30:01.000000");
    assert_eq!((hash["duration_ms"].as_str(), hash["status"].as_str()), ("1000.0", "ok"));
    assert_eq!((hash["metadata"].as_str(), hash["parent_span_id"].as_str()), (r#"{"a":1}"#, ""));
}

#[tokio::test]
async fn what_is_written_has_the_published_names_and_forms() {
    let Some(server) = Server::start(&[]) else { return };
    let store = open(&options(&server.url())).await.unwrap();
    let mut told = log(0, "agent.start", "hello");
    told.metadata = json!({"step": 1, "level": "mine"}).as_object().unwrap().clone();
    told.trace_id = Some(TraceId::stored("a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4"));
    let trace_id = told.trace_id.clone().unwrap();
    let root = span(trace_id.as_str(), "1111111111111111", None, 0);
    let answers = store.write(&project(), vec![write_log(told.clone()), start(root)]).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");

    let key = Key {
        id: "0123456789abcdef".into(),
        project: project(),
        scopes: Scopes::all(),
        name: None,
        secret_hash: "5e".repeat(32),
        created: at(0),
        expires: None,
        last_used: None,
        revoked: None,
    };
    store.put_key(&key).await.unwrap();
    store.touch_key(&key.id, at(1)).await.unwrap();

    let id = &told.id;
    let keys: Vec<String> = server.command(&["KEYS", "*"]);
    let types: BTreeMap<String, String> =
        keys.into_iter().map(|key| (key.clone(), server.command(&["TYPE", &key]))).collect();
    let trace = trace_id.as_str();
    let expected = [
        ("logs:agent.start".to_owned(), "zset"),
        ("span:1111111111111111".to_owned(), "hash"),
        (format!("trace:{trace}:spans"), "set"),
        ("wg:keys".to_owned(), "hash"),
        ("wg:keys:used".to_owned(), "hash"),
        ("wg:logs".to_owned(), "zset"),
        ("wg:projects".to_owned(), "set"),
        ("wg:open".to_owned(), "zset"),
        ("wg:rollup:hour:agent:1795338000".to_owned(), "hash"),
        ("wg:rollup:minute:agent:1795339800".to_owned(), "hash"),
        ("wg:rollups:hour".to_owned(), "zset"),
        ("wg:rollups:minute".to_owned(), "zset"),
        ("wg:spans".to_owned(), "zset"),
        ("wg:traces".to_owned(), "zset"),
        (format!("wg:trace-share:{trace}"), "hash"),
        (format!("wg:trace:{trace}"), "hash"),
        (format!("wg:trace-logs:{trace}"), "zset"),
    ];
    assert_eq!(types, expected.map(|(name, kind)| (name, kind.to_owned())).into());
    let settings = ["wg:keys", "wg:keys:used", "wg:projects"];
    for key in types.keys().filter(|key| !settings.contains(&key.as_str())) {
        assert!(server.command::<i64>(&["TTL", key]) > 0, "{key} stays for ever");
    }

    let members: Vec<String> = server.command(&["ZRANGE", "logs:agent.start", "0", "-1", "WITHSCORES"]);
    assert_eq!(members[1].parse(), Ok(1_795_339_800.123_456_f64));
    assert!(members[0].starts_with(
        r#"{"timestamp":"2026-11-22T09:30:00.123456","event_type":"agent.start","message":"hello","step":1"#
    ));
    let member: Value = serde_json::from_str(&members[0]).unwrap();
    assert_eq!((&member["level"], &member["metadata"]), (&json!("info"), &json!({"level": "mine"})));
    let index: Vec<String> = server.command(&["ZRANGE", "wg:logs", "0", "-1"]);
    assert_eq!(index, [format!("{id}|agent.start")]);

    let hash: HashMap<String, String> = server.command(&["HGETALL", "span:1111111111111111"]);
    let published = ["span_id", "trace_id", "parent_span_id", "name", "start_time", "status"];
    assert_eq!(
        published.map(|field| hash[field].as_str()),
        ["1111111111111111", trace, "", "step", "2026-11-22T09:30:00.123456", "in_progress"]
    );
    let ids: Vec<String> = server.command(&["SMEMBERS", &format!("trace:{trace}:spans")]);
    assert_eq!(ids, ["1111111111111111"]);

    // A script ends our span: it overwrites four fields and knows nothing of ours.
    server.command::<i64>(&[
        "HSET",
        "span:1111111111111111",
        "end_time",
        "2026-11-22T09:30:01.123456",
        "duration_ms",
        "1000.0",
        "status",
        "failed",
        "metadata",
        r#"{"error": "boom"}"#,
    ]);
    let spans = self::trace(store.as_ref(), trace).await;
    assert_eq!((spans[0].status, spans[0].error.as_deref()), (SpanStatus::Error, Some("boom")));
    assert_eq!(store.open_spans(&project()).await.unwrap(), []);
}

#[tokio::test]
async fn a_prefix_goes_before_every_key() {
    let Some(server) = Server::start(&[]) else { return };
    let store = open(&options(&format!("{}/2?prefix=team:", server.url()))).await.unwrap();
    let answers =
        store.write(&project(), vec![write_log(log(0, "e", "m")), start(span("t", "1", None, 0))]).await;
    assert!(answers.iter().all(Result::is_ok));
    let mut connection = server.connect().unwrap();
    redis::cmd("SELECT").arg(2).exec(&mut connection).unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    assert!(keys.len() >= 6 && keys.iter().all(|key| key.starts_with("team:")), "{keys:?}");
    assert_eq!(store.logs(&project(), &any_log()).await.unwrap().logs.len(), 1);
}

#[tokio::test]
async fn a_look_into_a_server_tells_what_the_scripts_left() {
    let Some(server) = Server::start(&[]) else { return };
    let url = StoreUrl::parse(&server.url()).unwrap();
    let nothing = Published { complete: true, ..Published::default() };
    assert_eq!(published_at(&url).await.unwrap(), nothing);
    assert!(!nothing.is_any());
    let mut scripts = redis::pipe();
    for number in 0..3_000 {
        scripts.hset(format!("span:{number}"), "span_id", number);
        scripts.sadd(format!("trace:t{}:spans", number / 3), number);
    }
    scripts.zadd("logs:e", r#"{"message": "m"}"#, 1).set("logs:text", "x").set("unrelated", "x");
    scripts.exec(&mut server.connect().unwrap()).unwrap();
    let left = Published { log_types: 1, spans: 3_000, traces: 1_000, ..nothing };
    assert_eq!(published_at(&url).await.unwrap(), left);
    let store = open(&options(&server.url())).await.unwrap();
    assert!(store.write(&project(), vec![write_log(log(0, "e", "m"))]).await[0].is_ok());
    assert_eq!(published_at(&url).await.unwrap(), Published { watchglass: true, ..left });

    let nobody = StoreUrl::parse(&format!("redis://127.0.0.1:{}", free_port())).unwrap();
    let problem = published_at(&nobody).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageUnavailable);
}
