//! The largest trace there may be.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::world::World;

pub(super) async fn ten_thousand_spans_come_in_pages(world: &World) {
    world.begin("big", "root", None, json!({ "span_name": "agent_request", "agent_name": "a" })).await;
    let span = |number: usize| json!({ "trace_id": "big", "span_id": format!("s{number}"), "span_name": "tool.x", "parent_span_id": "root" });
    let spans: Vec<Value> = (1..10_000).map(span).collect();
    for batch in spans.chunks(1_000) {
        world.post("/api/v1/spans", &batch.into()).await;
    }
    for failed in ["s7000", "s5"] {
        world.end(failed, "error", json!({ "error": format!("{failed} broke") })).await;
    }
    world.end("root", "ok", json!({})).await;

    let first = world.get("/api/v1/traces/big").await;
    assert_eq!((&first["total"], &first["truncated"]), (&json!(10_000), &json!(true)));
    assert!(
        (500..=1_000).contains(&first["returned"].as_u64().unwrap()),
        "as many as fit: {}",
        first["returned"]
    );
    assert_eq!((&first["tree"]["partial"], &first["totals"]["span_count"]), (&json!(true), &json!(10_000)));
    assert_eq!(first["first_error"]["span_id"], "s7000", "it is looked for on all pages");
    assert_eq!(first["critical_path"]["root_span_id"], "root");
    let mut seen = HashSet::new();
    let mut page = first;
    loop {
        for span in page["spans"].as_array().unwrap() {
            assert!(seen.insert(span["span_id"].as_str().unwrap().to_owned()), "{span} came twice");
        }
        let Some(next) = page["next"].as_str() else { break };
        page = world.get(&format!("/api/v1/traces/big?cursor={next}")).await;
        assert_eq!((&page["kinds"], &page["critical_path"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(seen.len(), 10_000);
    let listed = world.get("/api/v1/traces").await;
    assert_eq!(
        (&listed["items"][0]["span_count"], &listed["items"][0]["open_count"]),
        (&json!(10_000), &json!(9_997))
    );
}
