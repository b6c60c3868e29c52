//! A service on a store of its own in memory, for the tests of this layer and those above.

use std::sync::Arc;
use std::time::Duration;

use super::{Access, AccessOptions, Service, ServiceOptions};
use crate::clock::{Clock, SystemClock};
use crate::model::Unpriced;
use crate::store::{self, Retention, Store, StoreOptions, StoreUrl};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A store that nothing else knows.
pub(crate) async fn memory() -> Arc<dyn Store> {
    let options = StoreOptions {
        url: StoreUrl::Memory,
        relaxed: false,
        require_durable: false,
        retention: Retention {
            traces: WEEK,
            logs: WEEK,
            series: WEEK,
            rollups: 57 * WEEK,
            max_bytes: u64::MAX,
        },
        pricing: Arc::new(Unpriced),
        connect_timeout: Duration::from_secs(1),
        response_timeout: Duration::from_secs(1),
    };
    store::open(&options).await.unwrap()
}

/// A service on it.
pub(crate) async fn service() -> Service {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Service::new(memory().await, clock, ServiceOptions::default())
}

/// What lets in everyone, to a store without keys.
pub(crate) async fn access() -> Arc<Access> {
    service().await.access(AccessOptions::default()).await.unwrap()
}
