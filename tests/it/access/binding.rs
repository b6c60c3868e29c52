//! Where a server listens, and what it asks for there (S-01, S-04, S-06).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use reqwest::{Certificate, Client, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use super::world::make_key;
use crate::support::bench::File;
use crate::support::certificates::make_certificate;
use crate::support::redis::until;
use crate::support::server::{BINARY, Server};
use crate::support::services::require;

const KEY: (&str, &str) = ("WATCHGLASS_INGEST_KEY", "an-ingest-key-of-some-length");

/// The status and the words with which a server refuses to start.
fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(BINARY).args(arguments).envs(environment.iter().copied()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn beyond_this_machine_keys_are_a_must_and_do_not_travel_readably() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let open = ["--store", "memory:", "--listen", listen];
        let (status, said) = refused(&open, &[]);
        assert_eq!(status, Some(64), "{said}");
        assert!(said.contains("no key to ask for") && said.contains("watchglass key create"), "{said}");
        let (status, said) = refused(&open, &[KEY]);
        assert_eq!(status, Some(64), "{said}");
        assert!(said.contains("without TLS") && said.contains("--tls-cert"), "{said}");
        assert!(!said.contains(KEY.1));
        let proxied = [&open[..], &["--trusted-proxy", "10.0.0.1"]].concat();
        let (status, said) = refused(&proxied, &[]);
        assert_eq!(status, Some(64), "{said}");
        drop(Server::start_as(&proxied, &[KEY]));
        drop(Server::start_as(&[&open[..], &["--insecure-no-auth"]].concat(), &[]));
    }
}

#[test]
fn a_key_in_the_store_is_as_good_as_one_in_the_environment() {
    let file = File::new();
    let store = file.store();
    let arguments = ["--store", &store, "--listen", "0.0.0.0:0", "--trusted-proxy", "127.0.0.1"];
    let (status, said) = refused(&arguments, &[]);
    assert_eq!(status, Some(64), "{said}");
    let key = make_key(&store, "default", "ingest");
    drop(Server::start_as(&arguments, &[]));
    super::world::run(&store, &["key", "revoke", key["id"].as_str().unwrap()]);
    assert_eq!(refused(&arguments, &[]).0, Some(64), "a revoked key is none");
}

#[tokio::test]
async fn without_authentication_is_what_was_asked_for() {
    let server =
        Server::start_as(&["--store", "memory:", "--listen", "0.0.0.0:0", "--insecure-no-auth"], &[]);
    let port = server.address().rsplit_once(':').unwrap().1;
    let here = Client::builder().no_proxy().build().unwrap();
    let health = here.get(format!("http://127.0.0.1:{port}/ready")).send().await.unwrap();
    assert_eq!(health.json::<serde_json::Value>().await.unwrap()["durability"], "none");
}

/// A certificate for localhost and its key.
struct Identity {
    directory: TempDir,
    openssl: PathBuf,
}

impl Identity {
    fn new() -> Option<Self> {
        let identity = Self { openssl: require("openssl")?, directory: tempfile::tempdir().unwrap() };
        identity.make();
        Some(identity)
    }

    fn file(&self, name: &str) -> String {
        self.directory.path().join(name).to_string_lossy().into_owned()
    }

    /// Another one in the same files.
    fn make(&self) {
        make_certificate(&self.openssl, &self.file("key.pem"), &self.file("cert.pem"));
        fs::set_permissions(self.file("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn arguments(&self) -> Vec<String> {
        ["--tls-cert", &self.file("cert.pem"), "--tls-key", &self.file("key.pem")]
            .map(ToOwned::to_owned)
            .into()
    }

    /// A client that believes this certificate alone.
    fn client(&self) -> Client {
        rustls::crypto::ring::default_provider().install_default().ok();
        let certificate = Certificate::from_pem(&fs::read(self.file("cert.pem")).unwrap()).unwrap();
        Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap()
    }
}

fn start(store: &str, listen: &str, identity: &Identity) -> Server {
    let tls = identity.arguments();
    let tls: Vec<&str> = tls.iter().map(String::as_str).collect();
    Server::start_as(&[&["--store", store, "--listen", listen][..], &tls].concat(), &[])
}

#[tokio::test]
async fn https_is_served_and_a_new_certificate_is_taken_as_it_comes() {
    let Some(identity) = Identity::new() else { return };
    let server = start("memory:", "127.0.0.1:0", &identity);
    let port = server.address().rsplit_once(':').unwrap().1.to_owned();
    let url = format!("https://localhost:{port}/health");
    assert!(server.url("").starts_with("https://"), "{}", server.url(""));
    let before = identity.client();
    let answer = before.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    assert!(
        before.get(url.replace("localhost", "127.0.0.1")).send().await.is_err(),
        "the name is part of it"
    );
    let plain = Client::builder().no_proxy().build().unwrap();
    assert!(plain.get(url.replace("https", "http")).send().await.is_err());

    // A file that is no certificate changes nothing.
    let good = fs::read(identity.file("cert.pem")).unwrap();
    fs::write(identity.file("cert.pem"), "nonsense").unwrap();
    until("the bad file is looked at", || server.stderr().contains("can't be used"));
    assert_eq!(identity_of(&good).get(&url).send().await.unwrap().status(), StatusCode::OK);

    identity.make();
    let after = identity.client();
    let started = Instant::now();
    while after.get(&url).send().await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(30), "the new certificate is not taken");
    }
    assert!(identity_of(&good).get(&url).send().await.is_err(), "the old one is gone");
}

fn identity_of(certificate: &[u8]) -> Client {
    Client::builder()
        .no_proxy()
        .tls_certs_only([Certificate::from_pem(certificate).unwrap()])
        .build()
        .unwrap()
}

#[tokio::test]
async fn who_has_not_agreed_on_how_to_encrypt_holds_no_end_up() {
    let Some(identity) = Identity::new() else { return };
    let server = start("memory:", "127.0.0.1:0", &identity);
    let silent = std::net::TcpStream::connect(server.address()).unwrap();
    // Connections are taken in their order, so once a later one is answered that one is taken too.
    let url = format!("https://localhost:{}/health", server.address().rsplit_once(':').unwrap().1);
    assert_eq!(identity.client().get(&url).send().await.unwrap().status(), StatusCode::OK);
    let ended = tokio::task::spawn_blocking(move || drop(server));
    // The handshake itself may take longer.
    tokio::time::timeout(Duration::from_secs(8), ended).await.expect("the server ends").unwrap();
    drop(silent);
}

#[tokio::test]
async fn over_tls_a_key_may_come_from_anywhere() {
    let Some(identity) = Identity::new() else { return };
    let file = File::new();
    let key = make_key(&file.store(), "default", "ingest");
    let server = start(&file.store(), "0.0.0.0:0", &identity);
    let port = server.address().rsplit_once(':').unwrap().1;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let request = identity
        .client()
        .post(format!("https://localhost:{port}/mcp"))
        .bearer_auth(key["key"].as_str().unwrap())
        .header("accept", "application/json, text/event-stream")
        .json(&message);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    let old = std::process::Command::new(&identity.openssl)
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-tls1_1"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!old.status.success(), "TLS 1.1 is too old: {}", String::from_utf8_lossy(&old.stdout));
}

#[test]
fn what_can_not_be_used_for_tls_is_said_before_anything_is_opened() {
    let Some(identity) = Identity::new() else { return };
    let (cert, key) = (identity.file("cert.pem"), identity.file("key.pem"));
    let other = identity.file("other-key.pem");
    make_certificate(&identity.openssl, &other, &identity.file("other-cert.pem"));
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let public = identity.file("public-key.pem");
    fs::copy(&key, &public).unwrap();
    fs::set_permissions(&public, fs::Permissions::from_mode(0o644)).unwrap();
    let empty = identity.file("empty.pem");
    fs::write(&empty, "").unwrap();
    let cases: [(&str, &str, &str); 5] = [
        ("/nowhere.pem", &key, "`/nowhere.pem` can't be used for TLS"),
        (&cert, "/nowhere.pem", "`/nowhere.pem` can't be used for TLS"),
        (&cert, &other, "can't be used for TLS"),
        (&cert, &public, "everybody can read the private key"),
        (&empty, &key, "it holds no certificate"),
    ];
    let store = File::new();
    for (cert, key, text) in cases {
        let (status, said) = refused(
            &["--store", &store.store(), "--tls-cert", cert, "--tls-key", key, "--listen", "127.0.0.1:0"],
            &[],
        );
        assert_eq!(status, Some(64), "{said}");
        assert!(said.contains(text), "{said}");
    }
    assert!(!Path::new(&store.path()).exists());
}

/// What the server answers, over TLS, to these bytes.
fn over_tls(identity: &Identity, port: &str, request: &str) -> String {
    let mut client = std::process::Command::new(&identity.openssl)
        .args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{port}")])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = client.stdin.take().unwrap();
    // It may be refused before all is sent; open, so that the answer is waited for.
    std::io::Write::write_all(&mut stdin, request.as_bytes()).ok();
    let output = client.wait_with_output().unwrap();
    drop(stdin);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_limits_hold_over_tls() {
    let Some(identity) = Identity::new() else { return };
    let server = start("memory:", "127.0.0.1:0", &identity);
    let port = server.address().rsplit_once(':').unwrap().1.to_owned();
    let head =
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    for (headers, status) in [
        ("Content-Length: 1\r\nContent-Length: 2\r\n".to_owned(), "400"),
        ("X-Many: 1\r\n".repeat(101), "431"),
        (format!("X-Long: {}\r\n", "x".repeat(20 * 1024)), "431"),
        (format!("Content-Length: {}\r\n", 4 * 1024 * 1024 + 1), "413"),
        ("Host: evil\r\n".to_owned(), "403"),
    ] {
        let answer = over_tls(&identity, &port, &format!("{head}{headers}\r\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
    }
}
