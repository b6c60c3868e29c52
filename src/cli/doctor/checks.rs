//! What is looked at, each for itself.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use super::{Finding, State};
use crate::cli::open::{Opened, open, store_options, with_causes};
use crate::cli::{Failure, health};
use crate::config::{Config, ConfigError};
use crate::model::Problem;
use crate::pushgateway::Gateway;
use crate::server::Tls;
use crate::store::{self, Durability, StoreUrl};

/// How long the store may take before it is called slow.
const SLOW: Duration = Duration::from_millis(100);

/// Every finding, in the order in which a server comes to need the things.
pub(super) async fn all(config: &Config, scripts_redis: &str) -> Vec<Finding> {
    let mut findings = vec![settings(config)];
    let opened = match open(config).await {
        Ok(opened) => {
            findings.extend(store(config, &opened).await);
            Some(opened)
        }
        Err(failure) => {
            findings.push(refused("store", &failure));
            None
        }
    };
    findings.push(keys(config, opened.as_ref()).await);
    findings.extend(tls(config));
    findings.push(port(config).await);
    findings.extend(pushgateway(config).await);
    findings.extend(scripts(config, scripts_redis).await);
    if let Some(opened) = opened {
        opened.service.close().await;
    }
    findings
}

fn settings(config: &Config) -> Finding {
    let message = match &config.file {
        Some(file) => format!("read from `{}`, flags and the environment", file.display()),
        None => "defaults, flags and the environment; `watchglass config` prints a file to begin with".into(),
    };
    Finding::new("settings", State::Ok, message)
}

async fn store(config: &Config, opened: &Opened) -> Vec<Finding> {
    let started = Instant::now();
    let readiness = opened.service.readiness().await;
    let took = started.elapsed();
    let mut findings = Vec::new();
    findings.push(if let Some(problem) = readiness.problem {
        problematic("store", State::Failed, &problem)
    } else {
        let state = if took > SLOW { State::Warning } else { State::Ok };
        let milliseconds = took.as_secs_f64() * 1_000.0;
        Finding::new("store", state, format!("{} answers in {milliseconds:.1} ms", opened.address))
    });
    let worth = Finding::new("durability", State::Ok, readiness.durability.describe());
    findings.push(match readiness.durability {
        Durability::PowerLoss | Durability::ProcessCrash => worth,
        Durability::None | Durability::Unknown => {
            let hint = if config.store.url.expose().starts_with("redis") {
                "set `appendonly yes` and `maxmemory-policy noeviction` on the server"
            } else {
                "name a store that stays: `--store sqlite:PATH`"
            };
            Finding { state: State::Warning, ..worth }.hint(hint)
        }
    });
    let exposed = store_options(config).ok().and_then(|options| store::exposure(&options));
    findings.extend(exposed.map(|problem| problematic("files", State::Warning, &problem)));
    findings
}

async fn keys(config: &Config, opened: Option<&Opened>) -> Finding {
    let environment = [&config.access.ingest_key, &config.access.read_key].into_iter().flatten().count();
    let Some(opened) = opened else {
        return Finding::new("keys", State::Warning, "the store is not open, so its keys can't be counted");
    };
    let (stored, now) = match opened.service.keys().await {
        Ok(keys) => (keys, opened.service.now()),
        Err(problem) => return problematic("keys", State::Failed, &problem),
    };
    let valid = environment + stored.iter().filter(|key| key.is_valid(now)).count();
    if let Err(error) = config.check_exposure(valid > 0) {
        return misconfigured("keys", &error);
    }
    let listen = config.http.listen;
    match valid {
        0 if !stored.is_empty() => {
            let message = format!("none of {} is valid: every request over HTTP is refused", stored.len());
            Finding::new("keys", State::Warning, message).hint("make one with `watchglass key create`")
        }
        0 if listen.ip().is_loopback() => {
            Finding::new("keys", State::Ok, "none: everyone on this machine may read and write")
        }
        0 => Finding::new(
            "keys",
            State::Warning,
            format!("none: whoever reaches `{listen}` may read and write"),
        )
        .hint("make one with `watchglass key create`"),
        valid => Finding::new("keys", State::Ok, format!("{valid} valid; requests over HTTP need one")),
    }
}

fn tls(config: &Config) -> Option<Finding> {
    let files = config.access.tls.as_ref()?;
    Some(match Tls::load(files) {
        Ok(_) => Finding::new("tls", State::Ok, format!("`{}` can be served with", files.cert.display())),
        Err(error) => misconfigured("tls", &error),
    })
}

async fn port(config: &Config) -> Finding {
    let listen = config.http.listen;
    match TcpListener::bind(listen).await {
        Ok(_) => Finding::new("port", State::Ok, format!("`{listen}` is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if health::ask(config, "health").await.is_ok() {
                return Finding::new("port", State::Ok, format!("a server runs on `{listen}`"));
            }
            let other = SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(8080));
            Finding::new("port", State::Failed, format!("`{listen}` is taken by another program"))
                .hint(format!("give another one: `--listen {other}`"))
        }
        Err(error) => {
            Finding::new("port", State::Failed, format!("`{listen}` can't be listened on: {error}"))
        }
    }
}

async fn pushgateway(config: &Config) -> Option<Finding> {
    let address = config.pushgateway.as_ref()?;
    let checked = match Gateway::new(address) {
        Ok(gateway) => gateway.check().await.map_err(|failure| failure.reason),
        Err(problem) => Err(problem.to_string()),
    };
    Some(match checked {
        Ok(()) => Finding::new("pushgateway", State::Ok, format!("`{address}` takes pushes")),
        Err(reason) => Finding::new("pushgateway", State::Warning, format!("`{address}`: {reason}"))
            .hint("records are stored all the same, and the next push that works brings all"),
    })
}

/// Whether the published scripts have left something in a Redis that is not the store in use.
async fn scripts(config: &Config, redis: &str) -> Option<Finding> {
    let url = StoreUrl::parse(redis).ok()?;
    let options = store_options(config).ok()?;
    if options.url.is_same_server(&url) {
        return None;
    }
    // No server there, or one that doesn't let us look, is the rule and nothing to speak of.
    let found = store::published_at(&url).await.ok().filter(store::Published::is_any)?;
    let message = format!(
        "{url} holds {} kinds of logs, {} spans and {} traces of the published scripts, and {} is in use",
        found.log_types, found.spans, found.traces, options.url
    );
    Some(
        Finding::new("scripts", State::Warning, message)
            .hint(format!("to go on with those records, start with `--store {url}`")),
    )
}

fn problematic(check: &'static str, state: State, problem: &Problem) -> Finding {
    Finding { hint: problem.hint.clone(), ..Finding::new(check, state, with_causes(problem)) }
}

fn misconfigured(check: &'static str, error: &ConfigError) -> Finding {
    Finding { hint: error.hint.clone(), ..Finding::new(check, State::Failed, &error.message) }
}

fn refused(check: &'static str, failure: &Failure) -> Finding {
    match failure {
        Failure::Problem(problem) => problematic(check, State::Failed, problem),
        Failure::Config(error) => misconfigured(check, error),
        other => Finding::new(check, State::Failed, format!("it can't be opened: {other:?}")),
    }
}
