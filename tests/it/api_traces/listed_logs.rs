//! Lists of logs.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, each};

pub(super) async fn filters_hold(world: &World) {
    for (level, event_type, message, metadata) in [
        ("info", "agent.start", "hello there", json!({ "agent_name": "a", "trace_id": "t" })),
        ("warn", "agent.retry", "again", json!({ "agent_name": "a" })),
        ("error", "tool.fail", "no Page there", json!({ "agent_name": "b", "url": "example.org" })),
    ] {
        let log =
            json!({ "level": level, "event_type": event_type, "message": message, "metadata": metadata });
        world.post("/api/v1/logs", &log).await;
    }
    for (query, expected) in [
        ("", &["no Page there", "again", "hello there"] as &[&str]),
        ("event_type=*", &["no Page there", "again", "hello there"]),
        ("event_type=agent.*", &["again", "hello there"]),
        ("event_type=agent.retry", &["again"]),
        ("level=warning", &["again"]),
        ("min_level=warn", &["no Page there", "again"]),
        ("agent=b", &["no Page there"]),
        ("trace_id=t", &["hello there"]),
        ("q=page+there", &["no Page there"]),
        ("q=EXAMPLE.org", &["no Page there"]),
        ("window=1h&agent=a", &["again", "hello there"]),
        ("since=2h&until=1h", &[]),
    ] {
        let page = world.get(&format!("/api/v1/logs?{query}")).await;
        assert_eq!(each(&page["items"], "message"), expected, "{query}");
        assert_eq!((&page["total"], &page["total_exact"]), (&json!(expected.len()), &json!(true)), "{query}");
    }
    for (query, field) in [
        ("level=loud", "level"),
        ("level=info&min_level=info", "min_level"),
        ("event_type=%5Ba", "event_type"),
        ("trace_id=a%20b", "trace_id"),
        ("limit=0", "limit"),
        ("window=8d", "window"),
        ("include=bars", "include"),
        ("cursor=x", "cursor"),
    ] {
        let refused = world.refused(Method::GET, &format!("/api/v1/logs?{query}")).await;
        assert_eq!(refused, (400, field.to_owned()), "{query}");
    }
}

pub(super) async fn pages_join_while_logs_arrive(world: &World) {
    let old: Vec<Value> =
        (0..25).map(|number| json!({ "event_type": "e", "message": format!("old {number}") })).collect();
    world.post("/api/v1/logs", &old.into()).await;
    let items =
        world.pages("/api/v1/logs?limit=10", async || world.log("info", "new", json!({})).await).await;
    let expected: Vec<String> = (0..25).rev().map(|number| format!("old {number}")).collect();
    assert_eq!(each(&items.into(), "message"), expected);
}

pub(super) async fn the_histogram_counts_every_page(world: &World) {
    for (level, count) in [("debug", 3), ("info", 40), ("error", 7)] {
        let log = json!({ "level": level, "event_type": "e", "message": "m" });
        world.post("/api/v1/logs", &vec![log; count].into()).await;
    }
    let page = world.get("/api/v1/logs?include=histogram&limit=5&window=1h").await;
    let histogram = &page["histogram"];
    assert_eq!((&histogram["step_seconds"], &histogram["partial"]), (&json!(300), &json!(false)));
    let bins = histogram["bins"].as_array().unwrap();
    assert!((12..=13).contains(&bins.len()), "an hour of bins, with and without logs");
    let sum = |level: &str| bins.iter().map(|bin| bin["counts"][level].as_u64().unwrap()).sum::<u64>();
    assert_eq!(["debug", "info", "warn", "error", "none"].map(sum), [3, 40, 0, 7, 0]);
    assert_eq!((&histogram["counted"], &page["returned"]), (&json!(50), &json!(5)));
    let errors = world.get("/api/v1/logs?include=histogram&min_level=error").await;
    assert_eq!(errors["histogram"]["counted"], 7);
    let kept = world.get("/api/v1/status").await["kept"]["logs_seconds"].as_u64().unwrap();
    let step = if kept == 86_400 { 1_800 } else { 10_800 };
    assert_eq!(errors["histogram"]["step_seconds"], step, "it is of all that is kept: {kept} s");
}

pub(super) async fn a_part_that_is_counted_says_so(world: &World) {
    let logs: Vec<Value> = vec![json!({ "event_type": "e", "message": "m" }); 1_000];
    for _ in 0..11 {
        world.post("/api/v1/logs", &logs.clone().into()).await;
    }
    let page = world.get("/api/v1/logs?include=histogram&window=1h").await;
    assert_eq!(
        (&page["histogram"]["partial"], &page["histogram"]["counted"]),
        (&json!(true), &json!(10_000))
    );
    assert!(page["histogram"]["bins"].as_array().unwrap().len() <= 2, "what was not reached has no bins");
    assert_eq!((&page["total_exact"], page["total"].as_u64().unwrap() >= 10_000), (&json!(false), true));
}
