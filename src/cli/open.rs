//! From settings to a service on an open store.

use std::sync::Arc;
use std::time::Duration;

use super::{Failure, print};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError, Durability};
use crate::model::Problem;
use crate::prices::{self, Prices};
use crate::pushgateway::{INTERVAL, Job, Pusher};
use crate::service::{Service, ServiceOptions};
use crate::store::{self, Retention, Store, StoreOptions, StoreUrl};
use crate::telemetry::Metrics;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A service, and the store that it is on.
pub(super) struct Opened {
    pub(super) service: Arc<Service>,
    pub(super) store: Arc<dyn Store>,
    pub(super) metrics: Arc<Metrics>,
    /// The store's address, without what it takes to get in.
    pub(super) address: String,
    pub(super) options: ServiceOptions,
}

impl Opened {
    /// Begins to push to the Pushgateway, if there is one.
    pub(super) fn push(&self, config: &Config) -> Result<Option<Job>, Failure> {
        let Some(address) = &config.pushgateway else { return Ok(None) };
        let pusher = Pusher::new(Arc::clone(&self.service), address).map_err(Failure::Problem)?;
        Ok(Some(Job::start(pusher, INTERVAL)))
    }
}

/// Opens the store that `config` names.
pub(super) async fn open(config: &Config) -> Result<Opened, Failure> {
    open_with(config, store::open).await
}

/// [`open`] for a call or two, with fewer questions to the store.
pub(super) async fn open_briefly(config: &Config) -> Result<Opened, Failure> {
    open_with(config, store::open_briefly).await
}

async fn open_with(
    config: &Config,
    open: impl AsyncFnOnce(&StoreOptions) -> Result<Arc<dyn Store>, Problem>,
) -> Result<Opened, Failure> {
    let options = store_options(config)?;
    let address = options.url.to_string();
    let metrics = Arc::new(Metrics::new());
    let store = open(&options).await.map_err(Failure::Problem)?;
    let store = store::measured(store, options.url.backend(), &metrics);
    let options = ServiceOptions {
        stale_after: config.stale_after,
        address: address.clone(),
        backend: options.url.backend(),
        logs_kept: options.retention.logs,
        traces_kept: options.retention.traces,
        series_kept: options.retention.series,
        rollups_kept: options.retention.rollups,
        max_bytes: embedded(&options.url).then_some(options.retention.max_bytes),
        prices: config
            .prices
            .file
            .as_ref()
            .map_or_else(prices::about, |_| "the file of `prices.file`".into()),
        dead_letters: config.dead_letters.clone(),
        echo: config
            .echo
            .then(|| -> crate::service::Echo { Arc::new(|record| print::note(&record.to_string())) }),
        content: config.content,
        metrics: Arc::clone(&metrics),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let service = Arc::new(Service::new(Arc::clone(&store), clock, options.clone()));
    Ok(Opened { service, store, metrics, address, options })
}

pub(super) fn store_options(config: &Config) -> Result<StoreOptions, ConfigError> {
    let url = StoreUrl::parse(config.store.url.expose())
        .map_err(|problem| ConfigError { message: problem.to_string(), hint: problem.hint.clone() })?;
    let embedded = embedded(&url);
    let traces = config.retention.traces.unwrap_or(7 * DAY);
    Ok(StoreOptions {
        relaxed: config.store.durability == Durability::Process,
        require_durable: config.store.require_durable,
        retention: Retention {
            traces,
            logs: config.retention.logs.unwrap_or(if embedded { 7 * DAY } else { DAY }),
            series: config.retention.series.unwrap_or(7 * DAY),
            rollups: config.retention.rollups.unwrap_or(400 * DAY),
            max_bytes: config.retention.max_size.unwrap_or(5_000_000_000),
        },
        pricing: Arc::new(prices(config)?),
        connect_timeout: CONNECT_TIMEOUT,
        response_timeout: RESPONSE_TIMEOUT,
        url,
    })
}

const fn embedded(url: &StoreUrl) -> bool {
    matches!(url, StoreUrl::Memory | StoreUrl::Sqlite(_))
}

/// The prices that `config` names. A file is read here, whole, so that what is wrong with it is said at once.
fn prices(config: &Config) -> Result<Prices, ConfigError> {
    let list = match &config.prices.file {
        Some(path) => {
            let wrong =
                |error: String| ConfigError::new(format!("`prices.file`: {}: {error}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
            Prices::parse(&text).map_err(wrong)?
        }
        None => Prices::embedded(),
    };
    Ok(list.with_overrides(config.prices.overrides.clone()))
}

/// The problem with all that led to it, for the operator.
pub(super) fn with_causes(problem: &Problem) -> String {
    let mut message = problem.to_string();
    let mut cause = std::error::Error::source(problem);
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.ends_with(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}
