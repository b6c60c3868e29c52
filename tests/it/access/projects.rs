//! Two projects with the same ids in one store: neither sees a byte of the other (S-39, S-40).

use serde_json::{Value, json};

use super::world::{Caller, make_key, run};
use crate::support::bench::File;
use crate::support::redis::{self, Server as Redis};
use crate::support::server::Server;

const TOOLS: [&str; 6] = ["log_event", "start_span", "end_span", "record_metric", "get_trace", "query_logs"];

/// What the project `name` writes: the ids are everybody's, the texts its own.
async fn fill(caller: &Caller, canary: &str) {
    let metadata =
        json!({ "trace_id": "shared", "agent_name": canary, "session_id": canary, "note": canary });
    let log =
        json!({ "event_type": "shared", "message": canary, "metadata": metadata, "idempotency_key": "k" });
    caller.ok("log_event", log).await;
    let span =
        json!({ "trace_id": "shared", "span_name": canary, "span_id": "shared-span", "agent_name": canary });
    caller.ok("start_span", span).await;
    caller.ok("end_span", json!({ "span_id": "shared-span", "metadata": { "note": canary } })).await;
    let point = json!({ "metric_name": "shared.calls", "value": 1, "labels": { "agent_name": canary } });
    caller.ok("record_metric", point).await;
}

/// Every question that the tools take, with ids that both projects have.
fn questions() -> Vec<(&'static str, Value)> {
    vec![
        ("get_trace", json!({ "trace_id": "shared" })),
        ("query_logs", json!({})),
        ("query_logs", json!({ "event_type": "shared" })),
        ("query_logs", json!({ "event_type": "*" })),
        ("query_logs", json!({ "event_type": "sha*" })),
        ("query_logs", json!({ "trace_id": "shared" })),
        ("query_logs", json!({ "agent_name": "canary-of-b" })),
        ("query_logs", json!({ "text": "canary" })),
        (
            "start_span",
            json!({ "trace_id": "shared", "span_name": "child", "parent_span_id": "shared-span" }),
        ),
        ("log_event", json!({ "event_type": "more", "message": "m", "metadata": { "trace_id": "shared" } })),
    ]
}

async fn stay_apart(store: &str) {
    let server = Server::start_on(store);
    let caller = |project: &str| {
        let key = make_key(store, project, "ingest,read,metrics");
        Caller::new(&server, key["key"].as_str().unwrap())
    };
    let (a, b, default) = (caller("a"), caller("b"), caller("default"));
    fill(&a, "canary-of-a").await;
    fill(&b, "canary-of-b").await;
    fill(&default, "canary-of-default").await;
    for (caller, own, others) in [
        (&a, "canary-of-a", ["canary-of-b", "canary-of-default"]),
        (&b, "canary-of-b", ["canary-of-a", "canary-of-default"]),
        (&default, "canary-of-default", ["canary-of-a", "canary-of-b"]),
    ] {
        for (tool, arguments) in questions() {
            let asked = arguments.to_string();
            let answer = caller.call(tool, arguments).await;
            for other in others {
                let shown = answer.body.contains(other) && !asked.contains(other);
                assert!(!shown, "{store}: {tool} {asked} shows {other}: {}", answer.body);
            }
        }
        // The key's project says whose series these are (S-42).
        let metrics = caller.get("/metrics").await.body;
        assert!(metrics.contains(own), "{store}: {metrics}");
        let process = caller.get("/metrics/process").await.body;
        assert!(!process.contains(own), "{store}: the process names a project's agent: {process}");
        for shown in [metrics, process] {
            assert!(others.iter().all(|other| !shown.contains(other)), "{store} shows another's: {shown}");
        }
    }
    // Commands on this machine are the default project's.
    let local = run(store, &["call", "query_logs"]).to_string();
    assert!(local.contains("canary-of-default") && !local.contains("canary-of-a"), "{local}");

    // A cursor opens nothing elsewhere.
    a.ok("log_event", json!({ "event_type": "page", "message": "1" })).await;
    a.ok("log_event", json!({ "event_type": "page", "message": "2" })).await;
    let page = a.ok("query_logs", json!({ "event_type": "page", "limit": 1 })).await;
    let foreign = json!({ "event_type": "page", "limit": 1, "cursor": page["next"] });
    assert!(b.call("query_logs", foreign).await.body.contains("INVALID_CURSOR"));

    // What another project holds is answered as what nobody holds.
    a.ok("start_span", json!({ "trace_id": "only-a", "span_name": "s", "span_id": "only-a-span" })).await;
    for (theirs, nobodys) in [
        (
            b.call("end_span", json!({ "span_id": "only-a-span" })).await,
            b.call("end_span", json!({ "span_id": "no-span-is" })).await,
        ),
        (
            b.call("get_trace", json!({ "trace_id": "only-a" })).await,
            b.call("get_trace", json!({ "trace_id": "nobody" })).await,
        ),
    ] {
        assert_eq!(theirs.status, nobodys.status);
        assert_eq!(theirs.body.replace("only-a", "nobody"), nobodys.body);
    }
    odd_ids_stay_apart(&[(&a, "canary-of-a"), (&b, "canary-of-b"), (&default, "canary-of-default")]).await;
    // And no argument names a project.
    for tool in TOOLS {
        let answer = a.call(tool, json!({ "project": "b" })).await;
        assert!(answer.body.contains("there is no argument `project`"), "{tool}: {}", answer.body);
    }
}

/// Ids and names that could be taken for a part of a store's own keys.
const ODD: [&str; 8] =
    ["wg:p:b:shared", "b:shared", "p:b", "trace:shared:spans", "shared:spans", "..", "a:b:c", "default"];

/// Nobody finds with an id of any form what another project wrote under it.
async fn odd_ids_stay_apart(callers: &[(&Caller, &str)]) {
    for (caller, canary) in callers {
        for id in ODD {
            let span = json!({ "trace_id": id, "span_id": format!("{id}.s"), "span_name": canary });
            caller.ok("start_span", span).await;
            let log = json!({ "event_type": "odd", "message": canary, "metadata": { "trace_id": id } });
            caller.ok("log_event", log).await;
        }
    }
    for (caller, canary) in callers {
        for id in ODD {
            let trace = caller.ok("get_trace", json!({ "trace_id": id })).await;
            assert_eq!((&trace["total"], &trace["spans"][0]["name"]), (&json!(1), &json!(canary)), "{id}");
            let logs = caller.ok("query_logs", json!({ "trace_id": id, "event_type": "odd" })).await;
            assert_eq!((&logs["total"], &logs["logs"][0]["message"]), (&json!(1), &json!(canary)), "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_stay_apart_on_sqlite() {
    stay_apart(&File::new().store()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_stay_apart_on_redis() {
    let Some(redis) = Redis::start(&[]) else { return };
    stay_apart(&redis.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_stay_apart_on_a_cluster() {
    let Some(nodes) = redis::start_cluster() else { return };
    stay_apart(&format!("redis+cluster://127.0.0.1:{}", nodes[0].port)).await;
}
