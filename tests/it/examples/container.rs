//! The image and the composed installation, as far as they can be checked without an engine for containers.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use ipnet::IpNet;
use regex::Regex;
use serde_json::Value;

use super::{text, texts, yaml};
use crate::support::redis::{Server as Redis, free_port};
use crate::support::server::{BINARY, Server};
use crate::support::services::repository;

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// Everything in `text` that `pattern` finds in its brackets.
fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn the_image_is_built_with_the_toolchain_of_the_repository() {
    let channel = all(r#"channel = "(.+)""#, &text("rust-toolchain.toml"));
    assert_eq!(all(r"(?m)^FROM rust:([0-9.]+)-", &text("Dockerfile")), channel);
    assert!(text("Cargo.toml").contains("[profile.dist]") && text("Dockerfile").contains("--profile dist"));
}

#[test]
fn the_build_of_the_image_gets_all_that_it_reads_and_no_secret() {
    let ignored = text(".dockerignore");
    assert!(ignored.lines().any(|line| line == "*"), "what is not named stays outside");
    let named: Vec<PathBuf> =
        ignored.lines().filter_map(|line| line.strip_prefix('!')).map(repository).collect();
    assert!(named.iter().all(|path| path.exists()), "{named:?}");
    let mut sources = Vec::new();
    files_below(&repository("src"), &mut sources);
    let mut included = 0;
    for source in sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        for path in all(r#"include_(?:str|bytes)!\(\s*"([^"]+)""#, &fs::read_to_string(source).unwrap()) {
            let path = source.parent().unwrap().join(path).canonicalize().unwrap();
            assert!(
                named.iter().any(|named| path.starts_with(named)),
                "{path:?} is in no line of .dockerignore"
            );
            included += 1;
        }
    }
    assert!(included > 3);
    let copied = all(r"(?m)^COPY (?:--from=build )?(\S+) ", &text("Dockerfile"));
    assert_eq!(copied, BTreeSet::from([".".to_owned(), "/usr/local/bin/watchglass".to_owned()]));
}

/// The process does not run as root, and can write its data directory and nothing else.
#[test]
fn the_image_runs_as_a_user_of_its_own() {
    let dockerfile = text("Dockerfile");
    let user = all(r"(?m)^USER ([0-9:]+)$", &dockerfile);
    assert_eq!(user, BTreeSet::from(["10001:10001".to_owned()]));
    let volume = all(r"(?m)^VOLUME (\S+)$", &dockerfile).pop_first().unwrap();
    assert!(dockerfile.contains(&format!("--owner=10001 --group=10001 --mode=0700 {volume}\n")));
    assert!(dockerfile.contains(&format!("WATCHGLASS_STORE=sqlite:{volume}/watchglass.db")));
}

#[test]
fn every_setting_that_is_named_is_one() {
    let mut sources = Vec::new();
    files_below(&repository("src/config"), &mut sources);
    let source: String = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let known = all(r#""(WATCHGLASS_[A-Z_]+)""#, &source);
    // What Compose alone reads, and what a client is told.
    let others = ["WATCHGLASS_SUBNET", "WATCHGLASS_URL"];
    let examples = fs::read_dir(repository("examples")).unwrap();
    let examples = examples.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let files = ["Dockerfile", "docker-compose.yml"].map(repository).into_iter().chain(examples);
    let mut seen = 0;
    for file in files {
        for name in all(r"(WATCHGLASS_[A-Z_]*[A-Z])\b", &fs::read_to_string(&file).unwrap()) {
            assert!(known.contains(&name) || others.contains(&name.as_str()), "{file:?}: {name}");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn the_health_of_a_server_can_be_asked_for_with_the_binary_alone() {
    let Some(redis) = Redis::start(&[]) else { return };
    let server = Server::start_on(&redis.url());
    // As in a container: it listens everywhere, and is asked on loopback.
    let everywhere = server.address().replace("127.0.0.1", "0.0.0.0");
    let ask = |arguments: &[&str], listen: &str| {
        let output = Command::new(BINARY).args(arguments).env("WATCHGLASS_LISTEN", listen).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    assert_eq!(ask(&["health"], &everywhere), (Some(0), "{\"status\":\"ok\"}\n".to_owned()));
    let (status, said) = ask(&["health", "--ready"], &everywhere);
    assert!(status == Some(0) && said.contains(r#""ready":true"#), "{said}");

    drop(redis);
    assert_eq!(ask(&["health"], &everywhere).0, Some(0), "the process lives");
    let (status, said) = ask(&["health", "--ready"], &everywhere);
    assert!(status == Some(1) && said.contains("answered 503"), "{said}");

    let (status, said) = ask(&["health"], &format!("127.0.0.1:{}", free_port()));
    assert!(status == Some(1) && said.contains("does not answer") && said.contains("hint:"), "{said}");
}

#[test]
fn what_is_composed_fits_together() {
    let compose = yaml("docker-compose.yml");
    let services = compose["services"].as_object().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["watchglass", "redis", "prometheus", "pushgateway"]);
    for (name, service) in services {
        assert!(service["healthcheck"]["test"][0] == "CMD", "{name} has a health check");
        for (needed, how) in service["depends_on"].as_object().into_iter().flatten() {
            assert!(
                services.contains_key(needed) && how["condition"] == "service_healthy",
                "{name}: {needed}"
            );
        }
        assert!(texts(&service["ports"]).iter().all(|port| port.starts_with("127.0.0.1:")), "{name}");
        let user = service["user"].as_str();
        assert!(
            user.is_some_and(|user| !user.starts_with('0')) || service["build"] == ".",
            "{name} is not root"
        );
        for network in texts(&service["networks"]) {
            assert!(!compose["networks"][network].is_null(), "{name}: {network}");
        }
        for volume in texts(&service["volumes"]) {
            let (source, _) = volume.split_once(':').unwrap();
            let is_there = if source.starts_with("./") {
                repository(source).is_file()
            } else {
                compose["volumes"].get(source).is_some()
            };
            assert!(is_there, "{name}: {source}");
        }
    }
    // Only watchglass reaches Redis, which asks for no password.
    let on_store = |service: &Value| texts(&service["networks"]).contains(&"store");
    let reaching = services.iter().filter(|(_, service)| on_store(service)).map(|(name, _)| name);
    assert_eq!(reaching.collect::<Vec<_>>(), ["watchglass", "redis"]);
    assert_eq!(compose["networks"]["store"]["internal"], true);
    assert_eq!(services["redis"]["ports"], Value::Null);
}

#[test]
fn the_composed_server_asks_for_keys_and_trusts_its_own_network_alone() {
    let compose = yaml("docker-compose.yml");
    let environment = &compose["services"]["watchglass"]["environment"];
    for key in ["WATCHGLASS_INGEST_KEY", "WATCHGLASS_READ_KEY"] {
        let value = environment[key].as_str().unwrap();
        assert!(value.starts_with(&format!("${{{key}:?")), "{value} has no default");
    }
    let subnet = &compose["networks"]["default"]["ipam"]["config"][0]["subnet"];
    assert_eq!(&environment["WATCHGLASS_TRUSTED_PROXIES"], subnet);
    let subnet = all(r"\$\{WATCHGLASS_SUBNET:-(.+)\}", subnet.as_str().unwrap()).pop_first().unwrap();
    let subnet: IpNet = subnet.parse().unwrap();
    assert!(matches!(subnet.network(), IpAddr::V4(address) if address.is_private()));
}
