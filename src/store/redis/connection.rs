//! The way to a server or a cluster.
//!
//! **Invariant:** whatever is sent has a deadline, and may be sent again: every write is idempotent.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Value};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use super::command::Request;
use super::error::{is_redirection, is_transient, problem, too_late};
use super::url::Address;
use crate::model::{Code, Problem};
use crate::store::StoreOptions;

/// How long a caller waits for the store, tries and all.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// The first pause before a request is sent again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Requests that may be under way at once, so that a store that hangs gathers no crowd.
const MAX_UNDER_WAY: usize = 64;

/// Requests in one pipeline, few enough that a server that works is done with them long before the deadline.
const MAX_PIPELINE: usize = 256;

/// The reply to one request.
pub(super) type Reply = Result<Value, Problem>;

/// A connection that comes back by itself.
pub(super) struct Link {
    connection: Connection,
    permits: Semaphore,
}

#[derive(Clone)]
enum Connection {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Link {
    /// Prepares a connection; one to a cluster is made at once, since its nodes must be known.
    pub(super) async fn open(address: &Address, options: &StoreOptions) -> Result<Self, Problem> {
        let connection = if address.cluster {
            let client = ClusterClientBuilder::new(address.nodes.clone())
                .connection_timeout(options.connect_timeout)
                .response_timeout(options.response_timeout)
                .retries(3)
                .min_retry_wait(10)
                .max_retry_wait(250)
                .build()
                .map_err(problem)?;
            Connection::Cluster(client.get_async_connection().await.map_err(problem)?)
        } else {
            let node = address.nodes.first().cloned().ok_or_else(|| Problem::internal("no address"))?;
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(options.connect_timeout))
                .set_response_timeout(Some(options.response_timeout))
                // Trying again is done here, inside a deadline.
                .set_number_of_retries(0);
            let client = Client::open(node).map_err(problem)?;
            Connection::Single(ConnectionManager::new_lazy_with_config(client, config).map_err(problem)?)
        };
        Ok(Self { connection, permits: Semaphore::new(MAX_UNDER_WAY) })
    }

    /// Sends the requests, those of one shard in few pipelines and all shards at once. Replies are in their
    /// order; those of one shard fail together where it can't be reached.
    pub(super) async fn send(&self, requests: &[Request]) -> Vec<Reply> {
        let deadline = Instant::now() + PATIENCE;
        let Ok(Ok(_permit)) = timeout_at(deadline, self.permits.acquire()).await else {
            return requests.iter().map(|_| Err(too_late())).collect();
        };
        let mut shards: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, request) in requests.iter().enumerate() {
            shards.entry(request.shard()).or_default().push(index);
        }
        let shards: Vec<(Vec<usize>, Vec<&Request>)> = shards
            .into_values()
            .map(|indices| {
                let pipeline = indices.iter().map(|index| &requests[*index]).collect();
                (indices, pipeline)
            })
            .collect();
        let pipelines = shards.iter().map(|(_, pipeline)| self.send_shard(pipeline, deadline).boxed());
        let sent = join_all(pipelines.collect::<Vec<_>>()).await;
        let mut replies: Vec<Option<Reply>> = requests.iter().map(|_| None).collect();
        for ((indices, _), shard_replies) in shards.into_iter().zip(sent) {
            for (index, reply) in indices.into_iter().zip(shard_replies) {
                replies[index] = Some(reply);
            }
        }
        let missing = || Err(Problem::internal("a reply is missing"));
        replies.into_iter().map(|reply| reply.unwrap_or_else(missing)).collect()
    }

    /// Sends one request.
    pub(super) async fn ask(&self, request: impl Into<Request>) -> Reply {
        let mut replies = self.send(&[request.into()]).await;
        replies.pop().unwrap_or_else(|| Err(Problem::internal("a reply is missing")))
    }

    /// Sends a command that has no key to every node.
    pub(super) async fn ask_nodes(&self, cmd: &Cmd) -> Result<Vec<Value>, Problem> {
        let deadline = Instant::now() + PATIENCE;
        retry(deadline, || self.attempt_nodes(cmd)).await
    }

    async fn attempt_nodes(&self, cmd: &Cmd) -> RedisResult<Vec<Value>> {
        match self.connection.clone() {
            Connection::Single(mut single) => {
                single.req_packed_command(cmd).await?.extract_error().map(|reply| vec![reply])
            }
            Connection::Cluster(mut cluster) => {
                let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                match cluster.route_command(cmd.clone(), everywhere).await?.extract_error()? {
                    Value::Map(nodes) => Ok(nodes.into_iter().map(|(_, reply)| reply).collect()),
                    reply => Ok(vec![reply]),
                }
            }
        }
    }

    async fn send_shard(&self, requests: &[&Request], mut deadline: Instant) -> Vec<Reply> {
        let mut replies: Vec<Reply> = Vec::with_capacity(requests.len());
        for pipeline in requests.chunks(MAX_PIPELINE) {
            match retry(deadline, || self.attempt_whole(pipeline)).await {
                Ok(answered) => {
                    replies.extend(answered.into_iter().map(|reply| reply.map_err(problem)));
                    // A server that answers is given the time that the rest takes.
                    deadline = Instant::now() + PATIENCE;
                }
                Err(problem) => {
                    // The rest would wait as long again and hear the same.
                    replies.resize_with(requests.len(), || Err(problem.clone()));
                    break;
                }
            }
        }
        replies
    }

    /// An attempt fails as a whole where any reply says that it may be better in a moment.
    async fn attempt_whole(&self, requests: &[&Request]) -> RedisResult<Vec<RedisResult<Value>>> {
        let replies = self.attempt(requests).await?;
        match replies.iter().find_map(|reply| reply.as_ref().err().filter(|error| is_transient(error))) {
            Some(error) => Err(error.clone()),
            None => Ok(replies),
        }
    }

    async fn attempt(&self, requests: &[&Request]) -> RedisResult<Vec<RedisResult<Value>>> {
        let mut pipeline = Pipeline::with_capacity(requests.len());
        pipeline.ignore_errors();
        let mut known: Vec<&str> = Vec::new();
        for request in requests {
            let hash = request.script_hash();
            let is_known = hash.is_some_and(|hash| known.contains(&hash));
            pipeline.add_command(request.to_cmd(is_known));
            known.extend(hash.filter(|_| !is_known));
        }
        let values = match self.connection.clone() {
            Connection::Single(mut single) => {
                single.req_packed_commands(&pipeline, 0, requests.len()).await?
            }
            Connection::Cluster(mut cluster) => {
                cluster.req_packed_commands(&pipeline, 0, requests.len()).await?
            }
        };
        let mut replies: Vec<RedisResult<Value>> = values.into_iter().map(Value::extract_error).collect();
        if let Connection::Cluster(cluster) = &self.connection {
            follow(cluster, requests, &mut replies).await;
        }
        Ok(replies)
    }
}

/// Sends alone what the cluster keeps elsewhere: so the client follows, and learns where.
async fn follow(cluster: &ClusterConnection, requests: &[&Request], replies: &mut [RedisResult<Value>]) {
    let moved = requests.iter().zip(replies).filter(|(_, reply)| reply.as_ref().is_err_and(is_redirection));
    let moved = moved.map(|(request, reply)| {
        let mut cluster = cluster.clone();
        async move {
            let answer = cluster.req_packed_command(&request.to_cmd(false)).await;
            *reply = answer.and_then(Value::extract_error);
        }
        .boxed()
    });
    join_all(moved.collect::<Vec<_>>()).await;
}

/// Repeats `attempt` until it works, fails for good, or the deadline is there.
async fn retry<T, F: Future<Output = RedisResult<T>>>(
    deadline: Instant,
    attempt: impl Fn() -> F,
) -> Result<T, Problem> {
    let mut pause = FIRST_PAUSE;
    let mut last: Option<RedisError> = None;
    loop {
        match timeout_at(deadline, attempt()).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) if is_transient(&error) && Instant::now() + pause < deadline => last = Some(error),
            Ok(Err(error)) => return Err(problem(error)),
            // What went wrong before says more than that time is up.
            Err(_elapsed) => return Err(last.map_or_else(too_late, problem)),
        }
        sleep(pause.mul_f64(jitter())).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Between a half and one, so that many clients do not come back in step.
fn jitter() -> f64 {
    // Every `RandomState` has keys of its own.
    let [byte, ..] = RandomState::new().hash_one(()).to_le_bytes();
    0.5 + f64::from(byte) / 512.0
}

/// A reply as a value of ours.
pub(super) fn read<T: FromRedisValue>(reply: Reply) -> Result<T, Problem> {
    redis::from_redis_value(reply?)
        .map_err(|error| Problem::new(Code::Internal, "internal error").caused_by(error))
}
