//! Reading logs, newest first.
//!
//! Logs of one literal type are read from `logs:{event_type}` itself, where the scripts' logs are too; all
//! other questions go to an index, and then to the bodies of what it found.

mod scan;

use redis::Value;

use super::RedisStore;
use super::codec::{log::decode, score};
use super::command::{Command, Request};
use super::connection::read;
use super::error::is_wrong_type;
use super::keys::{Key, Keys};
use crate::model::{
    EXACT_TOTAL_LIMIT, EventFilter, LevelFilter, Log, LogPage, LogPosition, LogQuery, Problem, Timestamp,
    Total,
};
use scan::{End, Scan};

/// The log with this id among the members of one instant.
pub(super) fn decode_at(members: &[Vec<u8>], time: Timestamp, event_type: &str, id: &str) -> Option<Log> {
    members.iter().filter_map(|member| decode(member, time, event_type)).find(|log| log.id == id)
}

/// What is scanned: one sorted set in each shard that has it.
struct Source {
    keys: Vec<Key>,
    /// The type, where the sets hold the logs themselves rather than index entries.
    bodies_of: Option<String>,
}

impl RedisStore {
    /// A page of logs, newest first.
    pub(super) async fn log_page(&self, keys: &Keys, query: &LogQuery) -> Result<LogPage, Problem> {
        let source = self.source(keys, query);
        let limit = query.limit;
        let counted = is_counted(query);
        // A first page and a count by looking share one scan.
        let shares = !counted && query.before.is_none();
        let wanted = if shares { EXACT_TOTAL_LIMIT + 1 } else { limit as u64 + 1 };
        let mut scan = Scan::new(&self.reads, keys, query, &source, query.before.clone());
        let page = scan.run(wanted, limit).await?;
        let next = match &page.end {
            _ if page.matched > limit as u64 => page.logs.last().map(Log::position),
            End::Budget(position) => Some(position.clone()),
            End::Enough | End::Nothing => None,
        };
        let total = if query.before.is_none() && page.end == End::Nothing {
            bounded(page.matched, true)
        } else if counted {
            self.count_logs(&source, query).await?
        } else if shares {
            bounded(page.matched, false)
        } else {
            let mut scan = Scan::new(&self.reads, keys, query, &source, None);
            let all = scan.run(EXACT_TOTAL_LIMIT + 1, 0).await?;
            bounded(all.matched, all.end == End::Nothing)
        };
        Ok(LogPage { logs: page.logs, total, next })
    }

    fn source(&self, keys: &Keys, query: &LogQuery) -> Source {
        let shards = self.layout.shards();
        match (&query.event_type, &query.trace_id) {
            (EventFilter::Exactly(event_type), _) => Source {
                keys: shards.map(|shard| keys.logs(shard, event_type.as_str())).collect(),
                bodies_of: Some(event_type.to_string()),
            },
            (_, Some(trace_id)) => Source { keys: vec![keys.trace_logs(trace_id.as_str())], bodies_of: None },
            (_, None) => {
                Source { keys: shards.map(|shard| keys.log_index(shard)).collect(), bodies_of: None }
            }
        }
    }

    async fn count_logs(&self, source: &Source, query: &LogQuery) -> Result<Total, Problem> {
        let until = upper_end(query);
        let count = |key: &Key| Command::new("ZCOUNT", key.clone()).arg(score(query.since)).arg(&until);
        let requests: Vec<Request> = source.keys.iter().map(|key| count(key).into()).collect();
        let mut value = 0;
        for reply in self.reads.send(&requests).await {
            value += read::<u64>(tolerate_wrong_type(reply, Value::Int(0)))?;
        }
        Ok(bounded(value, true))
    }
}

/// Where the window ends, as a range takes it.
fn upper_end(query: &LogQuery) -> String {
    query.until.map_or_else(|| "+inf".to_owned(), |until| format!("({}", score(until)))
}

/// Whether the source holds just what the query asks for, so that counting needs no look at it.
fn is_counted(query: &LogQuery) -> bool {
    let exact = matches!(query.event_type, EventFilter::Exactly(_));
    !matches!(query.event_type, EventFilter::Prefix(_))
        && query.level == LevelFilter::Any
        && query.agent_name.is_none()
        && query.words.is_empty()
        && !(exact && query.trace_id.is_some())
}

fn bounded(value: u64, exact: bool) -> Total {
    Total { value: value.min(EXACT_TOTAL_LIMIT), exact: exact && value <= EXACT_TOTAL_LIMIT }
}

/// A key of the scripts' that holds something else holds no log.
fn tolerate_wrong_type(reply: super::connection::Reply, nothing: Value) -> super::connection::Reply {
    match reply {
        Err(problem) if is_wrong_type(&problem) => Ok(nothing),
        reply => reply,
    }
}

/// The position of an entry, for the scan.
fn position(timestamp: Timestamp, id: &str) -> LogPosition {
    LogPosition { timestamp, id: id.to_owned() }
}
