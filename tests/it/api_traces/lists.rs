//! Lists of traces.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, each};

/// An answered question, one that failed in a tool, and one that is still being asked.
async fn three(world: &World) {
    let named = |name: &str| json!({ "span_name": name, "agent_name": "planner", "session_id": "s1" });
    world.begin("done", "done-root", None, named("agent_request")).await;
    world.begin("done", "done-llm", Some("done-root"), named("llm_call")).await;
    let usage = json!({
        "model": "m", "input_tokens": 100, "cache_read_tokens": 40, "output_tokens": 7, "cost_usd": 0.25,
    });
    world.end("done-llm", "ok", usage).await;
    world.begin("done", "done-tool", Some("done-root"), named("tool.search")).await;
    world.end("done-tool", "ok", json!({})).await;
    world.end("done-root", "ok", json!({})).await;

    world
        .begin("failed", "failed-root", None, json!({ "span_name": "agent_request", "agent_name": "helper" }))
        .await;
    world.begin("failed", "failed-tool", Some("failed-root"), json!({ "span_name": "tool.fetch" })).await;
    world.end("failed-tool", "error", json!({ "error": "connection refused" })).await;
    world.end("failed-root", "error", json!({ "error": "gave up" })).await;

    world.begin("open", "open-root", None, json!({ "span_name": "agent_request" })).await;
    world.begin("open", "open-llm", Some("open-root"), json!({ "span_name": "llm_call" })).await;
    world.end("open-llm", "ok", json!({ "model": "nobody-prices-this", "input_tokens": 3 })).await;
}

pub(super) async fn a_trace_is_listed_with_its_numbers(world: &World) {
    three(world).await;
    let page = world.get("/api/v1/traces").await;
    assert_eq!(
        (&page["total"], &page["total_exact"], &page["complete"]),
        (&json!(3), &json!(true), &json!(true))
    );
    assert_eq!((&page["limit"], &page["next"], &page["untrusted"]), (&json!(50), &Value::Null, &json!(true)));
    assert_eq!(each(&page["items"], "trace_id"), ["open", "failed", "done"]);
    let [open, failed, done] = [0, 1, 2].map(|index| &page["items"][index]);

    for (key, expected) in [
        ("agent_name", json!("planner")),
        ("name", json!("agent_request")),
        ("status", json!("ok")),
        ("session_id", json!("s1")),
        ("error", Value::Null),
        ("running_ms", Value::Null),
        ("span_count", json!(3)),
        ("error_count", json!(0)),
        ("open_count", json!(0)),
        ("llm_calls", json!(1)),
        ("tool_calls", json!(1)),
        ("tokens", json!({ "input": 100, "cache_read": 40, "cache_write": 0, "output": 7, "total": 147 })),
        ("cost_usd", json!(0.25)),
        ("cost_source", json!("reported")),
        ("unpriced_calls", json!(0)),
    ] {
        assert_eq!(done[key], expected, "{key}: {done}");
    }
    assert!(done["duration_ms"].as_f64().unwrap() > 0.0 && done["end_time"].is_string());
    assert!(done.get("spans").is_none());

    assert_eq!((&failed["status"], &failed["error"]), (&json!("error"), &json!("gave up")));
    assert_eq!((&failed["error_count"], &failed["agent_name"]), (&json!(2), &json!("helper")));
    assert_eq!((&failed["cost_usd"], &failed["cost_source"]), (&Value::Null, &Value::Null));

    assert_eq!((&open["status"], &open["open_count"]), (&json!("in_progress"), &json!(1)));
    assert_eq!((&open["duration_ms"], &open["end_time"]), (&Value::Null, &Value::Null));
    assert!(open["running_ms"].as_f64().unwrap() > 0.0);
    assert_eq!((&open["cost_usd"], &open["cost_source"]), (&Value::Null, &json!("unpriced")));
    assert_eq!(open["unpriced_calls"], 1);
}

pub(super) async fn filters_hold(world: &World) {
    three(world).await;
    for (query, expected) in [
        ("agent=planner", &["done"] as &[&str]),
        ("agent=nobody", &[]),
        ("session=s1", &["done"]),
        ("status=error", &["failed"]),
        ("status=in_progress", &["open"]),
        ("status=abandoned", &[]),
        ("status=completed", &["done"]),
        ("min_duration_ms=0", &["open", "failed", "done"]),
        ("min_duration_ms=1e9", &[]),
        ("q=GAVE+up", &["failed"]),
        ("q=gave+planner", &[]),
        ("q=done", &["done"]),
        ("window=1h", &["open", "failed", "done"]),
        ("since=1h&until=1m", &[]),
        ("agent=planner&status=ok&session=s1", &["done"]),
    ] {
        let page = world.get(&format!("/api/v1/traces?{query}")).await;
        let mut found = each(&page["items"], "trace_id");
        // What has not ended has no certain duration, so that engines may differ about an open one that took nothing.
        if query == "min_duration_ms=0" {
            found.retain(|trace| *trace != "open");
            assert_eq!(found, ["failed", "done"], "{query}");
        } else {
            assert_eq!(found, expected, "{query}");
            assert_eq!(page["total"], expected.len(), "{query}");
        }
    }
    let listed = world.get("/api/v1/traces?status=error").await;
    let (start, end) = (&listed["items"][0]["start_time"], &listed["items"][0]["end_time"]);
    let between = format!("since={}&until={}", start.as_str().unwrap(), end.as_str().unwrap());
    let page = world.get(&format!("/api/v1/traces?{between}")).await;
    assert_eq!(each(&page["items"], "trace_id"), ["failed"], "`since` is included: {between}");
    let before = format!("until={}", start.as_str().unwrap());
    let page = world.get(&format!("/api/v1/traces?{before}")).await;
    assert_eq!(each(&page["items"], "trace_id"), ["done"], "`until` is not: {before}");
}

pub(super) async fn every_order_holds_over_pages(world: &World) {
    for number in 0_u32..12 {
        // Neither cost nor tokens nor errors follow the order of time; some are equal.
        let rank = number * 5 % 12 / 2;
        let root = format!("t{number}-root");
        world.begin(&format!("t{number}"), &root, None, json!({ "span_name": "llm_call" })).await;
        for failure in 0..rank {
            let id = format!("t{number}-{failure}");
            world.begin(&format!("t{number}"), &id, Some(&root), json!({ "span_name": "tool.x" })).await;
            world.end(&id, "error", json!({})).await;
        }
        let cost = f64::from(rank) * 0.1;
        world.end(&root, "ok", json!({ "output_tokens": rank, "cost_usd": cost })).await;
    }
    for (sort, key) in [
        ("start", ""),
        ("duration", "/duration_ms"),
        ("cost", "/cost_usd"),
        ("tokens", "/tokens/total"),
        ("errors", "/error_count"),
    ] {
        let items = world.pages(&format!("/api/v1/traces?sort={sort}&limit=5"), async || ()).await;
        let mut ids: Vec<&str> = items.iter().map(|item| item["trace_id"].as_str().unwrap()).collect();
        if sort == "start" {
            assert_eq!(ids, (0..12).rev().map(|number| format!("t{number}")).collect::<Vec<_>>());
        } else {
            let ranks: Vec<f64> =
                items.iter().map(|item| item.pointer(key).unwrap().as_f64().unwrap_or_default()).collect();
            assert!(ranks.is_sorted_by(|one, other| one >= other), "{sort}: {ranks:?}");
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 12, "{sort}: each trace is on one page");
    }
}

pub(super) async fn pages_join_while_traces_arrive(world: &World) {
    for number in 0..25 {
        world.run(&format!("old{number:02}"), "a", "ok", json!({})).await;
    }
    let mut later = 0;
    let items = world
        .pages("/api/v1/traces?limit=10&window=1h", async || {
            later += 1;
            world.run(&format!("new{later}"), "a", "ok", json!({})).await;
        })
        .await;
    assert_eq!(later, 2);
    let expected: Vec<String> = (0..25).rev().map(|number| format!("old{number:02}")).collect();
    assert_eq!(each(&items.into(), "trace_id"), expected);
}

pub(super) async fn a_cursor_is_good_for_its_question_alone(world: &World) {
    for number in 0..3 {
        world.run(&format!("t{number}"), "a", "ok", json!({})).await;
    }
    let page = world.get("/api/v1/traces?limit=1&agent=a").await;
    let cursor = page["next"].as_str().unwrap();
    let next = world.get(&format!("/api/v1/traces?limit=1&agent=a&cursor={cursor}&include=spans")).await;
    assert_eq!(each(&next["items"], "trace_id"), ["t1"], "what is included is no part of the question");
    for path in [
        format!("/api/v1/traces?limit=1&cursor={cursor}"),
        format!("/api/v1/traces?limit=1&agent=a&sort=cost&cursor={cursor}"),
        format!("/api/v1/traces?limit=1&agent=a&cursor={cursor}x"),
        format!("/api/v1/logs?cursor={cursor}"),
        format!("/api/v1/search?q=a&cursor={cursor}"),
        format!("/api/v1/traces/t1?cursor={cursor}"),
        format!("/api/v1/running?cursor={cursor}"),
    ] {
        assert_eq!(world.refused(Method::GET, &path).await, (400, "cursor".to_owned()), "{path}");
    }
}

pub(super) async fn spans_come_along(world: &World) {
    three(world).await;
    let page = world.get("/api/v1/traces?include=spans").await;
    for item in page["items"].as_array().unwrap() {
        let spans = item["spans"].as_array().unwrap();
        assert_eq!((&item["span_count"], &item["spans_truncated"]), (&json!(spans.len()), &json!(false)));
        assert!(spans.iter().all(|span| span["trace_id"] == item["trace_id"]));
    }
    let llm = &page["items"][2]["spans"][1];
    assert_eq!((&llm["cost_usd"], &llm["cost_source"]), (&json!(0.25), &json!("reported")), "{llm}");

    let wide: Vec<Value> = (0..150)
        .map(|number| json!({ "trace_id": "wide", "span_id": format!("w{number}"), "span_name": "step" }))
        .collect();
    world.post("/api/v1/spans", &wide.into()).await;
    let page = world.get("/api/v1/traces?include=spans&limit=1").await;
    let wide = &page["items"][0];
    assert_eq!((wide["spans"].as_array().unwrap().len(), &wide["spans_truncated"]), (100, &json!(true)));

    let large = json!({ "text": "x".repeat(60_000) });
    for number in 0..12 {
        world.run(&format!("large{number}"), "a", "ok", large.clone()).await;
    }
    let page = world.get("/api/v1/traces?include=spans&limit=12").await;
    assert!(page.to_string().len() < 1024 * 1024);
    let cut = page["items"].as_array().unwrap().iter().filter(|item| item["spans_truncated"] == true);
    assert!((3..12).contains(&cut.count()), "what does not fit is told");
}

pub(super) async fn what_is_no_question_is_refused(world: &World) {
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=abc", "limit"),
        ("sort=fastest", "sort"),
        ("status=weird", "status"),
        ("min_duration_ms=-1", "min_duration_ms"),
        ("min_duration_ms=NaN", "min_duration_ms"),
        ("window=0m", "window"),
        ("window=3650d", "window"),
        ("since=yesterday", "since"),
        ("window=1h&since=2h", "since"),
        ("since=1h&until=2h", "since"),
        ("include=everything", "include"),
        ("agent=%00", "agent"),
        ("agnt=a", "agnt"),
        ("cursor=abc", "cursor"),
    ] {
        let refused = world.refused(Method::GET, &format!("/api/v1/traces?{query}")).await;
        assert_eq!(refused, (400, field.to_owned()), "{query}");
    }
    let long = format!("/api/v1/traces?q={}", "x".repeat(1_025));
    assert_eq!(world.refused(Method::GET, &long).await, (400, "q".to_owned()));
    let wide = world.get("/api/v1/traces?limit=1000000000").await;
    assert_eq!(wide["limit"], 200, "too large a wish is cut and told");
}
