//! What happens, seen over HTTP while it happens: from every process on a store, by clients of every temper.

mod crowd;
mod ends;
mod slow;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::live::{Event, Watcher, ask};
use crate::support::mcp::{Client, Era};
use crate::support::redis::Redis;
use crate::support::server::Server;

/// A store that several processes can be on, for as long as a test lasts.
enum Place {
    File(File),
    Redis(Redis),
}

impl Place {
    /// One of each kind; without Redis, one of a kind.
    fn all() -> Vec<Self> {
        let redis = Redis::start().map(Self::Redis);
        std::iter::once(Self::File(File::new())).chain(redis).collect()
    }

    fn store(&self) -> String {
        match self {
            Self::File(file) => file.store(),
            Self::Redis(redis) => redis.store(),
        }
    }
}

async fn client(server: &Server) -> Client {
    Client::http(server, Era::Stateless).await.unwrap()
}

async fn log(client: &Client, message: &str) {
    client.call("log_event", json!({ "event_type": "step", "message": message })).await.ok();
}

fn told(event: &Event) -> (&str, &Value) {
    let what = if event.kind == "log" { "message" } else { "name" };
    (&event.kind, &event.data[what])
}

#[tokio::test]
async fn whatever_process_writes_its_records_are_seen() {
    for place in Place::all() {
        let store = place.store();
        let server = Server::start_on(&store);
        let mut watcher = Watcher::open(&server, "").await;
        let headers = watcher.response.headers();
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(headers[name], value);
        }
        assert!(!headers.contains_key("content-encoding"));
        let writers = [
            client(&server).await,
            Client::sse(&server).await.unwrap(),
            Client::stdio(&store).await,
            Client::command(&store),
        ];
        for writer in writers {
            let start = json!({ "span_name": writer.name, "metadata": { "hidden": "\u{202e}" } });
            let span = writer.call("start_span", start).await.ok();
            let started = watcher.next().await.unwrap();
            assert_eq!(told(&started), ("span_start", &json!(writer.name)), "{store}");
            assert_eq!(started.data["status"], "in_progress");
            assert_eq!(started.data["metadata"]["hidden"], "\\u{202e}");
            log(&writer, writer.name).await;
            let logged = watcher.next().await.unwrap();
            assert_eq!(told(&logged), ("log", &json!(writer.name)), "{store}");
            let end = json!({ "span_id": span["span_id"], "status": "error" });
            writer.call("end_span", end).await.ok();
            let ended = watcher.next().await.unwrap();
            assert_eq!(told(&ended), ("span_end", &json!(writer.name)), "{store}");
            assert_eq!(ended.data["status"], "error");
            assert!([started, logged, ended].iter().all(|event| event.data["untrusted"] == true));
        }
    }
}

#[tokio::test]
async fn two_servers_on_one_store_show_the_same_and_a_client_changes_between_them() {
    for place in Place::all() {
        let servers = [(); 2].map(|()| Server::start_on(&place.store()));
        let writers = [client(&servers[0]).await, client(&servers[1]).await];
        let mut watchers = [Watcher::open(&servers[0], "").await, Watcher::open(&servers[1], "").await];
        for (number, writer) in writers.iter().enumerate() {
            log(writer, &number.to_string()).await;
            for watcher in &mut watchers {
                assert_eq!(watcher.messages(1).await, [number.to_string()]);
            }
        }
        let mut id = watchers[0].last_id.clone();
        let (mut written, mut seen) = (0, Vec::new());
        for round in 0..6 {
            for _ in 0..4 {
                log(&writers[written % 2], &format!("message {written}")).await;
                written += 1;
            }
            // The first rounds leave something for the next.
            let count = (written - seen.len()).min(round * 2);
            let mut watcher = Watcher::back(&servers[round % 2], &id).await;
            seen.extend(watcher.messages(count).await);
            id = watcher.last_id;
        }
        let mut last = Watcher::back(&servers[0], &id).await;
        seen.extend(last.messages(written - seen.len()).await);
        log(&writers[1], "the last").await;
        assert_eq!(last.messages(1).await, ["the last"], "nothing comes twice");
        seen.sort();
        let mut all: Vec<String> = (0..written).map(|number| format!("message {number}")).collect();
        all.sort();
        assert_eq!(seen, all);
    }
}

#[tokio::test]
async fn only_what_is_wanted_is_sent() {
    let server = Server::start();
    let writer = client(&server).await;
    let queries = [
        "?event_type=tool.*",
        "?min_level=error",
        "?agent=billing&kinds=log",
        "?trace_id=t",
        "?q=Refund%20REFUSED",
        "?kinds=span_start",
    ];
    let mut watchers = Vec::new();
    for query in queries {
        watchers.push(Watcher::open(&server, query).await);
    }
    for log in [
        json!({ "event_type": "step", "message": "plain" }),
        json!({ "event_type": "tool.call", "message": "of a type" }),
        json!({ "event_type": "step", "message": "loud", "level": "error" }),
        json!({ "event_type": "step", "message": "of an agent", "metadata": { "agent_name": "billing" } }),
        json!({ "event_type": "step", "message": "of a trace", "metadata": { "trace_id": "t" } }),
        json!({ "event_type": "step", "message": "refused: the refund" }),
    ] {
        writer.call("log_event", log).await.ok();
    }
    writer.call("start_span", json!({ "span_name": "work", "agent_name": "billing" })).await.ok();
    for (watcher, expected) in watchers.iter_mut().zip([
        "of a type",
        "loud",
        "of an agent",
        "of a trace",
        "refused: the refund",
        "work",
    ]) {
        let event = watcher.next().await.unwrap();
        assert_eq!(told(&event).1, expected);
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let server = Server::start();
    for (query, field) in [
        ("?kinds=log,metric", "kinds"),
        ("?level=loud", "level"),
        ("?level=info&min_level=warn", "min_level"),
        ("?last_event_id=x", "last_event_id"),
        ("?agents=a", "agents"),
    ] {
        let response = ask(&server, query, None, None).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["field"], field, "{problem}");
    }
    let response = ask(&server, "", Some("x"), None).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}
