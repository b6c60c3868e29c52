//! Pushing to a Pushgateway: nothing is lost, and nobody notices when it fails.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use watchglass::clock::SystemClock;
use watchglass::config::{Config, Flags};
use watchglass::exposition::Value;
use watchglass::pushgateway::{Job, Pusher};

use crate::support::bench::File;
use crate::support::inside::Inside;
use crate::support::mcp::{Client, Era};
use crate::support::prometheus::{Pushgateway, get};
use crate::support::redis::{Redis, free_port, until};
use crate::support::server::{BINARY, Server};

const PROCESSES: usize = 8;
const CALLS: usize = 1_000;

fn record(store: &str, gateway: &str, metric: &serde_json::Value) -> Output {
    Command::new(BINARY)
        .args(["call", "--store", store, "--pushgateway", gateway, "record_metric", &metric.to_string()])
        .output()
        .expect("the binary starts")
}

/// A call that must have gone well, with nothing to worry about.
fn recorded(output: &Output) -> serde_json::Value {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stderr.is_empty(), "{}: {stdout}{stderr}", output.status);
    let answer: serde_json::Value = serde_json::from_str(&stdout).expect("one answer");
    assert_eq!(answer["recorded"], true);
    answer
}

/// The value of the sample that a gateway shows with this name and a label that holds this text.
async fn shown(gateway: &str, name: &str, label: &str) -> Option<f64> {
    let text = get(&format!("{gateway}/metrics"), "text/plain").await.1;
    let is_sample = |line: &&str| line.starts_with(name) && !line.starts_with('#') && line.contains(label);
    text.lines().find(is_sample)?.rsplit(' ').next()?.parse().ok()
}

async fn no_count_is_lost(store: String) {
    let Some(mut gateway) = Pushgateway::start() else { return };
    let url = gateway.url();
    let done = Arc::new(AtomicUsize::new(0));
    let metric =
        json!({ "metric_name": "agent.tool_calls", "value": 1, "labels": { "agent_name": "eight" } });
    let workers: Vec<_> = (0..PROCESSES)
        .map(|_| {
            let (store, url, metric, done) = (store.clone(), url.clone(), metric.clone(), Arc::clone(&done));
            std::thread::spawn(move || {
                while done.fetch_add(1, Ordering::SeqCst) < CALLS {
                    recorded(&record(&store, &url, &metric));
                }
            })
        })
        .collect();
    // What is shown while the gateway lives never falls: no older state comes after a newer one.
    let watch = async |until: usize| {
        let mut last = 0.0;
        while done.load(Ordering::SeqCst) < until {
            let now = shown(&url, "agent_tool_calls_total{", "eight").await.unwrap_or(last);
            assert!(now >= last, "{now} after {last}");
            last = now;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        last
    };
    assert!(watch(CALLS * 3 / 10).await > 0.0, "what is pushed is shown");
    gateway.stop();
    until("calls are made without the gateway", || done.load(Ordering::SeqCst) > CALLS * 6 / 10);
    gateway.restart();
    watch(CALLS).await;
    for worker in workers {
        worker.join().unwrap();
    }
    let count = shown(&url, "agent_tool_calls_total{", "eight").await.expect("it is shown");
    assert!((count - f64::from(u32::try_from(CALLS).unwrap())).abs() < 1e-9, "{count}");
    let failed = shown(&url, "watchglass_pushgateway_call_failures_total{", "unreachable").await;
    assert!(failed.is_some_and(|failed| failed >= 1.0), "the pushes that failed are counted: {failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_processes_lose_no_count_on_sqlite() {
    let file = File::new();
    no_count_is_lost(file.store()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_processes_lose_no_count_on_redis() {
    let Some(redis) = Redis::start() else { return };
    no_count_is_lost(redis.store()).await;
}

/// A gateway that answers every request with the same bytes, or not at all.
struct Imitation {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Imitation {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        // It ends with the test process.
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                open.push(Self::serve(stream, answer, &kept));
            }
        });
        Self { port, requests }
    }

    fn serve(mut stream: TcpStream, answer: &str, kept: &Mutex<Vec<String>>) -> TcpStream {
        let mut bytes = vec![0; 64 * 1024];
        let length = stream.read(&mut bytes).unwrap_or_default();
        kept.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
        stream.write_all(answer.as_bytes()).ok();
        stream
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

#[test]
fn f_34_a_call_goes_well_whatever_the_gateway_does() {
    let elsewhere = Imitation::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let redirect: &'static str = Box::leak(
        format!("HTTP/1.1 307 Go\r\nLocation: {}/metrics\r\nContent-Length: 0\r\n\r\n", elsewhere.url())
            .into(),
    );
    let answers = [
        "",
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n",
        "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nnever ends",
        "nonsense\r\n\r\n",
        redirect,
    ];
    let metric = json!({ "metric_name": "agent.tool_calls", "value": 1 });
    let closed = format!("http://127.0.0.1:{}", free_port());
    let gateways: Vec<Imitation> = answers.into_iter().map(Imitation::start).collect();
    for url in gateways.iter().map(Imitation::url).chain([closed, "http://gateway.invalid".to_owned()]) {
        let file = File::new();
        for _ in 0..2 {
            recorded(&record(&file.store(), &url, &metric));
        }
        let sum: f64 = file.look_up("SELECT value FROM series WHERE name = 'agent_tool_calls_total'");
        assert!((sum - 2.0).abs() < 1e-9, "{url}: {sum}");
    }
    assert!(elsewhere.requests.lock().unwrap().is_empty(), "no redirect is followed");
    assert!(gateways.iter().all(|gateway| !gateway.requests.lock().unwrap().is_empty()), "all were asked");
}

#[test]
fn a_push_is_one_put_of_the_text_format_without_times_and_with_the_password_in_its_header() {
    let gateway = Imitation::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let file = File::new();
    let url = format!("http://me:s%20cret@127.0.0.1:{}/", gateway.port);
    let metric = json!({ "metric_name": "agent.tool_calls", "value": 2 });
    recorded(&record(&file.store(), &url, &metric));
    let requests = gateway.requests.lock().unwrap();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(request.starts_with("PUT /metrics/job/agent_metrics HTTP/1.1\r\n"), "{request}");
    let head = request.to_ascii_lowercase();
    assert!(head.contains("authorization: basic bwu6cybjcmv0\r\n"), "{request}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{request}");
    assert!(request.ends_with("\nagent_tool_calls_total 2\n"), "{request}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_12_one_name_does_not_cost_the_others() {
    let Some(gateway) = Pushgateway::start() else { return };
    let url = gateway.url();
    // Another job has a gauge of the name that an agent gives to a histogram.
    let theirs =
        reqwest::Client::builder().no_proxy().build().unwrap().put(format!("{url}/metrics/job/other"));
    let pushed =
        theirs.body("# TYPE agent_tokens_total gauge\nagent_tokens_total 1\n# TYPE other gauge\nother 1\n");
    assert!(pushed.send().await.unwrap().status().is_success());

    let file = File::new();
    let hostile = "quote \" backslash \\ newline \n return \r nul \u{0} é🌍";
    let metrics = [
        ("x", "gauge"),
        ("x_total", "counter"),
        ("y", "histogram"),
        ("y_count", "gauge"),
        ("y_bucket", "gauge"),
        ("other", "histogram"),
        ("agent.tokens.input", "counter"),
        ("go_goroutines", "histogram"),
        ("go_gc_duration_seconds", "gauge"),
        ("process_open_fds", "histogram"),
        ("push_time_seconds", "histogram"),
        ("pushgateway_http_requests", "counter"),
        ("up", "gauge"),
    ];
    for (name, kind) in metrics {
        let labels = json!({ "l": hostile });
        let metric = json!({ "metric_name": name, "kind": kind, "value": 5, "labels": labels });
        recorded(&record(&file.store(), &url, &metric));
    }
    let expected = [
        ("x_current{", 5.0),
        ("x_total{", 5.0),
        ("y_count{", 1.0),
        ("y_count_current{", 5.0),
        ("y_bucket_current{", 5.0),
        ("other_distribution_count{", 1.0),
        ("agent_tokens_added_total{", 5.0),
        ("agent_go_goroutines_count{", 1.0),
        ("agent_process_open_fds_count{", 1.0),
        ("agent_push_time_seconds_count{", 1.0),
        ("agent_pushgateway_http_requests_total{", 5.0),
        ("agent_up{", 5.0),
    ];
    for (name, value) in expected {
        let found = shown(&url, name, "job=\"agent_metrics\"").await;
        assert!(found.is_some_and(|found| (found - value).abs() < 1e-9), "{name}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_push_what_there_is_when_they_end() {
    let Some(gateway) = Pushgateway::start() else { return };
    let url = gateway.url();
    let file = File::new();
    let server = Server::start_with(&["serve", "--store", &file.store(), "--pushgateway", &url]);
    let client = Client::http(&server, Era::Stateless).await.expect("the server lives");
    let call = json!({ "metric_name": "agent.tool_calls", "value": 3, "labels": { "l": "here" } });
    client.call("record_metric", call.clone()).await.ok();
    drop(client);
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
    assert_eq!(shown(&url, "agent_tool_calls_total{", "here").await, Some(3.0));

    let mut stdio = Command::new(BINARY)
        .args(["stdio", "--store", &file.store(), "--pushgateway", &url])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut input = stdio.stdin.take().unwrap();
    let who = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let messages = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": who }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": { "name": "record_metric", "arguments": call } }),
    ];
    for message in messages {
        writeln!(input, "{message}").unwrap();
    }
    drop(input);
    assert!(stdio.wait().unwrap().success());
    assert_eq!(shown(&url, "agent_tool_calls_total{", "here").await, Some(6.0));
}

/// What was logged, as one text.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition().await {
        assert!(Instant::now() < deadline, "waited for long until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// On one thread, so that what the job logs is caught.
#[tokio::test]
async fn the_job_pushes_again_once_the_gateway_is_back_and_says_so_once() {
    let Some(mut gateway) = Pushgateway::start() else { return };
    let url = gateway.url();
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let inside = Inside::new(Arc::new(SystemClock)).await;
    let flags = Flags { pushgateway: Some(url.replace("http://", "http://me:s3cret@")), ..Flags::default() };
    let address = Config::load(flags, &|_| None).unwrap().pushgateway.unwrap();
    let pusher = || Pusher::new(Arc::clone(&inside.service), &address).unwrap();
    let jobs = [pusher(), pusher()].map(|pusher| Job::start(pusher, Duration::from_millis(20)));

    let metric = json!({ "metric_name": "agent.tool_calls", "value": 1, "labels": { "l": "here" } });
    let count = async || shown(&url, "agent_tool_calls_total{", "here").await;
    inside.call("record_metric", metric.clone()).await.unwrap();
    eventually("the first count is there", async || count().await == Some(1.0)).await;
    gateway.stop();
    eventually("the failure is told", async || logged.text().contains("metrics can't be pushed")).await;
    inside.call("record_metric", metric.clone()).await.unwrap();
    let failures = || {
        let families = inside.service.metrics().families();
        let samples = families.iter().flat_map(|family| family.samples.iter());
        let unreachable = ("result".to_owned(), "unreachable".to_owned());
        samples
            .filter(|sample| sample.labels.contains(&unreachable))
            .map(|sample| sample.value.clone())
            .next()
    };
    let several = |found| matches!(found, Some(Value::Number(count)) if count > 3.0);
    eventually("several pushes have failed", async || several(failures())).await;
    gateway.restart();
    eventually("the count is there again", async || count().await == Some(2.0)).await;
    eventually("that is told", async || logged.text().contains("metrics can be pushed again")).await;
    inside.call("record_metric", metric).await.unwrap();
    for job in jobs {
        job.end().await;
    }
    assert_eq!(count().await, Some(3.0), "the end pushes what there is");
    let text = logged.text();
    assert_eq!(text.matches("can't be pushed").count(), 1, "{text}");
    assert_eq!(text.matches("can be pushed again").count(), 1, "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}
