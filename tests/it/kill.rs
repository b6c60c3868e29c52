//! `kill -9` of the server, and of Redis, in the middle of load.
//!
//! After each of twenty rounds on each store: every answered record is there once, every other one whole
//! or not at all, and a repeated call with its idempotency key has left one record.

use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::ledger::Ledger;
use crate::support::mcp::{Client, Era, Outcome, Pending, in_time};
use crate::support::reading::all_logs;
use crate::support::redis::Redis;
use crate::support::server::Server;

const ROUNDS: usize = 20;
/// Every so many rounds, Redis is killed too.
const REDIS_ROUND: usize = 4;
/// Clients at work, and calls that each has under way when the server is killed.
const CLIENTS: usize = 4;
const CALLS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    let file = File::new();
    let mut ledger = Ledger::default();
    for round in 0..ROUNDS {
        ledger.extend(kill_under_load(&file.store(), round, || {}).await);
        assert_eq!(file.integrity(), "ok", "round {round}");
    }
    check(&file.store(), &ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis() {
    let Some(mut redis) = Redis::start() else { return };
    let store = redis.store();
    let mut ledger = Ledger::default();
    for round in 0..ROUNDS {
        let crash = || {
            if round % REDIS_ROUND == 0 {
                redis.crash();
            }
        };
        ledger.extend(kill_under_load(&store, round, crash).await);
    }
    check(&store, &ledger).await;
}

/// Lets the clients send all their calls, and kills the server after as many answers as the round says, so
/// that every moment of a commit is met in one round or another.
async fn kill_under_load(store: &str, round: usize, crash: impl FnOnce()) -> Ledger {
    let server = Server::start_on(store);
    let keyed = keyed_call(round);
    let mut ledger = Ledger::default();
    let mut clients = Vec::new();
    let mut calls: Vec<(String, Pending)> = Vec::new();
    for number in 0..CLIENTS {
        let client = connect(&server, number).await;
        let name = format!("r{round}.c{number}");
        calls.extend((0..CALLS).map(|call| ledger.send(&client, &name, &format!("{name}.{call}"))));
        clients.push(client);
    }
    let unanswered = clients[0].start("log_event", &keyed);

    let mut calls = calls.into_iter();
    for (message, call) in calls.by_ref().take(1 + round * 2) {
        ledger.settle(message, in_time("an answer before the kill", call).await);
    }
    server.kill();
    crash();
    for (message, call) in calls {
        ledger.settle(message, in_time("the end of a connection", call).await);
    }
    retry(store, round, &keyed, in_time("the keyed call", unanswered).await.map(Outcome::ok)).await;
    ledger
}

/// By turns over each transport that a server has.
async fn connect(server: &Server, number: usize) -> Client {
    let client = match number % 3 {
        0 => Client::http(server, Era::Stateless).await,
        1 => Client::sse(server).await,
        _ => Client::http(server, Era::Initialize).await,
    };
    client.expect("the server lives")
}

fn keyed_call(round: usize) -> Value {
    let event_type = format!("keyed.{round}");
    json!({ "event_type": event_type, "message": "once", "idempotency_key": event_type })
}

/// What the specification makes of a lost answer: the client calls again, and again gets the one record.
async fn retry(store: &str, round: usize, call: &Value, answered: Option<Value>) {
    let client = Client::stdio(store).await;
    let again = client.call("log_event", call.clone()).await.ok();
    if let Some(answered) = answered {
        assert_eq!(again, answered, "round {round}: another record than the one that was answered");
    }
    let logs = all_logs(&client, &format!("keyed.{round}")).await;
    assert_eq!(logs.len(), 1, "round {round}: {logs:?}");
    assert_eq!(logs[0]["id"], again["id"], "round {round}");
}

async fn check(store: &str, ledger: &Ledger) {
    assert_eq!(ledger.refusals(), &[] as &[String]);
    assert!(ledger.acked() >= ROUNDS, "hardly anything was answered");
    assert!(ledger.acked() < ledger.sent(), "no kill came in time");
    let server = Server::start_on(store);
    ledger.check(&connect(&server, 0).await).await;
}
