//! watchglass's own log.

use std::str::FromStr;

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::ConfigError;
use super::layer::Layer;

const DEFAULT_FILTER: &str = "info,rmcp=warn";

/// What is logged, and how; always to standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// Directives as `tracing` has them (`log`, `WATCHGLASS_LOG`, `info,rmcp=warn`).
    ///
    /// Below `warn` rmcp logs whole messages, and with them what agents wrote.
    pub filter: String,
    /// The form of a line (`log_format`, `WATCHGLASS_LOG_FORMAT`, `auto`).
    pub format: LogFormat,
}

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        ValueEnum::from_str(text, false)
            .map_err(|_| ConfigError::invalid("log_format", text, "`text`, `json` or `auto`"))
    }
}

impl LogConfig {
    /// Whether the filter is the default. Then a command that answers and ends logs nothing: whoever runs it may take
    /// what is on standard error for a part of the answer.
    pub fn is_default(&self) -> bool {
        self.filter == DEFAULT_FILTER
    }

    pub(super) fn resolve(layer: &Layer) -> Result<Self, ConfigError> {
        let filter = layer.log.clone().unwrap_or_else(|| DEFAULT_FILTER.to_owned());
        if EnvFilter::try_new(&filter).is_err() {
            return Err(ConfigError::invalid("log", &filter, "a filter such as `info,rmcp=warn`"));
        }
        Ok(Self { filter, format: layer.log_format.unwrap_or_default() })
    }
}
