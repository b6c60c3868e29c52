//! What a server keeps of what it has acknowledged, as it tells itself.

use std::collections::HashMap;

use redis::{Cmd, Value};

use super::connection::Link;
use crate::model::{Code, Problem};
use crate::store::Durability;

/// The first version with all the commands that are used.
const OLDEST_VERSION: u32 = 7;

/// What is read of a server at start.
struct Server {
    info: HashMap<String, String>,
    /// Settings, as far as the user may read them.
    config: HashMap<String, String>,
}

/// Checks that the servers can be used, and finds out what their weakest keeps.
pub(super) async fn examine(link: &Link, cluster: bool) -> Result<Durability, Problem> {
    let infos = match link.ask_nodes(&command(&["INFO"])).await {
        Ok(infos) => infos,
        // Some operators forbid it; whoever can't be asked can still be written to.
        Err(problem) if problem.code == Code::StorageMisconfigured && link_works(link).await => {
            return Ok(Durability::Unknown);
        }
        Err(problem) => return Err(problem),
    };
    // Where it is forbidden, `INFO` has most of it.
    let configs = link.ask_nodes(&command(&["CONFIG", "GET", "appendfsync"])).await.unwrap_or_default();
    let mut weakest = Durability::PowerLoss;
    for (index, info) in infos.into_iter().enumerate() {
        let server = Server {
            info: parse_info(info),
            config: configs.get(index).cloned().map(parse_config).unwrap_or_default(),
        };
        server.check(cluster)?;
        weakest = weaker(weakest, server.durability());
    }
    Ok(weakest)
}

async fn link_works(link: &Link) -> bool {
    link.ask_nodes(&command(&["PING"])).await.is_ok()
}

/// A command without a key.
pub(super) fn command(words: &[&str]) -> Cmd {
    let mut cmd = Cmd::new();
    cmd.arg(words);
    cmd
}

/// The fields of an `INFO`.
pub(super) fn parse_info(info: Value) -> HashMap<String, String> {
    let text: String = redis::from_redis_value(info).unwrap_or_default();
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.lines().filter_map(pair).collect()
}

fn parse_config(config: Value) -> HashMap<String, String> {
    redis::from_redis_value(config).unwrap_or_default()
}

impl Server {
    fn is(&self, field: &str, value: &str) -> bool {
        self.info.get(field).is_some_and(|held| held == value)
    }

    fn check(&self, cluster: bool) -> Result<(), Problem> {
        let version = self.info.get("redis_version").map_or("", String::as_str);
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        let refuse = |message: String| Err(Problem::new(Code::StorageMisconfigured, message).at("store"));
        match major {
            Some(major) if major < OLDEST_VERSION => {
                return refuse(format!(
                    "redis {version} is too old, {OLDEST_VERSION}.0 is the oldest that works"
                ));
            }
            _ => {}
        }
        if self.is("cluster_enabled", "1") != cluster && self.info.contains_key("cluster_enabled") {
            let (is, scheme) = if cluster {
                ("no part of a cluster", "redis")
            } else {
                ("part of a cluster", "redis+cluster")
            };
            return refuse(format!("the server is {is}, its address begins with `{scheme}://`"));
        }
        Ok(())
    }

    fn durability(&self) -> Durability {
        let policy = self.info.get("maxmemory_policy").map_or("noeviction", String::as_str);
        if policy != "noeviction" && !self.is("maxmemory", "0") {
            tracing::warn!(
                policy,
                "the store deletes records when its memory is full; set `maxmemory-policy noeviction`"
            );
            return Durability::None;
        }
        match self.info.get("aof_enabled").map(String::as_str) {
            None => Durability::Unknown,
            Some("0") => {
                tracing::warn!(
                    "a crash of the store loses acknowledged records; set `appendonly yes`, and \
                     `appendfsync always` to survive a loss of power"
                );
                Durability::None
            }
            Some(_) if self.config.get("appendfsync").is_some_and(|when| when == "always") => {
                Durability::PowerLoss
            }
            Some(_) => Durability::ProcessCrash,
        }
    }
}

fn weaker(one: Durability, other: Durability) -> Durability {
    let rank = |durability| match durability {
        Durability::None => 0,
        Durability::Unknown => 1,
        Durability::ProcessCrash => 2,
        Durability::PowerLoss => 3,
    };
    if rank(one) <= rank(other) { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(info: &str, appendfsync: Option<&str>) -> Server {
        let config = appendfsync.map(|when| ("appendfsync".to_owned(), when.to_owned()));
        Server { info: parse_info(Value::BulkString(info.into())), config: config.into_iter().collect() }
    }

    #[test]
    fn what_a_server_tells_decides() {
        let aof = "aof_enabled:1\r\nmaxmemory:100\r\nmaxmemory_policy:noeviction\r\n";
        assert_eq!(server(aof, Some("always")).durability(), Durability::PowerLoss);
        assert_eq!(server(aof, Some("everysec")).durability(), Durability::ProcessCrash);
        assert_eq!(server(aof, None).durability(), Durability::ProcessCrash);
        assert_eq!(server("aof_enabled:0\r\n", None).durability(), Durability::None);
        assert_eq!(server("", None).durability(), Durability::Unknown);
        let evicts = aof.replace("noeviction", "allkeys-lru");
        assert_eq!(server(&evicts, Some("always")).durability(), Durability::None);
        let unbounded = evicts.replace("maxmemory:100", "maxmemory:0");
        assert_eq!(server(&unbounded, Some("always")).durability(), Durability::PowerLoss);
    }

    #[test]
    fn old_servers_and_wrong_schemes_are_refused_in_words() {
        let old = server("redis_version:6.2.7\r\n", None).check(false).unwrap_err();
        assert_eq!(old.message, "redis 6.2.7 is too old, 7.0 is the oldest that works");
        let node = server("redis_version:7.2.0\r\ncluster_enabled:1\r\n", None);
        assert!(node.check(false).unwrap_err().message.contains("`redis+cluster://`"));
        assert!(node.check(true).is_ok());
    }
}
