//! What a store takes: from a bare loop, and through `Store::write`. Both write the same logs of 32 traces.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior, params};
use watchglass::model::{ProjectId, TraceId};
use watchglass::store::Store;

use crate::load::per_second;
use crate::outcome::Sample;
use crate::payload;
use crate::row::Side;

/// The tables as watchglass makes them: a bare loop keeps the same indexes.
const SCHEMA: &str = include_str!("../../src/store/sqlite/0001_records.sql");

/// As many traces as callers that have one each.
const TRACES: u64 = 32;

/// The trace that row `number` names.
fn trace_id(number: u64) -> TraceId {
    TraceId::stored(format!("{:032x}", number % TRACES))
}

/// A row's record as text.
fn body() -> Result<String> {
    Ok(serde_json::to_string(&payload::log(&trace_id(0)))?)
}

/// Repeats `batch` until the time is over; each time is worth `rows`.
fn repeat(time: Duration, rows: usize, mut batch: impl FnMut() -> Result<()>) -> Result<Sample> {
    let started = Instant::now();
    let mut written = 0;
    while started.elapsed() < time {
        batch()?;
        written += rows as u64;
    }
    Ok(Sample { value: per_second(written, started.elapsed()), cpu: None })
}

/// A loop on `SQLite`.
pub(crate) struct SqliteLoop {
    connection: Connection,
    batch: usize,
    rows: i64,
    traces: Vec<TraceId>,
    body: String,
}

impl SqliteLoop {
    /// Makes the tables in a new database.
    pub(crate) fn new(connection: Connection, relaxed: bool, batch: usize) -> Result<Self> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", if relaxed { "NORMAL" } else { "FULL" })?;
        connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        connection.execute_batch(SCHEMA)?;
        let traces = (0..TRACES).map(trace_id).collect();
        Ok(Self { connection, batch, rows: 0, traces, body: body()? })
    }
}

#[async_trait]
impl Side for SqliteLoop {
    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let Self { connection, batch, rows, traces, body } = self;
        let mut traces = traces.iter().cycle();
        repeat(time, *batch, || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO logs (project, timestamp, id, level, event_type, agent_name, trace_id, body)
                     VALUES (1, ?1, ?2, 'info', 'agent.request.start', 'bench', ?3, ?4)",
                )?;
                for _ in 0..*batch {
                    *rows += 1;
                    let trace_id = traces.next().map(TraceId::as_str);
                    insert.execute(params![*rows, format!("{rows:036}"), trace_id, *body])?;
                }
            }
            Ok(transaction.commit()?)
        })
    }
}

/// A loop on Redis: each row is a member, and an entry in each of two indexes, by time and by trace.
pub(crate) struct RedisLoop {
    connection: redis::Connection,
    batch: usize,
    rows: u64,
    body: String,
}

impl RedisLoop {
    pub(crate) fn new(connection: redis::Connection, batch: usize) -> Result<Self> {
        Ok(Self { connection, batch, rows: 0, body: body()? })
    }
}

#[async_trait]
impl Side for RedisLoop {
    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let Self { connection, batch, rows, body } = self;
        repeat(time, *batch, || {
            let mut pipeline = redis::pipe();
            for _ in 0..*batch {
                *rows += 1;
                let id = format!("{rows:036}");
                let member = body.replacen('{', &format!("{{\"n\":{rows},"), 1);
                pipeline
                    .cmd("ZADD")
                    .arg("loop:index")
                    .arg(*rows)
                    .arg(format!("{id}|agent.request.start"))
                    .ignore();
                pipeline.cmd("ZADD").arg("loop:logs").arg(*rows).arg(member).ignore();
            }
            Ok(pipeline.query::<()>(connection)?)
        })
    }
}

/// Batches through `Store::write`, one after the other.
pub(crate) struct Writes {
    store: Arc<dyn Store>,
    batch: usize,
}

impl Writes {
    pub(crate) fn new(store: Arc<dyn Store>, batch: usize) -> Self {
        Self { store, batch }
    }
}

#[async_trait]
impl Side for Writes {
    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let project = ProjectId::default_project();
        let started = Instant::now();
        let mut written = 0;
        while started.elapsed() < time {
            let batch = (0..self.batch as u64).map(|row| payload::write(&trace_id(written + row))).collect();
            let answers = self.store.write(&project, batch).await;
            ensure!(answers.iter().all(Result::is_ok), "a write failed");
            written += answers.len() as u64;
        }
        Ok(Sample { value: per_second(written, started.elapsed()), cpu: None })
    }
}

/// Two bounds, of which the lower holds.
pub(crate) struct Slower(pub(crate) Box<dyn Side>, pub(crate) Box<dyn Side>);

#[async_trait]
impl Side for Slower {
    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let (first, second) = (self.0.measure(time / 2).await?, self.1.measure(time / 2).await?);
        Ok(if first.value < second.value { first } else { second })
    }
}
