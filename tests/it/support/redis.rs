//! Redis servers and clusters for tests: real ones, on ports of their own, that end with the test process.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

use super::services::require;

/// Runs the server until its standard input closes, which happens however the test process ends.
pub(crate) const SUPERVISE: &str =
    r#""$@" >/dev/null 2>&1 & echo $!; read -r _; kill -KILL $! 2>/dev/null; wait; rm -rf "$WORK""#;

/// A server that ends when this is dropped, or with the test process.
pub(crate) struct Server {
    /// The server's process.
    pub(crate) pid: u32,
    /// Where it listens, on loopback.
    pub(crate) port: u16,
    supervisor: Child,
}

impl Server {
    /// Starts a server with further arguments on a free port, and waits until it answers.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        Some(Self::start_on(&require("redis-server")?, free_port(), arguments))
    }

    /// Starts a server on `port`.
    pub(crate) fn start_on(program: &Path, port: u16, arguments: &[&str]) -> Self {
        let work: PathBuf = tempfile::tempdir().unwrap().keep();
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISE, "sh"])
            .arg(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .arg("--dir")
            .arg(&work)
            .args(arguments)
            .env("WORK", &work)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let server = Self { pid: line.trim().parse().unwrap(), port, supervisor };
        until("the server answers", || match server.connect() {
            Ok(mut connection) => {
                let pong = redis::cmd("PING").query::<String>(&mut connection);
                pong.is_ok() || pong.is_err_and(|error| error.code() == Some("NOAUTH"))
            }
            Err(error) => error.code() == Some("NOAUTH"),
        });
        server
    }

    /// Its address as a store.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs one command on it.
    pub(crate) fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.connect().unwrap();
        let (name, arguments) = words.split_first().unwrap();
        redis::cmd(name).arg(arguments).query(&mut connection).unwrap()
    }

    /// Every key and all that it holds, as text.
    pub(crate) fn dump(&self) -> String {
        let keys: Vec<String> = self.command(&["KEYS", "*"]);
        let content = |key: &String| {
            let words: &[&str] = match self.command::<String>(&["TYPE", key]).as_str() {
                "string" => &["GET", key],
                "hash" => &["HGETALL", key],
                "set" => &["SMEMBERS", key],
                "zset" => &["ZRANGE", key, "0", "-1"],
                other => panic!("{key} is a {other}"),
            };
            format!("{key}: {:?}\n", self.command::<redis::Value>(words))
        };
        keys.iter().map(content).collect()
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> redis::RedisResult<Connection> {
        redis::Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(2))
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        drop(self.supervisor.wait());
    }
}

/// A server that keeps what it has acknowledged, also through a crash.
pub(crate) struct Redis {
    program: PathBuf,
    directory: TempDir,
    port: u16,
    server: Option<Server>,
}

impl Redis {
    /// A server with an append-only file; `None` where Redis is not installed.
    pub(crate) fn start() -> Option<Self> {
        let program = require("redis-server")?;
        let directory = tempfile::tempdir().unwrap();
        let mut redis = Self { program, directory, port: free_port(), server: None };
        redis.launch();
        Some(redis)
    }

    /// Its address, as `--store` takes it.
    pub(crate) fn store(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`, and the same server again on the same files.
    pub(crate) fn crash(&mut self) {
        self.server = None;
        self.launch();
    }

    fn launch(&mut self) {
        let directory = self.directory.path().to_string_lossy();
        let durable =
            ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"];
        let arguments = [&["--dir", &*directory][..], &durable].concat();
        let server = Server::start_on(&self.program, self.port, &arguments);
        until("the append-only file is loaded", || {
            server.command::<String>(&["INFO", "persistence"]).contains("loading:0")
        });
        self.server = Some(server);
    }
}

/// The server that tests share, each with a project of its own.
pub(crate) fn shared_server() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(&[])).as_ref()
}

/// The cluster that tests share: three nodes without replicas.
pub(crate) fn shared_cluster() -> Option<&'static Vec<Server>> {
    static SHARED: OnceLock<Option<Vec<Server>>> = OnceLock::new();
    SHARED.get_or_init(start_cluster).as_ref()
}

/// The address of a cluster as a store.
pub(crate) fn cluster_url(nodes: &[Server]) -> String {
    let hosts: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    format!("redis+cluster://{}", hosts.join(","))
}

/// Starts three nodes and makes them one.
pub(crate) fn start_cluster() -> Option<Vec<Server>> {
    let program = require("redis-server")?;
    let start = |_| {
        let bus = free_port().to_string();
        let arguments =
            ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"];
        (Server::start_on(&program, free_port(), &arguments), bus)
    };
    let (nodes, buses): (Vec<Server>, Vec<String>) = (0..3).map(start).unzip();
    for (node, slots) in nodes.iter().zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]]) {
        node.command::<String>(&["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]);
    }
    for (number, node) in nodes.iter().enumerate() {
        node.command::<String>(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        let port = node.port.to_string();
        nodes[0].command::<String>(&["CLUSTER", "MEET", "127.0.0.1", &port, &buses[number]]);
    }
    for node in &nodes {
        until("the cluster is whole", || {
            let info: String = node.command(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        });
    }
    Some(nodes)
}

/// Waits for a condition.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(30), "waited for long until {what}");
        sleep(Duration::from_millis(10));
    }
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
