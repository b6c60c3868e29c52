//! What is going on now.

use reqwest::Method;
use serde_json::json;

use super::world::{World, each};

pub(super) async fn what_is_in_progress_is_told_with_its_current_step(world: &World) {
    world.run("done", "planner", "ok", json!({})).await;
    for (trace, agent) in [("first", "planner"), ("second", "helper")] {
        let named = |name: &str| json!({ "span_name": name, "agent_name": agent });
        world.begin(trace, &format!("{trace}-root"), None, named("agent_request")).await;
        world.begin(trace, &format!("{trace}-llm"), Some(&format!("{trace}-root")), named("llm_call")).await;
    }
    world.begin("first", "first-tool", Some("first-root"), json!({ "span_name": "tool.search" })).await;
    world.end("first-llm", "ok", json!({})).await;
    let running = world.get("/api/v1/running").await;
    assert_eq!((&running["total"], &running["total_exact"]), (&json!(2), &json!(true)));
    assert_eq!(each(&running["items"], "trace_id"), ["second", "first"]);
    let first = &running["items"][1];
    assert_eq!(
        (&first["status"], &first["open_count"], &first["agent_name"]),
        (&json!("in_progress"), &json!(2), &json!("planner"))
    );
    assert_eq!(
        (&first["outermost"]["span_id"], &first["current"]["span_id"]),
        (&json!("first-root"), &json!("first-tool"))
    );
    assert_eq!(
        (&first["current"]["kind"], &first["current"]["name"]),
        (&json!("tool"), &json!("tool.search"))
    );
    assert!(first["outermost"]["running_ms"].as_f64() >= first["current"]["running_ms"].as_f64());
    assert!(first["idle_ms"].as_f64() <= first["current"]["running_ms"].as_f64());

    let helpers = world.get("/api/v1/running?agent=helper").await;
    assert_eq!(each(&helpers["items"], "trace_id"), ["second"]);
    let pages = world.pages("/api/v1/running?limit=1", async || ()).await;
    assert_eq!(each(&pages.into(), "trace_id"), ["second", "first"]);
    for (query, field) in
        [("limit=0", "limit"), ("cursor=x", "cursor"), ("agent=%00", "agent"), ("agnt=a", "agnt")]
    {
        let refused = world.refused(Method::GET, &format!("/api/v1/running?{query}")).await;
        assert_eq!(refused, (400, field.to_owned()), "{query}");
    }
}
