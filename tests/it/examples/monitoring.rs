//! The processes that `docker-compose.yml` puts together, on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use assert_cmd::Command as Asserted;
use serde_json::{Value, json};

use super::{text, texts, yaml};
use crate::support::redis::{Server as Redis, free_port, until};
use crate::support::server::{BINARY, Server};
use crate::support::services::require;

const READ_KEY: &str = "the key of a scraper in a test";
const INGEST_KEY: &str = "the key of an agent in a test";

/// A process that ends with the test.
struct Process(Child);

impl Process {
    fn start(program: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the program starts"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// `prometheus.yml` with the key in a file that is there.
fn prometheus_yml(directory: &Path) -> PathBuf {
    let key = directory.join("key");
    fs::write(&key, READ_KEY).unwrap();
    let path = directory.join("prometheus.yml");
    let secret = "/run/secrets/watchglass_read_key";
    let config = text("examples/prometheus.yml");
    assert_eq!(config.matches(secret).count(), 2);
    fs::write(&path, config.replace(secret, &key.display().to_string())).unwrap();
    path
}

#[test]
fn prometheus_takes_its_configuration() {
    let Some(promtool) = require("promtool") else { return };
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(promtool)
        .args(["check", "config"])
        .arg(prometheus_yml(directory.path()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn prometheus_asks_the_services_that_are_composed() {
    let (compose, prometheus) = (yaml("docker-compose.yml"), yaml("examples/prometheus.yml"));
    let [secret] = texts(&compose["services"]["prometheus"]["secrets"])[..] else { panic!("one secret") };
    assert_eq!(compose["secrets"][secret]["environment"], "WATCHGLASS_READ_KEY");
    let mut asked = Vec::new();
    for job in prometheus["scrape_configs"].as_array().unwrap() {
        let [target] = texts(&job["static_configs"][0]["targets"])[..] else { panic!("one target") };
        let (service, port) = target.split_once(':').unwrap();
        let published = texts(&compose["services"][service]["ports"]);
        assert!(published.iter().any(|published| published.ends_with(&format!(":{port}"))), "{target}");
        if service == "watchglass" {
            let file = job["authorization"]["credentials_file"].as_str().unwrap();
            assert_eq!(file, format!("/run/secrets/{secret}"));
        } else {
            assert_eq!(job["honor_labels"], true, "what was pushed keeps its own labels");
        }
        asked.push((service.to_owned(), job["metrics_path"].as_str().unwrap_or("/metrics").to_owned()));
    }
    let expected =
        [("watchglass", "/metrics"), ("watchglass", "/metrics/process"), ("pushgateway", "/metrics")];
    assert_eq!(asked, expected.map(|(service, path)| (service.to_owned(), path.to_owned())));
    assert!(text("Dockerfile").contains("EXPOSE 8080") && text("Dockerfile").contains("LISTEN=0.0.0.0:8080"));
}

#[test]
fn the_composed_redis_is_durable_enough_for_the_composed_server() {
    let compose = yaml("docker-compose.yml");
    let [program, arguments @ ..] = &texts(&compose["services"]["redis"]["command"])[..] else { panic!() };
    assert_eq!(*program, "redis-server");
    let Some(redis) = Redis::start(arguments) else { return };
    let environment = &compose["services"]["watchglass"]["environment"];
    assert_eq!(environment["WATCHGLASS_STORE"], "redis://redis:6379");
    let required = environment["WATCHGLASS_REQUIRE_DURABLE"].as_str().unwrap();
    let start = |url: &str| {
        let mut command = Asserted::new(BINARY);
        command.args(["stdio", "--store", url]).env("WATCHGLASS_REQUIRE_DURABLE", required).write_stdin("");
        command.output().unwrap()
    };
    let output = start(&redis.url());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let Some(forgetful) = Redis::start(&[]) else { return };
    assert!(!start(&forgetful.url()).status.success(), "one that forgets is refused");
}

/// The environment of the composed server, with `replaced` in the place of other services and of keys.
fn composed_environment(replaced: &[(&str, &str)]) -> Vec<(String, String)> {
    let compose = yaml("docker-compose.yml");
    let environment = compose["services"]["watchglass"]["environment"].as_object().unwrap();
    let value = |value: &Value| {
        let text = value.as_str().unwrap();
        let found = replaced.iter().find(|(name, _)| text.starts_with(name));
        found.map_or(text, |(_, value)| value).to_owned()
    };
    environment.iter().map(|(name, text)| (name.clone(), value(text))).collect()
}

/// Redis, watchglass, a Pushgateway and Prometheus as they are composed, on this machine's loopback.
#[test]
fn what_an_agent_counts_reaches_prometheus_scraped_and_pushed() {
    let Some(prometheus) = require("prometheus") else { return };
    let Some(pushgateway) = require("prometheus-pushgateway") else { return };
    let compose = yaml("docker-compose.yml");
    let [_, arguments @ ..] = &texts(&compose["services"]["redis"]["command"])[..] else { panic!() };
    let Some(redis) = Redis::start(arguments) else { return };

    let gateway = format!("127.0.0.1:{}", free_port());
    let _pushgateway = Process::start(&pushgateway, &[format!("--web.listen-address={gateway}")]);
    let (store, pushed) = (redis.url(), format!("http://{gateway}"));
    let environment = composed_environment(&[
        ("redis://redis:6379", &store),
        ("http://pushgateway:9091", &pushed),
        ("${WATCHGLASS_INGEST_KEY:?", INGEST_KEY),
        ("${WATCHGLASS_READ_KEY:?", READ_KEY),
        ("${WATCHGLASS_SUBNET:-", "172.30.80.0/24"),
    ]);
    let environment: Vec<_> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    let server = Server::start_as(&["serve", "--listen", "127.0.0.1:0"], &environment);

    let directory = tempfile::tempdir().unwrap();
    let config = prometheus_yml(directory.path());
    let scraped = fs::read_to_string(&config).unwrap();
    let scraped = scraped.replace("watchglass:8080", server.address()).replace("pushgateway:9091", &gateway);
    fs::write(&config, scraped.replace("15s", "1s")).unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let _prometheus = Process::start(
        &prometheus,
        &[
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", directory.path().join("data").display()),
            format!("--web.listen-address={address}"),
        ],
    );

    // The client wants one, although it speaks no TLS here; another test may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // Prometheus asks under the service's name.
    let named = client.get(server.url("/health")).header("host", "watchglass:8080");
    assert_eq!(runtime.block_on(named.send()).unwrap().status(), 200);

    let metric = json!({ "metric_name": "agent.tokens.input", "value": 42, "labels": { "agent_name": "a" } });
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "record_metric", "arguments": metric },
    });
    let call = client.post(server.url("/mcp")).bearer_auth(INGEST_KEY).json(&call);
    let call = call.header("accept", "application/json, text/event-stream");
    let answer: Value = runtime.block_on(async { call.send().await.unwrap().json().await.unwrap() });
    assert_eq!(answer["result"]["structuredContent"]["recorded"], true, "{answer}");

    let by_job = |query: &str| -> BTreeMap<String, String> {
        let url = format!("http://{address}/api/v1/query?query={query}");
        let answer =
            runtime.block_on(async { client.get(url).send().await.ok()?.json::<Value>().await.ok() });
        let result = answer.map(|answer| answer["data"]["result"].clone()).unwrap_or_default();
        let job = |found: &Value| found["metric"]["job"].as_str().unwrap().to_owned();
        let value = |found: &Value| found["value"][1].as_str().unwrap().to_owned();
        result.as_array().into_iter().flatten().map(|found| (job(found), value(found))).collect()
    };
    let every = |jobs: &[&str], value: &str| -> BTreeMap<String, String> {
        jobs.iter().map(|job| ((*job).to_owned(), value.to_owned())).collect()
    };
    let jobs = every(&["watchglass", "watchglass-process", "pushgateway"], "1");
    until("every target is up", || by_job("up") == jobs);
    let counted = every(&["watchglass", "agent_metrics"], "42");
    until("both ways count alike", || by_job("sum+by+(job)+(agent_tokens_total)") == counted);
}
