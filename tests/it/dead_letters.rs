//! The lists on which other programs put what failed: told where a store holds lists, absent where it can't.

use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::mcp::{Client, Era};
use crate::support::prometheus::{check, get};
use crate::support::redis::Server as Redis;
use crate::support::server::Server;

/// The lines of `/metrics` that tell of lists.
async fn told(server: &Server) -> Vec<String> {
    let (_, text) = get(&server.url("/metrics"), "text/plain").await;
    assert_eq!(check(&text).unwrap_or_default(), "", "{text}");
    text.lines().filter(|line| line.starts_with("agent_dead_letters")).map(ToOwned::to_owned).collect()
}

async fn overview(server: &Server) -> Value {
    let (_, text) = get(&server.url("/api/v1/overview"), "application/json").await;
    serde_json::from_str::<Value>(&text).unwrap()["dead_letters"].clone()
}

#[tokio::test]
async fn lists_of_redis_are_told_by_their_length() {
    let Some(redis) = Redis::start(&[]) else { return };
    let url = redis.url();
    let lists =
        ["--dead-letters", "dlq:agent_tasks", "--dead-letters", "dlq:jobs", "--dead-letters", "dlq:events"];
    let server = Server::start_with(&[&["serve", "--store", &url], &lists[..]].concat());
    let _: () = redis.command(&["RPUSH", "dlq:agent_tasks", "a", "b", "c"]);
    let _: () = redis.command(&["SET", "dlq:events", "no list"]);
    let expected =
        [r#"agent_dead_letters{list="dlq:agent_tasks"} 3"#, r#"agent_dead_letters{list="dlq:jobs"} 0"#];
    assert_eq!(told(&server).await, expected);
    assert_eq!(overview(&server).await, json!({ "dlq:agent_tasks": 3, "dlq:jobs": 0 }));
    let _: () = redis.command(&["LPOP", "dlq:agent_tasks"]);
    assert_eq!(overview(&server).await["dlq:agent_tasks"], 2);
}

#[tokio::test]
async fn a_store_without_lists_tells_of_none() {
    let server = Server::start_on(&File::new().store());
    assert_eq!((told(&server).await, overview(&server).await), (vec![], Value::Null));
    let client = Client::http(&server, Era::Stateless).await.expect("the server lives");
    let recorded = json!({ "metric_name": "agent.dead_letters", "value": 1, "kind": "gauge" });
    let problem = client.call("record_metric", recorded).await.problem();
    assert_eq!(problem["field"], "metric_name", "what is told can't be recorded besides: {problem}");
}
