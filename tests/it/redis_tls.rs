//! A Redis that speaks TLS only, with a password, a database and a prefix: all that an address can say.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::certificates::make_certificate;
use crate::support::redis::{Server, free_port};
use crate::support::server::BINARY;
use crate::support::services::require;

#[test]
fn records_travel_over_tls_to_the_database_and_prefix_of_the_address() {
    let (Some(openssl), Some(program)) = (require("openssl"), require("redis-server")) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (key, certificate) = (file("key.pem"), file("certificate.pem"));
    make_certificate(&openssl, &key, &certificate);
    let tls_port = free_port();
    let tls = ["--tls-port", &tls_port.to_string(), "--tls-auth-clients", "no"].map(ToOwned::to_owned);
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &certificate];
    let arguments: Vec<&str> = tls.iter().map(String::as_str).chain(files).collect();
    // The plain port stays open to look into the store by; nothing else is done over it.
    let redis = Server::start_on(&program, free_port(), &arguments);
    redis.command::<String>(&["ACL", "SETUSER", "watchglass", "on", ">s3cret", "~*", "+@all"]);

    let store = format!("rediss://watchglass:s3cret@localhost:{tls_port}/3?prefix=team-a:");
    let stored = log_once(&store, &certificate);
    assert_eq!(stored["result"]["structuredContent"]["logged"], true, "{stored}");
    let keys: Vec<String> = {
        let mut connection = redis.connect().unwrap();
        redis::pipe()
            .cmd("SELECT")
            .arg(3)
            .ignore()
            .cmd("KEYS")
            .arg("*")
            .query::<(Vec<String>,)>(&mut connection)
            .unwrap()
            .0
    };
    assert!(keys.contains(&"team-a:logs:tls.check".to_owned()), "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("team-a:")), "{keys:?}");

    // A server that nobody vouches for is not spoken to.
    let other = file("other.pem");
    make_certificate(&openssl, &file("other-key.pem"), &other);
    let refused = run(&store, &other, &[]);
    assert!(!refused.status.success());
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.contains("can't open the store") && !stderr.contains("s3cret"), "{stderr}");
}

/// Stores one log through a process of its own and gives the answer.
fn log_once(store: &str, trusted: &str) -> Value {
    let call = json!({
        "jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": { "name": "log_event", "arguments": { "event_type": "tls.check", "message": "hello" } },
    });
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } },
    });
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let output = run(store, trusted, &[initialize, initialized, call]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(answers.lines().last().unwrap()).unwrap()
}

/// Runs `watchglass stdio` with the certificates in `trusted` in place of the system's.
fn run(store: &str, trusted: &str, messages: &[Value]) -> std::process::Output {
    let mut process = Command::new(BINARY)
        .args(["stdio", "--store", store])
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    for message in messages {
        writeln!(input, "{message}").unwrap();
    }
    drop(input);
    process.wait_with_output().unwrap()
}
