//! How much there is, and how long lists of others are.

use std::collections::HashSet;

use super::RedisStore;
use super::codec::time;
use super::command::Command;
use super::connection::read;
use super::durability::{command, parse_info};
use super::error::is_wrong_type;
use super::keys::{Key, Keys, Shard};
use crate::model::{Problem, ProjectId, StoreSize, Timestamp, Total};

impl RedisStore {
    /// How much the store holds.
    pub(super) async fn measure(&self, keys: &Keys) -> Result<StoreSize, Problem> {
        Ok(StoreSize {
            logs: self.count(|shard| keys.log_index(shard)).await?,
            spans: self.count(|shard| keys.span_index(shard)).await?,
            traces: self.count(|shard| keys.traces(shard)).await?,
            series: self.count_series(keys).await?,
            bytes: self.used_memory().await,
            last_log: self.last(|shard| keys.log_index(shard)).await?,
            last_span: self.last(|shard| keys.span_index(shard)).await?,
        })
    }

    /// How many items lists hold that others write. Each is asked for by itself, since on a cluster each lies elsewhere.
    pub(super) async fn lengths(&self, lists: &[String]) -> Result<Vec<Option<u64>>, Problem> {
        let mut lengths = Vec::with_capacity(lists.len());
        for name in lists {
            let reply = self.reads.ask(Command::new("LLEN", self.layout.foreign(name))).await;
            lengths.push(match reply {
                Err(problem) if is_wrong_type(&problem) => None,
                reply => Some(read(reply)?),
            });
        }
        Ok(lengths)
    }

    /// Every project that has been written to, and the default one, to which scripts write.
    pub(super) async fn all_projects(&self) -> Result<Vec<ProjectId>, Problem> {
        let known: Vec<String> =
            read(self.reads.ask(Command::new("SMEMBERS", self.layout.projects())).await)?;
        let mut projects: Vec<ProjectId> = known.into_iter().map(ProjectId::stored).collect();
        if !projects.contains(&ProjectId::default_project()) {
            projects.push(ProjectId::default_project());
        }
        projects.sort();
        Ok(projects)
    }

    /// Those of them that hold records.
    pub(super) async fn held_projects(&self) -> Result<Vec<ProjectId>, Problem> {
        let mut held = Vec::new();
        for project in self.all_projects().await? {
            let keys = self.layout.project(&project);
            let indexes = |shard| [keys.log_index(shard), keys.span_index(shard), keys.series_index(shard)];
            let exists = self.layout.shards().flat_map(indexes).map(|key| Command::new("EXISTS", key));
            let found: Vec<bool> =
                self.ask_all(exists).await.into_iter().map(read).collect::<Result<_, _>>()?;
            if found.contains(&true) {
                held.push(project);
            }
        }
        Ok(held)
    }

    async fn count(&self, index: impl Fn(Shard) -> Key) -> Result<Total, Problem> {
        let card = |shard| Command::new("ZCARD", index(shard));
        let mut value = 0;
        for reply in self.ask_all(self.layout.shards().map(card)).await {
            value += read::<u64>(reply)?;
        }
        Ok(Total { value, exact: true })
    }

    /// Series are bounded, and several shards may hold a share of one.
    async fn count_series(&self, keys: &Keys) -> Result<Total, Problem> {
        if self.layout.shard_count() == 1 {
            return self.count(|shard| keys.series_index(shard)).await;
        }
        let ids = |shard| Command::new("ZRANGE", keys.series_index(shard)).arg(&["0", "-1"]);
        let mut series: HashSet<String> = HashSet::new();
        for reply in self.ask_all(self.layout.shards().map(ids)).await {
            series.extend(read::<Vec<String>>(reply)?);
        }
        Ok(Total { value: series.len() as u64, exact: true })
    }

    async fn last(&self, index: impl Fn(Shard) -> Key) -> Result<Option<Timestamp>, Problem> {
        let last = |shard| Command::new("ZREVRANGE", index(shard)).arg(&["0", "0", "WITHSCORES"]);
        let mut newest = None;
        for reply in self.ask_all(self.layout.shards().map(last)).await {
            let members: Vec<(Vec<u8>, f64)> = read(reply)?;
            newest = newest.max(members.first().map(|(_, score)| time(*score)));
        }
        Ok(newest)
    }

    /// Of all nodes together; an operator may forbid to ask.
    async fn used_memory(&self) -> Option<u64> {
        let infos = self.reads.ask_nodes(&command(&["INFO", "memory"])).await.ok()?;
        let used = |info| parse_info(info).get("used_memory")?.parse::<u64>().ok();
        infos.into_iter().map(used).sum()
    }
}
