//! One source of settings, in which anything may be missing.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;
use serde::Deserialize;

use super::log::LogFormat;
use super::store::Durability;
use super::{ConfigError, Environment};
use crate::model::ContentPolicy;
use crate::prices::Override;

/// The flags that every command has.
#[expect(clippy::doc_markdown, reason = "these texts are the help, which is not Markdown")]
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Where to listen [default: 127.0.0.1:8080] [env: WATCHGLASS_LISTEN]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Where to keep records: sqlite:PATH, redis://HOST, memory: [env: WATCHGLASS_STORE]
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,
    /// A file of settings [env: WATCHGLASS_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to log [default: info,rmcp=warn] [env: WATCHGLASS_LOG]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// How to log; `auto` is text on a terminal and JSON elsewhere [env: WATCHGLASS_LOG_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Write every record to the log too [env: WATCHGLASS_ECHO]
    #[arg(long, global = true)]
    pub echo: bool,
    /// A further value of the Host header to answer [env: WATCHGLASS_ALLOWED_HOSTS]
    #[arg(long = "allowed-host", global = true, value_name = "HOST")]
    pub allowed_hosts: Vec<String>,
    /// A further origin that browsers may call from [env: WATCHGLASS_ALLOWED_ORIGINS]
    #[arg(long = "allowed-origin", global = true, value_name = "ORIGIN")]
    pub allowed_origins: Vec<String>,
    /// Listen beyond this machine although nobody is asked for a key [env: WATCHGLASS_INSECURE_NO_AUTH]
    #[arg(long, global = true)]
    pub insecure_no_auth: bool,
    /// The certificate to serve HTTPS with, in PEM form [env: WATCHGLASS_TLS_CERT]
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key [env: WATCHGLASS_TLS_KEY]
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// A proxy, or a network of them, that may pass keys on without TLS [env: WATCHGLASS_TRUSTED_PROXIES]
    #[arg(long = "trusted-proxy", global = true, value_name = "ADDRESS")]
    pub trusted_proxies: Vec<String>,
    /// Push metrics to this Pushgateway, such as http://localhost:9091 [env: WATCHGLASS_PUSHGATEWAY]
    #[arg(long, global = true, value_name = "URL")]
    pub pushgateway: Option<String>,
    /// A list in Redis whose length is told [default: dlq:agent_tasks] [env: WATCHGLASS_DEAD_LETTERS]
    #[arg(long, global = true, value_name = "LIST")]
    pub dead_letters: Vec<String>,
    /// Do not store prompts, completions, arguments and results [env: WATCHGLASS_CONTENT=metadata_only]
    #[arg(long, global = true)]
    pub no_content: bool,
}

/// The settings of one source.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    pub(super) listen: Option<String>,
    pub(super) allowed_hosts: Option<Vec<String>>,
    pub(super) allowed_origins: Option<Vec<String>>,
    pub(super) insecure_no_auth: Option<bool>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) trusted_proxies: Option<Vec<String>>,
    /// From the environment alone.
    #[serde(skip)]
    pub(super) ingest_key: Option<SecretString>,
    /// From the environment alone.
    #[serde(skip)]
    pub(super) read_key: Option<SecretString>,
    /// From the environment alone.
    #[serde(skip)]
    pub(super) client_key: Option<SecretString>,
    pub(super) pushgateway: Option<SecretString>,
    pub(super) content: Option<ContentPolicy>,
    pub(super) dead_letters: Option<Vec<String>>,
    pub(super) store: Option<SecretString>,
    pub(super) durability: Option<Durability>,
    pub(super) require_durable: Option<bool>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) echo: Option<bool>,
    pub(super) stale_after: Option<String>,
    #[serde(default)]
    pub(super) retention: Retention,
    #[serde(default)]
    pub(super) prices: Prices,
}

/// The table `[prices]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prices {
    pub(super) file: Option<PathBuf>,
    #[serde(default, rename = "override")]
    pub(super) overrides: Vec<Override>,
}

/// The table `[retention]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retention {
    pub(super) traces: Option<String>,
    pub(super) logs: Option<String>,
    pub(super) series: Option<String>,
    pub(super) rollups: Option<String>,
    pub(super) max_size: Option<String>,
}

impl Layer {
    pub(super) fn from_flags(flags: Flags) -> Result<Self, ConfigError> {
        let list = |values: Vec<String>| (!values.is_empty()).then_some(values);
        if flags.listen.as_deref() == Some("") {
            return Err(ConfigError::new("`--listen` is empty").hint("try `--listen 127.0.0.1:8080`"));
        }
        Ok(Self {
            listen: flags.listen,
            allowed_hosts: list(flags.allowed_hosts),
            allowed_origins: list(flags.allowed_origins),
            insecure_no_auth: flags.insecure_no_auth.then_some(true),
            tls_cert: flags.tls_cert,
            tls_key: flags.tls_key,
            trusted_proxies: list(flags.trusted_proxies),
            pushgateway: flags.pushgateway.map(SecretString::from),
            dead_letters: list(flags.dead_letters),
            content: flags.no_content.then_some(ContentPolicy::MetadataOnly),
            store: flags.store.map(SecretString::from),
            log: flags.log,
            log_format: flags.log_format,
            echo: flags.echo.then_some(true),
            ..Self::default()
        })
    }

    /// An empty variable is one that is not set.
    pub(super) fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let text = |name: &str| environment(name).filter(|value| !value.is_empty());
        let list = |name: &str| {
            let value = text(name)?;
            Some(
                value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect(),
            )
        };
        let secret = |name: &str| text(name).map(SecretString::from);
        let flag = |name: &str| text(name).map(|value| boolean(name, &value)).transpose();
        Ok(Self {
            listen: text("WATCHGLASS_LISTEN"),
            allowed_hosts: list("WATCHGLASS_ALLOWED_HOSTS"),
            allowed_origins: list("WATCHGLASS_ALLOWED_ORIGINS"),
            insecure_no_auth: flag("WATCHGLASS_INSECURE_NO_AUTH")?,
            tls_cert: text("WATCHGLASS_TLS_CERT").map(PathBuf::from),
            tls_key: text("WATCHGLASS_TLS_KEY").map(PathBuf::from),
            trusted_proxies: list("WATCHGLASS_TRUSTED_PROXIES"),
            ingest_key: secret("WATCHGLASS_INGEST_KEY"),
            read_key: secret("WATCHGLASS_READ_KEY"),
            client_key: secret("WATCHGLASS_KEY"),
            pushgateway: secret("WATCHGLASS_PUSHGATEWAY"),
            content: text("WATCHGLASS_CONTENT").map(|value| value.parse()).transpose()?,
            dead_letters: list("WATCHGLASS_DEAD_LETTERS"),
            store: secret("WATCHGLASS_STORE"),
            durability: text("WATCHGLASS_DURABILITY").map(|value| value.parse()).transpose()?,
            require_durable: flag("WATCHGLASS_REQUIRE_DURABLE")?,
            log: text("WATCHGLASS_LOG"),
            log_format: text("WATCHGLASS_LOG_FORMAT").map(|value| value.parse()).transpose()?,
            echo: flag("WATCHGLASS_ECHO")?,
            stale_after: text("WATCHGLASS_STALE_AFTER"),
            prices: Prices { file: text("WATCHGLASS_PRICES_FILE").map(PathBuf::from), overrides: Vec::new() },
            retention: Retention::default(),
        })
    }

    /// These settings, and where they say nothing, those of `below`.
    pub(super) fn or(self, below: Self) -> Self {
        Self {
            listen: self.listen.or(below.listen),
            allowed_hosts: self.allowed_hosts.or(below.allowed_hosts),
            allowed_origins: self.allowed_origins.or(below.allowed_origins),
            insecure_no_auth: self.insecure_no_auth.or(below.insecure_no_auth),
            tls_cert: self.tls_cert.or(below.tls_cert),
            tls_key: self.tls_key.or(below.tls_key),
            trusted_proxies: self.trusted_proxies.or(below.trusted_proxies),
            ingest_key: self.ingest_key.or(below.ingest_key),
            read_key: self.read_key.or(below.read_key),
            client_key: self.client_key.or(below.client_key),
            pushgateway: self.pushgateway.or(below.pushgateway),
            content: self.content.or(below.content),
            dead_letters: self.dead_letters.or(below.dead_letters),
            store: self.store.or(below.store),
            durability: self.durability.or(below.durability),
            require_durable: self.require_durable.or(below.require_durable),
            log: self.log.or(below.log),
            log_format: self.log_format.or(below.log_format),
            echo: self.echo.or(below.echo),
            stale_after: self.stale_after.or(below.stale_after),
            retention: Retention {
                traces: self.retention.traces.or(below.retention.traces),
                logs: self.retention.logs.or(below.retention.logs),
                series: self.retention.series.or(below.retention.series),
                rollups: self.retention.rollups.or(below.retention.rollups),
                max_size: self.retention.max_size.or(below.retention.max_size),
            },
            prices: Prices {
                file: self.prices.file.or(below.prices.file),
                // Those of the file alone: nothing above it has any.
                overrides: [self.prices.overrides, below.prices.overrides].concat(),
            },
        }
    }
}

/// The file that the environment names.
pub(super) fn path_from(environment: Environment<'_>) -> Option<PathBuf> {
    environment("WATCHGLASS_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn boolean(name: &str, value: &str) -> Result<bool, ConfigError> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(ConfigError::invalid(name, value, "`true` or `false`")),
    }
}
