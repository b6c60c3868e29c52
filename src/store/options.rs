//! How a store is to be opened.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Code, Pricing, Problem};

/// All that an engine needs to know.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where the store is.
    pub url: StoreUrl,
    /// `process` relaxes `SQLite` to survive a crash of the process, not of the machine.
    pub relaxed: bool,
    /// Refuse to open a store that a crash of its process would empty.
    pub require_durable: bool,
    /// How long records are kept.
    pub retention: Retention,
    /// What calls of models cost.
    pub pricing: Arc<dyn Pricing>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one answer of the store may take.
    pub response_timeout: Duration,
}

/// How long records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Spans, from their start.
    pub traces: Duration,
    /// Logs.
    pub logs: Duration,
    /// Series, from their last point.
    pub series: Duration,
    /// The numbers of each hour; those of each minute are kept as long as traces.
    pub rollups: Duration,
    /// Bytes of an embedded store, past which the oldest records go first.
    pub max_bytes: u64,
}

/// Where a store is, with what it takes to get in.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `memory:`: gone with the process.
    Memory,
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
    /// `redis://[user:password@]host[:port][/database][?prefix=TEXT]`, or `rediss://` for TLS.
    Redis(String),
    /// `redis+cluster://[user:password@]host[:port][,host…][?prefix=TEXT]`, or `rediss+cluster://` for TLS.
    RedisCluster(String),
}

/// What an answered write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The loss of power.
    PowerLoss,
    /// The crash of any process; a loss of power may cost the last moments.
    ProcessCrash,
    /// No crash of the store's process.
    None,
    /// Whatever the store's operator has set; it doesn't tell.
    Unknown,
}

impl StoreUrl {
    /// The word for the engine that it names.
    pub const fn backend(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite(_) => "sqlite",
            Self::Redis(_) => "redis",
            Self::RedisCluster(_) => "redis_cluster",
        }
    }

    /// Reads the address of a store.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        match scheme {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path == ":memory:" {
                    return Ok(Self::Memory);
                }
                if path.is_empty() {
                    return Err(misconfigured("`sqlite:` needs a path, such as `sqlite:./watchglass.db`"));
                }
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            "redis" | "rediss" => Ok(Self::Redis(text.to_owned())),
            "redis+cluster" | "rediss+cluster" => Ok(Self::RedisCluster(text.to_owned())),
            _ => Err(misconfigured("the store's address begins with no known scheme").hint(
                "one of sqlite:PATH, memory:, redis://HOST, rediss://HOST, redis+cluster://HOST,HOST, \
                 rediss+cluster://HOST,HOST",
            )),
        }
    }
}

impl StoreUrl {
    /// Whether both are on one Redis server, as far as their texts tell.
    pub fn is_same_server(&self, other: &Self) -> bool {
        let server = |url: &Self| match url {
            Self::Redis(url) => {
                let url = url::Url::parse(url).ok()?;
                let host = url.host_str()?.replace("localhost", "127.0.0.1");
                Some((host, url.port().unwrap_or(6379)))
            }
            _ => None,
        };
        server(self).is_some_and(|one| Some(one) == server(other))
    }
}

/// Without user and password, so that it can be shown.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Redis(url) | Self::RedisCluster(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("redis", url));
                let hosts = rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts);
                write!(f, "{scheme}://{hosts}")
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Durability {
    /// The word on `/ready`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PowerLoss => "power_loss",
            Self::ProcessCrash => "process_crash",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }

    /// What an answer is worth, in words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::PowerLoss => "an answered write survives a loss of power",
            Self::ProcessCrash => {
                "an answered write survives a crash, a loss of power may cost the last moments"
            }
            Self::None => "an answered write may be lost",
            Self::Unknown => "the store does not tell what an answered write survives",
        }
    }
}

fn misconfigured(message: &str) -> Problem {
    Problem::new(Code::StorageMisconfigured, message).at("store")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_known_and_no_password_is_shown() {
        assert_eq!(StoreUrl::parse("memory:").unwrap(), StoreUrl::Memory);
        assert_eq!(StoreUrl::parse("sqlite::memory:").unwrap(), StoreUrl::Memory);
        assert_eq!(StoreUrl::parse("sqlite:a/b.db").unwrap(), StoreUrl::Sqlite("a/b.db".into()));
        assert_eq!(StoreUrl::parse("sqlite:///a.db").unwrap(), StoreUrl::Sqlite("/a.db".into()));
        let cluster = StoreUrl::parse("rediss+cluster://me:s3cret@a:1,b:2").unwrap();
        assert_eq!(format!("{cluster} {cluster:?}"), "rediss+cluster://a:1,b:2 rediss+cluster://a:1,b:2");
        for text in ["", "memory:x", "sqlite:", "postgres://h", "/tmp/x.db"] {
            assert!(StoreUrl::parse(text).is_err(), "{text}");
        }
    }
}
