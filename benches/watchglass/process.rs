//! Servers in processes of their own, which end with this one however it ends.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Lines};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// Runs a server until its standard input closes, and says first which process it is.
const SUPERVISE: &str = r#""$@" >/dev/null & echo $!; read -r _; kill -KILL $!; wait"#;

/// A process that ends when this is dropped.
pub(crate) struct Process {
    pub(crate) pid: u32,
    supervisor: Child,
}

impl Process {
    /// Starts `program`; its standard error is given back to be read.
    fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<(Self, Lines<BufReader<ChildStderr>>)> {
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISE, "sh"])
            .arg(program)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("can't start `sh`")?;
        let mut line = String::new();
        BufReader::new(supervisor.stdout.take().context("there is no pipe")?).read_line(&mut line)?;
        let said = BufReader::new(supervisor.stderr.take().context("there is no pipe")?).lines();
        Ok((Self { pid: line.trim().parse().context("the process did not start")?, supervisor }, said))
    }

    /// Resident memory in megabytes; only Linux tells.
    pub(crate) fn resident(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))
            .map_err(|_| Missing("`/proc`, which tells how much memory a process holds"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: f64 =
            line.and_then(|line| line.split_ascii_whitespace().next()).context("no VmRSS")?.parse()?;
        Ok(kilobytes / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().ok();
    }
}

/// A server of MCP over HTTP.
pub(crate) struct McpServer {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl McpServer {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        let (process, mut said) = Process::start(program, arguments, environment)?;
        let mut heard = String::new();
        while let Some(line) = said.next().transpose()? {
            if let Some(address) = line.strip_suffix("/mcp").and_then(|line| line.rsplit_once("http://")) {
                let address = address.1.parse()?;
                // What is never read would block it in the end.
                std::thread::spawn(move || said.for_each(drop));
                return Ok(Self { process, address });
            }
            heard.push_str(&line);
        }
        anyhow::bail!("`{}` did not start: {heard}", program.display())
    }
}

/// A Redis that keeps what it acknowledges, as production has it.
pub(crate) struct Redis {
    _process: Process,
    pub(crate) port: u16,
}

impl Redis {
    /// Starts it on a free port, with its files in `directory`, and waits until it answers.
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        let durable = ["--appendonly", "yes", "--appendfsync", "everysec"];
        // To rewrite the file in the middle of a round would be noise.
        Self::start_with(directory, &[&durable[..], &["--auto-aof-rewrite-percentage", "0"]].concat())
    }

    /// Starts it without a file, for what is only looked at.
    pub(crate) fn start_in_memory(directory: &Path) -> Result<Self> {
        Self::start_with(directory, &["--appendonly", "no"])
    }

    fn start_with(directory: &Path, settings: &[&str]) -> Result<Self> {
        let program = find("redis-server").ok_or(Missing("`redis-server`"))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let directory = directory.to_str().context("the directory's name is no text")?;
        let port_text = port.to_string();
        let arguments = [
            &["--port", &port_text, "--bind", "127.0.0.1", "--dir", directory, "--save", ""][..],
            &["--maxmemory-policy", "noeviction"],
            settings,
        ]
        .concat();
        let (process, _) = Process::start(&program, &arguments, &[])?;
        let redis = Self { _process: process, port };
        for _ in 0..500 {
            if redis.connect().is_ok() {
                return Ok(redis);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        anyhow::bail!("`redis-server` does not answer")
    }

    /// Bytes that it holds.
    pub(crate) fn used_memory(&self) -> Result<u64> {
        let told: String = redis::cmd("INFO").arg("memory").query(&mut self.connect()?)?;
        let line = told.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(line.context("it does not tell its memory")?.trim().parse()?)
    }

    pub(crate) fn connect(&self) -> Result<redis::Connection> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        Ok(client.get_connection_with_timeout(Duration::from_secs(2))?)
    }
}

/// Something that is not on this machine: a row that needs it is left out.
#[derive(Debug, thiserror::Error)]
#[error("needs {0}")]
pub(crate) struct Missing(pub(crate) &'static str);

fn find(program: &str) -> Option<std::path::PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where programs are, no setting of the product")]
    let path: OsString = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| path.is_file())
}
