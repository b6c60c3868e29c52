//! The processes that `docker-compose.yml` puts together, on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::Command as Asserted;

use super::{text, texts, yaml};
use crate::support::redis::Server as Redis;
use crate::support::server::BINARY;
use crate::support::services::require;

/// `prometheus.yml` with the key in a file that is there.
fn prometheus_yml(directory: &Path) -> PathBuf {
    let key = directory.join("key");
    fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
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
