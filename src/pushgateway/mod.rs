//! Pushing the agents' metrics to a Pushgateway, for whom no scraper can reach.
//!
//! What is pushed is the whole state of the default project as it stands in the store, with `PUT`: so a count that a
//! gateway missed while it was down is in the next push, and a gateway that forgot everything has everything again.
//!
//! **Invariant:** the state is read and put under one lease, so that of two processes the one that read first also
//! puts first, and no older state is left over a newer one. A push that ends in a time-out keeps the lease until it
//! runs out, because the gateway may still be at work on it.

mod gateway;
mod job;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

pub use gateway::Gateway;
pub use job::{INTERVAL, Job};

use crate::config;
use crate::exposition::{Family, Format, encode, families};
use crate::model::{Problem, Series};
use crate::service::{Caller, RecordMetric, Service};
use crate::telemetry::metrics::Push;

/// Pushes of one-shot calls that failed; those of longer processes are in their own metrics.
const CALL_FAILURES: &str = "watchglass_pushgateway_call_failures_total";
/// Held while the state is read and put.
const LEASE: &str = "pushgateway";
/// Longer than reading and putting may take together.
const LEASE_HELD: Duration = Duration::from_secs(5);
/// How long reading the state may take.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// How long putting it may take, connecting included.
const PUT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait for others to end their push.
const PATIENCE: Duration = Duration::from_secs(2);
/// A pause between two looks at the lease: about as long as a push takes.
const PAUSE: Duration = Duration::from_millis(5);

/// One push that did not succeed: what to count it under, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it is counted under.
    pub result: Push,
    /// Why, for the operator.
    pub reason: String,
}

impl Failure {
    fn store(problem: &Problem) -> Self {
        Self { result: Push::Store, reason: format!("the store can't be read: {problem}") }
    }
}

/// Pushes what one store holds to one gateway.
pub struct Pusher {
    service: Arc<Service>,
    gateway: Gateway,
    /// The name under which this process holds leases.
    holder: String,
    /// Names that the gateway has for something else.
    taken: Mutex<BTreeSet<String>>,
}

impl Pusher {
    /// A pusher to the gateway at `address`.
    ///
    /// # Errors
    /// A client for it can't be made.
    pub fn new(service: Arc<Service>, address: &config::Pushgateway) -> Result<Self, Problem> {
        service.metrics().will_push();
        let holder = service.holder();
        Ok(Self { service, gateway: Gateway::new(address)?, holder, taken: Mutex::default() })
    }

    /// Pushes what the store holds now, and counts it. Whoever else is pushing is waited for, but not for long.
    ///
    /// # Errors
    /// The gateway does not have the state. Nothing is logged.
    pub async fn push(&self) -> Result<(), Failure> {
        let pushed = self.push_in_turn().await;
        let result = pushed.as_ref().map_or_else(|failure| failure.result, |()| Push::Success);
        self.service.metrics().pushed(result, self.service.now());
        pushed
    }

    async fn push_in_turn(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while !self.lease(LEASE_HELD).await? {
            if Instant::now() >= deadline {
                let reason = "another process was pushing all the time".to_owned();
                return Err(Failure { result: Push::Busy, reason });
            }
            sleep(PAUSE).await;
        }
        let pushed = match self.state().await {
            Ok(series) => self.put(&series).await,
            Err(failure) => Err(failure),
        };
        if !matches!(&pushed, Err(failure) if failure.result == Push::Timeout)
            && let Err(failure) = self.lease(Duration::ZERO).await
        {
            // It runs out by itself.
            tracing::debug!(failure.reason, "the lease can't be given up");
        }
        pushed
    }

    async fn lease(&self, held: Duration) -> Result<bool, Failure> {
        self.service.lease(LEASE, &self.holder, held).await.map_err(|problem| Failure::store(&problem))
    }

    /// Puts the series under their names, or, where the gateway has something else of such a name, under another: one
    /// name must not cost all the others.
    async fn put(&self, series: &[Series]) -> Result<(), Failure> {
        let attempts = async {
            loop {
                let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let families = families(series, &taken);
                let put = self.gateway.put(encode(&families, Format::Text)).await;
                let Err(Failure { result: Push::Refused, reason }) = &put else { return put };
                let clashes = names_in(reason, &families);
                if clashes.is_empty() {
                    return put;
                }
                tracing::debug!(?clashes, "the gateway has other metrics of these names");
                self.taken.lock().unwrap_or_else(PoisonError::into_inner).extend(clashes);
            }
        };
        let late = || Failure { result: Push::Timeout, reason: "it did not answer in time".to_owned() };
        timeout(PUT_TIMEOUT, attempts).await.unwrap_or_else(|_| Err(late()))
    }

    async fn state(&self) -> Result<Vec<Series>, Failure> {
        let caller = Caller::default();
        let series = timeout(READ_TIMEOUT, self.service.series(&caller)).await;
        match series {
            Ok(Ok(series)) => Ok(series),
            Ok(Err(problem)) => Err(Failure::store(&problem)),
            Err(_) => Err(Failure { result: Push::Store, reason: "the store did not answer in time".into() }),
        }
    }
}

/// The names of families that a refusal speaks of.
fn names_in(reason: &str, families: &[Family]) -> Vec<String> {
    let is_of_name =
        |character: char| character.is_ascii_alphanumeric() || character == '_' || character == ':';
    let words: BTreeSet<&str> = reason.split(|character| !is_of_name(character)).collect();
    families
        .iter()
        .filter(|family| words.contains(family.name.as_str()))
        .map(|family| family.name.clone())
        .collect()
}

/// What a process does that ends once its one call is answered: pushes, and lets nobody wait or worry if that fails.
/// A count that was not pushed is in the store and so in the next push, whoever makes it.
pub async fn after_write(service: &Arc<Service>, address: Option<&config::Pushgateway>) {
    let Some(address) = address else { return };
    let pushed = match Pusher::new(Arc::clone(service), address) {
        Ok(pusher) => pusher.push().await,
        Err(problem) => Err(Failure { result: Push::Unreachable, reason: problem.to_string() }),
    };
    if let Err(failure) = pushed {
        tracing::debug!(gateway = %address, reason = failure.reason, "the metrics were not pushed");
        // A store that does not answer would let the call wait once more.
        if failure.result != Push::Store {
            count(service, failure.result).await;
        }
    }
}

/// Counts a push that failed where it outlives the process: among the series, which is also how the next push that
/// works tells of it.
async fn count(service: &Service, result: Push) {
    let failure = RecordMetric {
        metric_name: CALL_FAILURES.to_owned(),
        value: 1.into(),
        labels: Some(json!({ "reason": result.as_str() })),
        kind: Some("counter".to_owned()),
        idempotency_key: None,
    };
    let counted = async { service.record_metric(&Caller::default(), failure).await?.await };
    if let Err(problem) = counted.await {
        tracing::debug!(%problem, "a failed push could not be counted");
    }
}
