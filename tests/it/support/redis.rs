//! A real `redis-server` on a free port, which keeps what it has acknowledged.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::services::require;

const START: Duration = Duration::from_secs(20);

/// A server of Redis. It is gone with the test; what it wrote too.
pub(crate) struct Redis {
    program: PathBuf,
    directory: TempDir,
    port: u16,
    process: Child,
}

impl Redis {
    /// A server with an append-only file; `None` where Redis is not installed.
    pub(crate) fn start() -> Option<Self> {
        let program = require("redis-server")?;
        let directory = tempfile::tempdir().expect("a temporary directory");
        // Free now; whoever else takes it in between makes the start fail, not the test lie.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let process = launch(&program, &directory, port);
        let redis = Self { program, directory, port, process };
        redis.wait_until_ready();
        Some(redis)
    }

    /// Its address, as `--store` takes it.
    pub(crate) fn store(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`, and the same server again on the same files.
    pub(crate) fn crash(&mut self) {
        self.stop();
        self.process = launch(&self.program, &self.directory, self.port);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        let client = redis::Client::open(self.store()).expect("the address is sound");
        let deadline = Instant::now() + START;
        loop {
            let ready =
                client.get_connection().and_then(|mut connection| redis::cmd("PING").exec(&mut connection));
            match ready {
                Ok(()) => return,
                Err(error) => assert!(Instant::now() < deadline, "redis did not start: {error}"),
            }
            std::thread::yield_now();
        }
    }

    fn stop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(program: &PathBuf, directory: &TempDir, port: u16) -> Child {
    Command::new(program)
        .current_dir(directory.path())
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis starts")
}
