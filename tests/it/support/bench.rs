//! A store in a directory of its own, the server on it, and a way to look into the store from outside.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::mcp::{Client, Era};
use super::server::Server;

const TABLES: [&str; 7] = ["logs", "spans", "traces", "aliases", "metrics", "series", "idempotency"];

/// A SQLite file and `watchglass serve` on it.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) file: File,
}

impl Bench {
    pub(crate) fn start() -> Self {
        let file = File::new();
        Self { server: Server::start_on(&file.store()), file }
    }

    /// A client of every transport, over HTTP in both eras.
    pub(crate) async fn clients(&self) -> Vec<Client> {
        let gone = "the server lives";
        vec![
            Client::stdio(&self.file.store()).await,
            Client::sse(&self.server).await.expect(gone),
            Client::http(&self.server, Era::Initialize).await.expect(gone),
            Client::http(&self.server, Era::Stateless).await.expect(gone),
        ]
    }

    /// [`clients`](Self::clients), and one that starts a process for each call.
    pub(crate) async fn callers(&self) -> Vec<Client> {
        let mut callers = self.clients().await;
        callers.push(Client::command(&self.file.store()));
        callers
    }

    /// A new client of the kind that `client` is, for one whose connection was ended.
    pub(crate) async fn reconnect(&self, client: &mut Client) {
        if let Some(again) = match client.name {
            "http 2025-11-25" => Client::http(&self.server, Era::Initialize).await,
            "http 2026-07-28" => Client::http(&self.server, Era::Stateless).await,
            "sse" => Client::sse(&self.server).await,
            _ => None,
        } {
            *client = again;
        }
    }
}

/// A SQLite file that is gone with the test.
pub(crate) struct File {
    directory: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("watchglass.db")
    }

    /// Its address, as `--store` takes it.
    pub(crate) fn store(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    /// How many rows each table has: what was stored, whatever the tools say of it.
    pub(crate) fn rows(&self) -> BTreeMap<&'static str, i64> {
        let connection = self.open();
        let count = |table: &'static str| {
            let rows = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
            (table, rows.expect("the table is there"))
        };
        TABLES.into_iter().map(count).collect()
    }

    /// Every byte that the store has on disk, beside the file too.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory.path()).expect("the directory is there");
        files.flat_map(|file| std::fs::read(file.expect("a file").path()).expect("a file")).collect()
    }

    /// What SQLite finds wrong with the file: `ok`.
    pub(crate) fn integrity(&self) -> String {
        let verdict = self.open().query_row("PRAGMA integrity_check", [], |row| row.get(0));
        verdict.expect("the file is a database")
    }

    /// The value that `sql` finds.
    pub(crate) fn look_up<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        self.open().query_row(sql, [], |row| row.get(0)).expect("the question is sound")
    }

    /// Changes the file behind the store's back.
    pub(crate) fn execute(&self, sql: &str) {
        self.open().execute_batch(sql).expect("the statements are sound");
    }

    /// How large the write-ahead log is now.
    pub(crate) fn wal_bytes(&self) -> u64 {
        let path = self.directory.path().join("watchglass.db-wal");
        std::fs::metadata(path).map_or(0, |file| file.len())
    }

    fn open(&self) -> Connection {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.path(), flags).expect("the file can be opened");
        connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout can be set");
        connection
    }
}

/// Writes one log and reads it back.
pub(crate) async fn assert_works(client: &Client, after: &str) {
    let log = json!({ "event_type": "after.bad.input", "message": after });
    let id = client.call("log_event", log).await.ok()["id"].clone();
    let found = client.call("query_logs", json!({ "event_type": "after.bad.input", "limit": 1 })).await.ok();
    assert_eq!(found["logs"][0]["id"], id, "{} after {after}", client.name);
    assert_eq!(found["logs"][0]["message"], Value::from(after), "{} after {after}", client.name);
}
