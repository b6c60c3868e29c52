//! Looking into a server for what the published scripts left there.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue};

use super::error::problem;
use super::url::Address;
use crate::model::Problem;
use crate::store::{Published, StoreUrl};

/// How long the server may take to be there, and to answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// Looks for each kind of key, and how many names each look passes.
const LOOKS: usize = 50;
const NAMES: usize = 1_000;

/// Counts the keys with published names, as far as a bounded number of looks gets.
pub(in super::super) async fn published_at(url: &StoreUrl) -> Result<Published, Problem> {
    let address = Address::parse(url)?;
    let node = address.nodes.first().cloned().ok_or_else(|| Problem::internal("no address"))?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let client = Client::open(node).map_err(problem)?;
    let connection = client.get_multiplexed_async_connection_with_config(&config).await.map_err(problem)?;
    let mut server = Server { connection, prefix: address.prefix, complete: true };
    Ok(Published {
        log_types: server.count("logs:*", "zset").await?,
        spans: server.count("span:*", "hash").await?,
        traces: server.count("trace:*:spans", "set").await?,
        watchglass: server.ask(Cmd::new().arg("EXISTS").arg(format!("{}wg:projects", server.prefix))).await?,
        complete: server.complete,
    })
}

struct Server {
    connection: MultiplexedConnection,
    prefix: String,
    complete: bool,
}

impl Server {
    async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Problem> {
        cmd.query_async(&mut self.connection.clone()).await.map_err(problem)
    }

    /// How many keys of a kind there are whose names fit a pattern of ours.
    async fn count(&mut self, pattern: &str, kind: &str) -> Result<u64, Problem> {
        let (mut cursor, mut count) = ("0".to_owned(), 0);
        for _ in 0..LOOKS {
            let mut scan = Cmd::new();
            scan.arg("SCAN").arg(&cursor).arg("MATCH").arg(format!("{}{pattern}", self.prefix));
            scan.arg("COUNT").arg(NAMES).arg("TYPE").arg(kind);
            let (next, names): (String, Vec<Vec<u8>>) = self.ask(&scan).await?;
            count += names.len() as u64;
            if next == "0" {
                return Ok(count);
            }
            cursor = next;
        }
        self.complete = false;
        Ok(count)
    }
}
