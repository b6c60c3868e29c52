//! A server that is gone, hangs, is full, or refuses: what a caller is told, how soon, and what comes after.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use watchglass::model::{Code, MetricKind, Problem, ProjectId, SeriesValue, Write};
use watchglass::store::{Durability, Store, StoreOptions, open};

use crate::contract::world::{any_log, log, options, point, write_log, write_point};
use crate::support::redis::{Server, cluster_url, start_cluster, until};
use crate::support::services::require;

/// How long a caller waits at most: two seconds, and what a busy machine adds.
const DEADLINE: Duration = Duration::from_secs(4);

async fn connect(server: &Server) -> Arc<dyn Store> {
    open(&options(&server.url())).await.unwrap()
}

fn project() -> ProjectId {
    ProjectId::default_project()
}

fn call(micros: i64) -> Write {
    write_log(log(micros, "e", &micros.to_string()))
}

/// Writes one log; the answer comes within the deadline, whatever it is.
async fn write(store: &Arc<dyn Store>, micros: i64) -> Result<(), Problem> {
    let started = Instant::now();
    let answer = store.write(&project(), vec![call(micros)]).await.pop().unwrap().map(drop);
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
    answer
}

async fn refused(store: &Arc<dyn Store>, micros: i64) -> Code {
    write(store, micros).await.unwrap_err().code
}

async fn recovered(store: &Arc<dyn Store>) {
    let started = Instant::now();
    let mut micros = 1_000;
    while let Err(problem) = write(store, micros).await {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not recover: {problem:?}");
        micros += 1;
    }
}

async fn stored(store: &Arc<dyn Store>) -> Vec<String> {
    let page = store.logs(&project(), &any_log()).await.unwrap();
    page.logs.into_iter().map(|log| log.message).collect()
}

#[tokio::test]
async fn a_stopped_server_costs_an_error_and_comes_back() {
    let Some(program) = require("redis-server") else { return };
    let directory = TempDir::new().unwrap();
    let kept =
        ["--appendonly", "yes", "--appendfsync", "always", "--dir", directory.path().to_str().unwrap()];
    let server = Server::start(&kept).unwrap();
    let store = connect(&server).await;
    assert_eq!(store.durability(), Durability::PowerLoss);
    write(&store, 0).await.unwrap();
    let port = server.port;
    drop(server);
    assert_eq!(refused(&store, 1).await, Code::StorageUnavailable);
    assert_eq!(store.logs(&project(), &any_log()).await.unwrap_err().code, Code::StorageUnavailable);
    assert_eq!(store.ping().await.unwrap_err().code, Code::StorageUnavailable);

    // Whatever waits fails together, not one after the other.
    let started = Instant::now();
    let waiting = (0..200).map(|n| store.write(&project(), vec![call(100 + n)]));
    for answers in futures::future::join_all(waiting).await {
        assert_eq!(answers[0].as_ref().unwrap_err().code, Code::StorageUnavailable);
    }
    assert!(started.elapsed() < 2 * DEADLINE);

    let _server = Server::start_on(&program, port, &kept);
    recovered(&store).await;
    let messages = stored(&store).await;
    assert!(messages.contains(&"0".to_owned()), "what was acknowledged is there");
    assert!(!messages.contains(&"1".to_owned()), "what failed is not");
}

#[tokio::test]
async fn a_server_that_hangs_costs_no_more_and_doubles_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    let count = |value| write_point(point("calls_total", MetricKind::Counter, value, &[]));
    assert!(store.write(&project(), vec![call(0), count(1.0)]).await.iter().all(Result::is_ok));
    server.signal("STOP");
    assert_eq!(refused(&store, 1).await, Code::StorageTimeout);
    let started = Instant::now();
    let reads = (0..200).map(|_| {
        let store = Arc::clone(&store);
        async move { store.logs(&project(), &any_log()).await.unwrap_err().code }
    });
    for code in futures::future::join_all(reads).await {
        assert_eq!(code, Code::StorageTimeout);
    }
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
    let late = store.write(&project(), vec![count(10.0), count(100.0)]).await;
    assert!(late.iter().all(Result::is_err));
    server.signal("CONT");
    recovered(&store).await;
    // What timed out may have been written when the server went on, once.
    let series = store.series(&project()).await.unwrap();
    let SeriesValue::Counter(sum) = series[0].value else { panic!("{series:?}") };
    assert!([1.0, 11.0, 101.0, 111.0].contains(&sum), "{sum}");
    let mut messages = stored(&store).await;
    let count = messages.len();
    messages.dedup();
    assert_eq!(messages.len(), count);
}

#[tokio::test]
async fn a_full_server_refuses_writes_and_still_reads() {
    let Some(server) = Server::start(&["--appendonly", "yes"]) else { return };
    let store = connect(&server).await;
    assert_eq!(store.durability(), Durability::ProcessCrash);
    write(&store, 0).await.unwrap();
    server.command::<String>(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(refused(&store, 1).await, Code::StorageFull);
    assert_eq!(stored(&store).await, ["0"]);
    server.command::<String>(&["CONFIG", "SET", "maxmemory", "0"]);
    write(&store, 2).await.unwrap();
    assert_eq!(stored(&store).await, ["2", "0"]);
}

#[tokio::test]
async fn a_replica_is_read_only() {
    let Some(server) = Server::start(&[]) else { return };
    let Some(other) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    write(&store, 0).await.unwrap();
    server.command::<String>(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    assert_eq!(refused(&store, 1).await, Code::StorageUnavailable);
    assert_eq!(store.ping().await.unwrap_err().code, Code::StorageUnavailable);
    server.command::<String>(&["REPLICAOF", "NO", "ONE"]);
    recovered(&store).await;
}

#[tokio::test]
async fn a_disk_that_refuses_is_told_apart() {
    let Some(server) = Server::start(&[]) else { return };
    let store = connect(&server).await;
    // A snapshot that can't be written: its directory is gone.
    server.command::<String>(&["CONFIG", "SET", "save", "1 1"]);
    let directory: Vec<String> = server.command(&["CONFIG", "GET", "dir"]);
    write(&store, 0).await.unwrap();
    std::fs::remove_dir_all(&directory[1]).unwrap();
    until("the snapshot fails", || {
        let failed: String = server.command(&["INFO", "persistence"]);
        failed.contains("rdb_last_bgsave_status:err")
    });
    assert_eq!(refused(&store, 1).await, Code::StorageDegraded);
    server.command::<String>(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]);
    recovered(&store).await;
}

#[tokio::test]
async fn credentials_are_asked_for_and_not_shown() {
    let Some(server) = Server::start(&["--requirepass", "s3cret"]) else { return };
    let with = |credentials: &str| options(&format!("redis://{credentials}127.0.0.1:{}", server.port));
    for credentials in ["", ":wrong@"] {
        let problem = refusal(&with(credentials)).await;
        assert_eq!(problem.code, Code::StorageMisconfigured, "{problem:?}");
        assert!(problem.message.contains(&format!("127.0.0.1:{}", server.port)));
        assert!(!problem.message.contains("wrong"));
    }
    let store = open(&with(":s3cret@")).await.unwrap();
    write(&store, 0).await.unwrap();
}

async fn refusal(options: &StoreOptions) -> Problem {
    match open(options).await {
        Ok(_) => panic!("it opened"),
        Err(problem) => problem,
    }
}

#[tokio::test]
async fn start_up_says_what_is_wrong() {
    let Some(server) = Server::start(&[]) else { return };
    let port = crate::support::redis::free_port();
    for scheme in ["redis", "redis+cluster"] {
        let problem = refusal(&options(&format!("{scheme}://u:s3cret@127.0.0.1:{port}"))).await;
        assert_eq!(problem.code, Code::StorageUnavailable, "{problem:?}");
        assert!(problem.message.starts_with(&format!("can't open the store at 127.0.0.1:{port}: ")));
    }
    let strict = StoreOptions { require_durable: true, ..options(&server.url()) };
    let problem = refusal(&strict).await;
    assert_eq!(problem.code, Code::StorageMisconfigured);
    assert!(problem.hint.as_deref().unwrap().contains("appendonly"));
    assert_eq!(connect(&server).await.durability(), Durability::None);
    let problem = refusal(&options(&server.url().replace("redis://", "redis+cluster://"))).await;
    assert_eq!(problem.code, Code::StorageMisconfigured, "{problem:?}");
}

#[tokio::test]
async fn one_lost_node_costs_its_shards_alone() {
    let Some(mut nodes) = start_cluster() else { return };
    for node in &nodes {
        node.command::<String>(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
    }
    let store = open(&options(&cluster_url(&nodes))).await.unwrap();
    write(&store, 0).await.unwrap();
    drop(nodes.pop());
    let answers = store.write(&project(), (0..100).map(call).collect()).await;
    let (written, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(written.len() > 20 && lost.len() > 10, "{} written, {} lost", written.len(), lost.len());
    for problem in lost.into_iter().map(Result::unwrap_err) {
        assert!(matches!(problem.code, Code::StorageUnavailable | Code::StorageTimeout), "{problem:?}");
    }
}
