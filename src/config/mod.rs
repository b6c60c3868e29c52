//! The settings: flags over the environment over the file over the defaults.
//!
//! Settings are inert: nothing is opened or bound here, and after [`Config::load`] nothing is parsed
//! any more. The environment comes in as a function, so that tests need not touch the process's own.

mod access;
mod content;
mod dead_letters;
mod error;
mod file;
mod http;
mod layer;
mod log;
mod prices;
mod pushgateway;
mod retention;
mod store;
mod units;

use std::path::PathBuf;
use std::time::Duration;

pub use access::{AccessConfig, TlsFiles};
pub use error::ConfigError;
pub use http::HttpConfig;
pub use layer::Flags;
pub use log::{LogConfig, LogFormat};
pub use prices::PricesConfig;
pub use pushgateway::Pushgateway;
pub use retention::RetentionConfig;
pub use store::{Durability, StoreConfig, StoreUrl};

use layer::Layer;

use crate::model::ContentPolicy;

/// Every setting with its default, commented; what `--config` reads looks like this.
pub const EXAMPLE: &str = include_str!("watchglass.toml");

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All settings, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file that was read, if there was one (`WATCHGLASS_CONFIG`, `watchglass.toml` in the platform's directory).
    pub file: Option<PathBuf>,
    /// Where to listen, and whom to answer.
    pub http: HttpConfig,
    /// Who gets in.
    pub access: AccessConfig,
    /// Where records are kept.
    pub store: StoreConfig,
    /// For how long.
    pub retention: RetentionConfig,
    /// What is kept of prompts, completions, arguments and results, and of secrets in all that is written (`content`,
    /// `WATCHGLASS_CONTENT`, `redacted`).
    pub content: ContentPolicy,
    /// What models cost.
    pub prices: PricesConfig,
    /// Where metrics are pushed, if anywhere.
    pub pushgateway: Option<Pushgateway>,
    /// Lists of other programs whose length is told (`dead_letters`, `WATCHGLASS_DEAD_LETTERS`, `dlq:agent_tasks`).
    pub dead_letters: Vec<String>,
    /// watchglass's own log.
    pub log: LogConfig,
    /// Whether every record is also written to the log (`WATCHGLASS_ECHO`, `false`).
    pub echo: bool,
    /// After which silence a span in progress reads as abandoned (`stale_after`, 1 h).
    pub stale_after: Duration,
}

impl Config {
    /// Reads all layers and resolves them.
    pub fn load(flags: Flags, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let named = flags.config.clone().or_else(|| layer::path_from(environment));
        let path = named.or_else(default_file);
        let file = path.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let flags = Layer::from_flags(flags)?;
        let resolved = Self::resolve(&flags.or(Layer::from_environment(environment)?).or(file))?;
        Ok(Self { file: path, ..resolved })
    }

    fn resolve(layer: &Layer) -> Result<Self, ConfigError> {
        Ok(Self {
            file: None,
            http: HttpConfig::resolve(layer)?,
            access: AccessConfig::resolve(layer)?,
            store: StoreConfig::resolve(layer)?,
            retention: RetentionConfig::resolve(&layer.retention)?,
            prices: PricesConfig::resolve(&layer.prices)?,
            content: layer.content.unwrap_or_default(),
            pushgateway: layer.pushgateway.as_ref().map(Pushgateway::parse).transpose()?,
            dead_letters: dead_letters::resolve(layer)?,
            log: LogConfig::resolve(layer)?,
            echo: layer.echo.unwrap_or(false),
            stale_after: match &layer.stale_after {
                Some(text) => units::duration("stale_after", text)?,
                None => Duration::from_secs(3_600),
            },
        })
    }
}

/// A duration as a flag gives it, such as `90d`.
///
/// # Errors
/// A text that is none.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    units::duration("duration", text).map_err(|error| error.message)
}

/// The process's environment. What is not UTF-8 becomes U+FFFD, as on standard input: a value that is there is not
/// taken for one that is missing.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The argument `name` of the tool call for which gantz runs this process, where the caller sent it: strings as they
/// are, all else as Go prints it.
pub fn gantz_argument(name: &str, environment: Environment<'_>) -> Option<String> {
    environment(&format!("GANTZ_ARG_{}", name.to_ascii_uppercase()))
}

/// `watchglass.toml` in the platform's directory for configuration, where there is one.
fn default_file() -> Option<PathBuf> {
    let path = directories::ProjectDirs::from("", "", "watchglass")?.config_dir().join("watchglass.toml");
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests;
