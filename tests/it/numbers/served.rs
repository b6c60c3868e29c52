//! The numbers under their addresses, of two servers on one Redis.

use reqwest::Client;
use serde_json::{Value, json};

use super::world::close;
use crate::support::redis::Redis;
use crate::support::server::Server;

fn client() -> Client {
    // The tests' process is not the program's: nobody has named the provider of cryptography yet.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder().no_proxy().build().unwrap()
}

async fn get(server: &Server, path: &str) -> Value {
    let answer = client().get(server.url(path)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

async fn post(server: &Server, path: &str, records: Value) {
    let answer = client().post(server.url(path)).json(&records).send().await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(answer["failed"], 0, "{answer}");
}

#[tokio::test]
async fn two_servers_on_one_redis_tell_the_same_numbers() {
    let Some(redis) = Redis::start() else { return };
    let (one, other) = (Server::start_on(&redis.store()), Server::start_on(&redis.store()));
    let starts: Vec<Value> = (0..4)
        .map(|number| json!({ "span_name": "agent_request", "agent_name": "alpha", "span_id": format!("r{number}") }))
        .collect();
    post(&one, "/api/v1/spans", json!(starts)).await;
    // Each ends what the other one, too, has seen begin.
    post(&other, "/api/v1/spans/r0/end", json!([{ "status": "error" }])).await;
    post(&one, "/api/v1/spans/r1/end", json!([{}])).await;
    let tokens =
        json!([{ "metric_name": "agent.tokens.input", "value": 250, "labels": { "agent_name": "alpha" } }]);
    post(&other, "/api/v1/metrics", tokens).await;
    for server in [&one, &other] {
        let published = get(server, "/api/metrics").await;
        assert!(close(published["requests_per_minute"].as_f64(), Some(0.8), 1e-9), "{published}");
        assert_eq!((&published["error_rate"], &published["active_traces"]), (&json!(50.0), &json!(2)));
        assert!(published["avg_latency_ms"].as_f64().unwrap() > 0.0);
        assert_eq!(published["tokens_per_hour"], 250);
        assert_eq!(published["dead_letters"], json!({ "dlq:agent_tasks": 0 }));
        let agents = get(server, "/api/v1/agents?sort=errors&limit=1").await;
        assert_eq!(
            (&agents["items"][0]["agent"], &agents["items"][0]["errors"]),
            (&json!("alpha"), &json!(1))
        );
        let line = get(server, "/api/v1/timeseries?window=1h&metric=errors&by=agent").await;
        assert_eq!(line["items"][0]["overall"], 1.0);
        assert_eq!(get(server, "/api/v1/series/agent_tokens_total?window=1h").await["total"], 1);
    }
}
