//! The address of a server or a cluster.

use redis::{ConnectionInfo, IntoConnectionInfo};

use crate::model::{Code, Problem};
use crate::store::StoreUrl;

/// Where to connect to, and what goes before every key.
#[derive(Debug)]
pub(super) struct Address {
    /// The server, or the cluster's nodes that are asked first.
    pub(super) nodes: Vec<ConnectionInfo>,
    /// Whether they form a cluster.
    pub(super) cluster: bool,
    /// What goes before every key.
    pub(super) prefix: String,
    /// The hosts, without credentials, for texts.
    pub(super) shown: String,
}

impl Address {
    /// Reads `redis://[user:password@]host[:port][/database][?prefix=TEXT]` and its kin.
    pub(super) fn parse(store_url: &StoreUrl) -> Result<Self, Problem> {
        let (text, cluster) = match store_url {
            StoreUrl::Redis(text) => (text, false),
            StoreUrl::RedisCluster(text) => (text, true),
            StoreUrl::Memory | StoreUrl::Sqlite(_) => return Err(malformed("it is no redis address")),
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| malformed("`://` is missing"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let prefix = prefix(query)?;
        let (credentials, hosts) = match rest.rsplit_once('@') {
            Some((credentials, hosts)) => (format!("{credentials}@"), hosts),
            None => (String::new(), rest),
        };
        let (hosts, database) = hosts.split_once('/').unwrap_or((hosts, ""));
        if cluster && !matches!(database, "" | "0") {
            return Err(malformed("a cluster has no numbered databases"));
        }
        let scheme = scheme.trim_end_matches("+cluster");
        let shown = hosts.to_owned();
        let hosts: Vec<&str> = if cluster { hosts.split(',').collect() } else { vec![hosts] };
        let nodes = hosts
            .into_iter()
            .map(|host| {
                let host = if host.is_empty() { "127.0.0.1" } else { host };
                format!("{scheme}://{credentials}{host}/{database}")
                    .into_connection_info()
                    .map_err(|_| malformed("it can't be read"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { nodes, cluster, prefix, shown })
    }
}

/// The one setting in the query. Braces would take the place of a shard's tag.
fn prefix(query: &str) -> Result<String, Problem> {
    let mut prefix = String::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "prefix" {
            return Err(malformed("`prefix` is the only setting it takes"));
        }
        if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte)) {
            return Err(malformed("`prefix` takes the characters A-Z a-z 0-9 . _ : -"));
        }
        prefix = value.into_owned();
    }
    Ok(prefix)
}

/// Without the address itself, in which a password may stand.
fn malformed(reason: &str) -> Problem {
    Problem::new(Code::StorageMisconfigured, format!("the store's address is malformed: {reason}"))
        .at("store")
        .hint("redis://[user:password@]host[:port][/database][?prefix=TEXT], or redis+cluster://host,host")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, Problem> {
        Address::parse(&StoreUrl::parse(text)?)
    }

    #[test]
    fn every_part_is_read() {
        let address = parse("redis://me:p%40ss@h:7000/3?prefix=team:").unwrap();
        assert_eq!((address.prefix.as_str(), address.shown.as_str()), ("team:", "h:7000"));
        let settings = address.nodes[0].redis_settings();
        assert_eq!((settings.db(), settings.username(), settings.password()), (3, Some("me"), Some("p@ss")));

        let address = parse("redis+cluster://:s@a:1,b:2,[::1]:3").unwrap();
        assert_eq!((address.nodes.len(), address.cluster), (3, true));
        assert_eq!(address.nodes[2].addr().to_string(), "::1:3");
        assert!(address.nodes.iter().all(|node| node.redis_settings().password() == Some("s")));
    }

    #[test]
    fn what_is_malformed_is_refused_without_its_password() {
        for text in [
            "redis:h",
            "redis://u:s3cret@h?x=1",
            "redis://h?prefix={a}",
            "redis+cluster://h/2",
            "redis://h:x",
        ] {
            let problem = parse(text).unwrap_err();
            assert_eq!(problem.code, Code::StorageMisconfigured, "{text}");
            assert!(!problem.to_json().to_string().contains("s3cret"));
        }
    }
}
