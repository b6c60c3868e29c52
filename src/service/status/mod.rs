//! What runs here, and on which store.

mod answer;

pub use answer::{GetStatus, Kept, Status, StoreStatus};

use super::{Caller, Service, within_deadline};
use crate::model::{Problem, Scope};

impl Service {
    /// What runs here, and what the caller's project takes.
    pub async fn status(&self, caller: &Caller, _: GetStatus) -> Result<Status, Problem> {
        within_deadline(async {
            let project = caller.project(Scope::Read)?;
            let durability = self.store.durability();
            let options = &self.options;
            Ok(Status {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started: self.started.to_rfc3339(),
                uptime_seconds: (self.clock.now().micros() - self.started.micros()) / 1_000_000,
                project: project.to_string(),
                store: StoreStatus {
                    address: options.address.clone(),
                    durability: durability.as_str().to_owned(),
                    durability_means: durability.describe().to_owned(),
                },
                kept: Kept {
                    logs_seconds: options.logs_kept.as_secs(),
                    traces_seconds: options.traces_kept.as_secs(),
                    rollups_seconds: options.rollups_kept.as_secs(),
                },
                content: options.content.as_str().to_owned(),
            })
        })
        .await
    }
}
