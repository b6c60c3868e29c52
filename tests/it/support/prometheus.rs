//! Prometheus, a Pushgateway and promtool: real ones, on ports of their own.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use tempfile::TempDir;

use super::redis::{SUPERVISE, free_port, until};
use super::services::require;

/// A program that ends when this is dropped, or with the test process.
struct Daemon(Child);

impl Daemon {
    fn start(program: &Path, arguments: &[String], port: u16) -> Self {
        let work: PathBuf = tempfile::tempdir().unwrap().keep();
        let child = Command::new("sh")
            .args(["-c", SUPERVISE, "sh"])
            .arg(program)
            .args(arguments)
            .current_dir(&work)
            .env("WORK", &work)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Self(child);
        until("the port is open", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}

/// A Pushgateway, which can be stopped and started; it keeps nothing.
pub(crate) struct Pushgateway {
    program: PathBuf,
    port: u16,
    daemon: Option<Daemon>,
}

impl Pushgateway {
    /// `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let program = require("prometheus-pushgateway")?;
        let mut gateway = Self { program, port: free_port(), daemon: None };
        gateway.restart();
        Some(gateway)
    }

    pub(crate) fn stop(&mut self) {
        self.daemon = None;
    }

    pub(crate) fn restart(&mut self) {
        let listen = format!("--web.listen-address=127.0.0.1:{}", self.port);
        self.daemon =
            Some(Daemon::start(&self.program, &[listen, "--log.level=error".to_owned()], self.port));
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A Prometheus that scrapes every second.
pub(crate) struct Prometheus {
    port: u16,
    _daemon: Daemon,
    _directory: TempDir,
}

impl Prometheus {
    /// Scrapes `targets`: the name of the job, the address, the path. `None` where it is not installed.
    pub(crate) fn start(targets: &[(&str, &str, &str)]) -> Option<Self> {
        let program = require("prometheus")?;
        let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
        let mut jobs = String::new();
        for (job, address, path) in targets {
            let target = format!("static_configs: [{{ targets: ['{address}'] }}]");
            writeln!(jobs, "  - {{ job_name: {job}, metrics_path: {path}, {target} }}").unwrap();
        }
        let configuration = directory.path().join("prometheus.yml");
        let text = format!("global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n{jobs}");
        std::fs::write(&configuration, text).unwrap();
        let arguments = [
            format!("--config.file={}", configuration.display()),
            format!("--storage.tsdb.path={}", directory.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--log.level=error".to_owned(),
        ];
        Some(Self { port, _daemon: Daemon::start(&program, &arguments, port), _directory: directory })
    }

    /// What it answers to a path of its API.
    pub(crate) async fn ask(&self, path: &str, query: &[(&str, &str)]) -> serde_json::Value {
        let url = format!("http://127.0.0.1:{}/api/v1/{path}", self.port);
        let url = reqwest::Url::parse_with_params(&url, query).unwrap();
        serde_json::from_str(&get(url.as_str(), "*/*").await.1).unwrap_or_default()
    }
}

/// The content type and the body of what is at `url`; empty where nothing answers.
pub(crate) async fn get(url: &str, accept: &str) -> (String, String) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let Ok(answer) = client.get(url).header(ACCEPT, accept).send().await else { return Default::default() };
    let kind = answer.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
    (kind.unwrap_or_default(), answer.text().await.unwrap_or_default())
}

/// What promtool finds wrong with a text, nothing if nothing. `None` where it is not installed.
pub(crate) fn check(text: &str) -> Option<String> {
    let mut promtool = Command::new(require("promtool")?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Some(if output.status.success() { said } else { format!("{}: {said}", output.status) })
}
