//! What runs here, and on which store.

mod answer;

pub use answer::{Counted, GetStatus, Kept, Sizes, Status, StoreStatus};

use super::{Caller, Service, within_deadline};
use crate::model::{Problem, Scope, StoreSize, Timestamp, Total};

impl Service {
    /// What runs here, and how much the caller's project holds.
    pub async fn status(&self, caller: &Caller, _: GetStatus) -> Result<Status, Problem> {
        within_deadline(async {
            let project = caller.project(Scope::Read)?;
            let size = self.store.size(project).await?;
            let (durability, options) = (self.store.durability(), &self.options);
            Ok(Status {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started: self.started.to_rfc3339(),
                uptime_seconds: (self.clock.now().micros() - self.started.micros()) / 1_000_000,
                project: project.to_string(),
                key_required: caller.grant.key_id.is_some(),
                store: StoreStatus {
                    address: options.address.clone(),
                    backend: options.backend.to_owned(),
                    durability: durability.as_str().to_owned(),
                    durability_means: durability.describe().to_owned(),
                },
                holds: size.into(),
                kept: Kept {
                    logs_seconds: options.logs_kept.as_secs(),
                    traces_seconds: options.traces_kept.as_secs(),
                    series_seconds: options.series_kept.as_secs(),
                    rollups_seconds: options.rollups_kept.as_secs(),
                    max_bytes: options.max_bytes,
                    stale_after_seconds: options.stale_after.as_secs(),
                },
                content: options.content.as_str().to_owned(),
                prices: options.prices.clone(),
                dead_letters: options.dead_letters.clone(),
            })
        })
        .await
    }
}

impl From<StoreSize> for Sizes {
    fn from(size: StoreSize) -> Self {
        let counted = |total: Total| Counted { count: total.value, exact: total.exact };
        Self {
            logs: counted(size.logs),
            spans: counted(size.spans),
            traces: counted(size.traces),
            series: counted(size.series),
            bytes: size.bytes,
            last_log: size.last_log.map(Timestamp::to_rfc3339),
            last_span: size.last_span.map(Timestamp::to_rfc3339),
        }
    }
}
