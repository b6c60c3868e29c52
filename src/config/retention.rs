//! For how long records are kept.

use std::time::Duration;

use super::layer::Retention;
use super::{ConfigError, units};

/// The ages at which records go; `None` is the engine's default (the table `[retention]`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionConfig {
    /// Traces: 7 days.
    pub traces: Option<Duration>,
    /// Logs: 7 days on `SQLite`, 24 hours on Redis.
    pub logs: Option<Duration>,
    /// The points of series: 7 days.
    pub series: Option<Duration>,
    /// The numbers of each hour: 400 days.
    pub rollups: Option<Duration>,
    /// The embedded store's size in bytes: 5 GB; Redis has its own limit.
    pub max_size: Option<u64>,
}

impl RetentionConfig {
    pub(super) fn resolve(layer: &Retention) -> Result<Self, ConfigError> {
        let age = |name: &str, text: &Option<String>| {
            text.as_deref().map(|text| units::duration(&format!("retention.{name}"), text)).transpose()
        };
        let max_size = layer.max_size.as_deref();
        Ok(Self {
            traces: age("traces", &layer.traces)?,
            logs: age("logs", &layer.logs)?,
            series: age("series", &layer.series)?,
            rollups: age("rollups", &layer.rollups)?,
            max_size: max_size.map(|text| units::size("retention.max_size", text)).transpose()?,
        })
    }
}
