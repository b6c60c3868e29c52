//! Search.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, each};

/// What kind each item is of, and where the words were found.
fn kinds(answer: &Value) -> Vec<(&str, &str)> {
    each(&answer["items"], "kind").into_iter().zip(each(&answer["items"], "field")).collect()
}

pub(super) async fn words_are_found_in_every_kind(world: &World) {
    world.run("t1", "billing", "error", json!({ "error": "the refund was Refused by the bank" })).await;
    world
        .begin(
            "t2",
            "step",
            None,
            json!({ "span_name": "tool.bank", "metadata": { "note": "refund please" } }),
        )
        .await;
    world.log("warn", "the bank will not refund", json!({ "agent_name": "billing" })).await;
    world.log("info", "nothing of the kind", json!({})).await;

    let found = world.get("/api/v1/search?q=refund+BANK").await;
    assert_eq!(
        kinds(&found),
        [("trace", "error"), ("span", "name"), ("span", "error"), ("log", "message")],
        "{found}"
    );
    assert_eq!((&found["returned"], &found["next"]), (&json!(4), &Value::Null));
    let trace = &found["items"][0];
    assert_eq!(
        (&trace["trace_id"], &trace["status"], &trace["title"]),
        (&json!("t1"), &json!("error"), &json!("agent_request"))
    );
    assert_eq!(trace["snippet"], "the refund was Refused by the bank");
    let log = &found["items"][3];
    assert!(log["log_id"].is_string() && log["title"] == "step.done" && log["status"] == "warn", "{log}");
    assert!(found["looked"].as_array().unwrap().iter().all(|looked| looked["complete"] == true));

    let spans = world.get("/api/v1/search?q=refund&kind=spans").await;
    assert_eq!(each(&spans["items"], "kind"), ["span", "span"]);
    assert_eq!(each(&spans["items"], "span_id"), ["step", "t1-root"], "the newest first");
    let some = world.get("/api/v1/search?q=refund&kind=logs,traces").await;
    assert_eq!(each(&some["items"], "kind"), ["trace", "log"]);
    assert_eq!(world.get("/api/v1/search?q=refund+nothing").await["items"], json!([]));
    assert_eq!(world.get("/api/v1/search?q=refund&since=2h&until=1h").await["items"], json!([]));
}

pub(super) async fn ids_are_found_directly(world: &World) {
    world.run("4bf92f3577b34da6a3ce929d0e0e4736", "a", "ok", json!({})).await;
    world.begin("short", "9f2c", None, json!({ "span_name": "step" })).await;
    let by_trace = world.get("/api/v1/search?q=4bf92f3577b34da6a3ce929d0e0e4736").await;
    assert_eq!(
        (&by_trace["items"][0]["kind"], &by_trace["items"][0]["exact"]),
        (&json!("trace"), &json!(true))
    );
    let same =
        |item: &&Value| item["kind"] == "trace" && item["trace_id"] == by_trace["items"][0]["trace_id"];
    assert_eq!(by_trace["items"].as_array().unwrap().iter().filter(same).count(), 1, "{by_trace}");
    for form in ["9f2c", "0000000000009f2c"] {
        let by_span = world.get(&format!("/api/v1/search?q={form}")).await;
        let first = &by_span["items"][0];
        assert_eq!(
            (&first["kind"], &first["span_id"], &first["exact"]),
            (&json!("span"), &json!("9f2c"), &json!(true))
        );
    }
}

pub(super) async fn pages_go_on_until_all_is_seen(world: &World) {
    let needle = |number: usize| json!({ "trace_id": format!("n{number:02}"), "span_id": format!("needle{number:02}"), "span_name": "needle" });
    world.post("/api/v1/spans", &(0..25).map(needle).collect()).await;
    let hay = |number: usize| json!({ "trace_id": format!("h{}", number % 10), "span_id": format!("hay{number}"), "span_name": "hay" });
    for batch in 0..6 {
        world.post("/api/v1/spans", &(batch * 1_000..(batch + 1) * 1_000).map(hay).collect()).await;
    }
    let logs: Vec<Value> =
        (0..15).map(|number| json!({ "event_type": "e", "message": format!("needle {number}") })).collect();
    world.post("/api/v1/logs", &logs.into()).await;
    let first = world.get("/api/v1/search?q=needle&limit=10").await;
    let looked =
        first["looked"].as_array().unwrap().iter().find(|looked| looked["kind"] == "spans").unwrap().clone();
    assert_eq!((&looked["complete"], looked["back_to"].is_string()), (&json!(false), true), "{looked}");
    assert_eq!(first["total_exact"], false);

    let mut arrived = 0;
    let items = world
        .pages("/api/v1/search?q=needle&limit=10", async || {
            arrived += 1;
            world.log("info", "another needle", json!({})).await;
        })
        .await;
    let mut ids: Vec<String> =
        items.iter().map(|item| format!("{}{}{}", item["kind"], item["span_id"], item["log_id"])).collect();
    for (kind, count) in [("trace", 25), ("span", 25), ("log", 15)] {
        assert_eq!(items.iter().filter(|item| item["kind"] == kind).count(), count, "{kind}");
    }
    ids.retain(|id| !id.starts_with("\"trace\""));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 40, "nothing comes twice");
    assert!(arrived >= 2);
}

pub(super) async fn strange_words_are_words(world: &World) {
    world.log("info", r#"100% of "NEAR/2" OR 'x'; DROP TABLE logs;-- [a-z]*"#, json!({})).await;
    for query in ["100%25", "%22near%2F2%22", "%27x%27%3B", "drop+table", "[a-z]*", "--", "OR"] {
        let found = world.get(&format!("/api/v1/search?q={query}")).await;
        assert_eq!(each(&found["items"], "kind"), ["log"], "{query}");
    }
    for query in ["%25%25", "_", "a*b", "x%00", "%5C", "1..%25"] {
        let answer = world.get(&format!("/api/v1/search?q={query}")).await;
        assert_eq!(answer["items"], json!([]), "{query}: nothing in it is a pattern");
    }
    for (query, field) in [
        ("", "q"),
        ("q=", "q"),
        ("q=+", "q"),
        ("q=a&kind=spam", "kind"),
        ("q=a&limit=0", "limit"),
        ("q=a&cursor=x", "cursor"),
        ("q=a&window=0", "window"),
    ] {
        let refused = world.refused(Method::GET, &format!("/api/v1/search?{query}")).await;
        assert_eq!(refused, (400, field.to_owned()), "{query}");
    }
}
