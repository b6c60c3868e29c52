//! The stores that are measured.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use watchglass::prices::Prices;
use watchglass::store::{Retention, StoreOptions, StoreUrl};

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// A file, each commit of which waits for the disk.
    Sqlite,
    /// A file that survives the end of the process (`durability = "process"`).
    SqliteProcess,
    /// SQLite in memory.
    Memory,
    /// Redis with an append-only file that is synced each second.
    Redis,
}

impl Place {
    pub(crate) const ALL: [Self; 4] = [Self::Sqlite, Self::SqliteProcess, Self::Memory, Self::Redis];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::SqliteProcess => "sqlite-process",
            Self::Memory => "memory",
            Self::Redis => "redis",
        }
    }

    /// Whether a commit may leave the disk for later.
    pub(crate) const fn is_relaxed(self) -> bool {
        matches!(self, Self::SqliteProcess)
    }

    /// The value of `WATCHGLASS_DURABILITY`.
    pub(crate) const fn durability(self) -> &'static str {
        if self.is_relaxed() { "process" } else { "power_loss" }
    }

    /// What opens the store at `address` within this process.
    pub(crate) fn options(self, address: &str) -> Result<StoreOptions> {
        Ok(StoreOptions {
            url: StoreUrl::parse(address)?,
            relaxed: self.is_relaxed(),
            require_durable: false,
            retention: Retention {
                traces: MONTH,
                logs: MONTH,
                series: MONTH,
                rollups: MONTH,
                max_bytes: u64::MAX,
            },
            pricing: Arc::new(Prices::embedded()),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(30),
        })
    }
}
