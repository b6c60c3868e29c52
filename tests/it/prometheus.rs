//! A real Prometheus scrapes a running server, and promtool has nothing to say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::mcp::{Client, Era};
use crate::support::prometheus::{Prometheus, check, get as fetch};
use crate::support::redis::Redis;
use crate::support::server::Server;

const HOSTILE: &str = "quote \" backslash \\ newline \n return \r tab \t é🌍";

async fn client(server: &Server) -> Client {
    Client::http(server, Era::Stateless).await.expect("the server lives")
}

async fn record(client: &Client, name: &str, value: f64, labels: Value) -> Value {
    client.call("record_metric", json!({ "metric_name": name, "value": value, "labels": labels })).await.ok()
}

/// The published families, as an agent feeds them.
async fn work(client: &Client) {
    for value in [250.0, 2_500.0, 700_000.0] {
        record(client, "agent.request.duration_ms", value, json!({ "agent_name": HOSTILE })).await;
    }
    let error = json!({ "agent_name": "planner", "error_type": "timeout" });
    record(client, "agent.request.errors", 3.0, error).await;
    record(client, "agent.tokens.input", 100.0, json!({ "agent_name": "planner" })).await;
    record(client, "agent.tokens.input", 50.0, json!({ "agent_name": "planner" })).await;
    let span = json!({ "span_name": "llm_call", "agent_name": "planner" });
    let started = client.call("start_span", span).await.ok();
    let usage = json!({ "model": "m", "output_tokens": 7, "cost_usd": 0.25 });
    let end = json!({ "span_id": started["span_id"], "status": "error", "metadata": usage });
    client.call("end_span", end).await.ok();
    client.call("start_span", json!({ "span_name": "agent_request", "agent_name": "planner" })).await.ok();
}

async fn text(server: &Server, path: &str) -> String {
    let (kind, text) = fetch(&server.url(path), "text/plain").await;
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    text
}

#[tokio::test]
async fn promtool_has_nothing_to_say() {
    let server = Server::start();
    work(&client(&server).await).await;
    let agents = text(&server, "/metrics").await;
    let families = [
        "agent_active_requests gauge",
        "agent_cost_usd_total counter",
        "agent_request_duration_seconds histogram",
        "agent_request_errors_total counter",
        "agent_span_duration_seconds histogram",
        "agent_span_errors_total counter",
        "agent_tokens_total counter",
    ];
    let found: Vec<&str> = agents.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_eq!(found, families);
    for text in [agents, text(&server, "/metrics/process").await] {
        let Some(said) = check(&text) else { return };
        assert_eq!(said, "", "{text}");
    }
}

#[tokio::test]
async fn a_process_tells_what_it_took_and_nothing_of_whom() {
    let server = Server::start();
    let sse = Client::sse(&server).await.expect("the server lives");
    work(&sse).await;
    sse.call("log_event", json!({ "event_type": "x", "message": "m", "level": "nonsense" })).await.problem();
    let text = text(&server, "/metrics/process").await;
    let expected = [
        r#"watchglass_ingest_records_total{result="stored",signal="metric",transport="sse"} 6"#,
        r#"watchglass_ingest_records_total{result="stored",signal="span_start",transport="sse"} 2"#,
        r#"watchglass_ingest_records_total{result="refused",signal="log",transport="sse"} 1"#,
        r#"watchglass_ingest_records_total{result="stored",signal="metric",transport="stdio"} 0"#,
        r#"watchglass_store_op_duration_seconds_count{backend="memory",op="write"} 9"#,
        r#"watchglass_storage_durability_info{backend="memory",level="none"} 1"#,
        r#"watchglass_streams{kind="sse"} 1"#,
        r#"watchglass_http_requests_total{method="GET",route="/sse",status="200"} 1"#,
    ];
    for line in expected {
        assert!(text.contains(&format!("\n{line}\n")), "{line} is not in\n{text}");
    }
    assert!(!text.contains("planner"), "{text}");
}

/// Passes scrapes on with another `Accept`, which Prometheus can't be told to send.
async fn in_text_format(server: &Server) -> String {
    let url = Arc::new(server.url("/metrics"));
    let relay = async |State(url): State<Arc<String>>| {
        let (kind, text) = fetch(&url, "text/plain;version=0.0.4").await;
        ([(CONTENT_TYPE, kind)], text)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = axum::Router::new().route("/metrics", get(relay)).with_state(url);
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    address
}

/// The one value of a query, once it has one.
async fn value(prometheus: &Prometheus, query: &str) -> f64 {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = prometheus.ask("query", &[("query", query)]).await;
        let found = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        if let [one] = found.as_slice() {
            return one["value"][1].as_str().unwrap().parse().unwrap();
        }
        if Instant::now() > deadline {
            let targets = prometheus.ask("targets", &[]).await;
            panic!("{query}: {answer}; {targets}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_reads_both_formats() {
    let server = Server::start();
    let client = client(&server).await;
    work(&client).await;
    // Names that collide, and what ends a text early where it is not escaped.
    for (name, kind) in
        [("x", "gauge"), ("x_total", "counter"), ("y", "histogram"), ("y_count", "gauge"), ("up", "gauge")]
    {
        let call = json!({ "metric_name": name, "kind": kind, "value": 5, "labels": { "nul": "a\u{0}b" } });
        client.call("record_metric", call).await.ok();
    }
    let long = json!({ "metric_name": "z", "value": 1, "labels": { "l": "x".repeat(1 << 20) } });
    assert_eq!(client.call("record_metric", long).await.problem()["code"], "FIELD_TOO_LARGE");

    let (kind, open_metrics) =
        fetch(&server.url("/metrics"), "application/openmetrics-text;version=1.0.0").await;
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open_metrics.ends_with("\n# EOF\n"));
    let relay = in_text_format(&server).await;
    let targets = [
        ("open-metrics", server.address(), "/metrics"),
        ("text", relay.as_str(), "/metrics"),
        ("process", server.address(), "/metrics/process"),
    ];
    let Some(prometheus) = Prometheus::start(&targets) else { return };
    let hostile = serde_json::to_string(HOSTILE).unwrap();
    for job in ["open-metrics", "text"] {
        let cases = [
            ("agent_tokens_total{token_type='input'}".to_owned(), 150.0),
            ("agent_tokens_total{token_type='output'}".to_owned(), 7.0),
            ("agent_request_errors_total{error_type='timeout'}".to_owned(), 3.0),
            ("agent_cost_usd_total{model='m'}".to_owned(), 0.25),
            ("agent_active_requests{agent_name='planner'}".to_owned(), 1.0),
            (format!("agent_request_duration_seconds_count{{agent_name={hostile}}}"), 3.0),
            (format!("agent_request_duration_seconds_sum{{agent_name={hostile}}}"), 702.75),
            (format!("agent_request_duration_seconds_bucket{{le=~'2.5',agent_name={hostile}}}"), 2.0),
            ("x_total".to_owned(), 5.0),
            ("x_current".to_owned(), 5.0),
            ("y_count".to_owned(), 1.0),
            ("y_count_current".to_owned(), 5.0),
            ("agent_up".to_owned(), 5.0),
            ("up".to_owned(), 1.0),
        ];
        for (query, expected) in cases {
            let of_job = match query.split_once('{') {
                Some((name, labels)) => format!("{name}{{job='{job}',{labels}"),
                None => format!("{query}{{job='{job}'}}"),
            };
            let found = value(&prometheus, &of_job).await;
            assert!((found - expected).abs() < 1e-9, "{of_job}: {found}");
        }
    }
    assert!((value(&prometheus, "watchglass_build_info").await - 1.0).abs() < 1e-9);
    let targets = prometheus.ask("targets", &[]).await;
    let targets = targets["data"]["activeTargets"].as_array().unwrap();
    assert!(targets.len() == 3 && targets.iter().all(|target| target["lastError"] == ""), "{targets:?}");
}

#[tokio::test]
async fn every_copy_on_one_redis_says_the_same() {
    let Some(redis) = Redis::start() else { return };
    let servers = [Server::start_on(&redis.store()), Server::start_on(&redis.store())];
    for server in &servers {
        work(&client(server).await).await;
    }
    let [one, other] = &servers;
    let said = text(one, "/metrics").await;
    assert_eq!(said, text(other, "/metrics").await);
    assert!(said.contains("agent_tokens_total{agent_name=\"planner\",token_type=\"input\"} 300\n"), "{said}");
}

#[tokio::test]
async fn counters_survive_the_end_of_their_server() {
    let file = File::new();
    let server = Server::start_on(&file.store());
    work(&client(&server).await).await;
    let before = text(&server, "/metrics").await;
    server.kill();
    let again = Server::start_on(&file.store());
    assert_eq!(text(&again, "/metrics").await, before);
    work(&client(&again).await).await;
    let said = text(&again, "/metrics").await;
    assert!(said.contains("agent_tokens_total{agent_name=\"planner\",token_type=\"input\"} 300\n"), "{said}");
}
