//! Who gets in over a network: keys, and how they are asked for.
//!
//! Keys live in the store, so every copy of the server knows them; each copy holds a snapshot of them that
//! is never older than a few seconds, and decides from that without waiting for the store.

mod administer;
mod snapshot;
#[cfg(test)]
mod tests;
mod throttle;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::administer::NewKey;
use self::snapshot::{Snapshot, equal};
use self::throttle::Throttle;
use super::Service;
use crate::clock::Clock;
use crate::model::{ApiKey, Code, Grant, Problem, Scope, Timestamp, digest};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::AuthFailure;

/// How often the store is asked for its keys.
const REFRESH: Duration = Duration::from_secs(2);
/// How old a snapshot may be; a revoked key is refused by then, whatever has become of the store.
const STALE: Duration = Duration::from_secs(5);
/// How exactly it is noted when a key was last used.
const USE_NOTED: Duration = Duration::from_secs(60);

/// How keys are asked for.
#[derive(Clone, Default)]
pub struct AccessOptions {
    /// Whether a key is asked for even before one exists.
    pub always: bool,
    /// Keys besides those of the store, with the names of their ids; all are the default project's.
    pub environment: Vec<(SecretString, Scope)>,
}

/// Tells who may do what.
pub struct Access {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    always: bool,
    /// Digests of the environment's keys, and what they give.
    environment: Vec<(String, Grant)>,
    metrics: Arc<Metrics>,
    snapshot: watch::Sender<Snapshot>,
    throttle: Throttle,
    noted: Mutex<HashMap<String, Timestamp>>,
}

impl Service {
    /// What decides who gets in to this service over a network.
    ///
    /// # Errors
    /// A store whose keys can't be read.
    pub async fn access(&self, options: AccessOptions) -> Result<Arc<Access>, Problem> {
        let asked = Instant::now();
        let keys = self.store.keys().await?;
        let grant = |scope: Scope| Grant {
            scopes: [scope].into_iter().collect(),
            key_id: Some(format!("environment-{scope}")),
            ..Grant::local()
        };
        let environment = options.environment.into_iter();
        Ok(Arc::new(Access {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            always: options.always,
            environment: environment
                .map(|(key, scope)| (digest([key.expose_secret()]), grant(scope)))
                .collect(),
            metrics: Arc::clone(&self.options.metrics),
            snapshot: watch::Sender::new(Snapshot::of(keys, asked)),
            throttle: Throttle::default(),
            noted: Mutex::default(),
        }))
    }
}

impl Access {
    /// The grant of whoever shows the key `presented` from the address `client`.
    ///
    /// # Errors
    /// No key where one is asked for; one that is not valid, in the same words whatever is wrong with it; too many of
    /// those; and keys that could not be looked at for so long that one may have been revoked.
    pub async fn admit(&self, presented: Option<&str>, client: IpAddr) -> Result<Grant, Problem> {
        let mut snapshot = self.snapshot.borrow().clone();
        if !self.asks(&snapshot) {
            match self.first_key(presented, client).await {
                Some(first) => snapshot = first,
                None => return Ok(Grant::local()),
            }
        }
        let Some(presented) = presented else {
            self.metrics.auth_failed(AuthFailure::Missing);
            return Err(Problem::new(Code::Unauthenticated, "a key is asked for")
                .hint("send it as `Authorization: Bearer KEY`; `watchglass key create` makes one"));
        };
        let is_unsure = snapshot.had_keys() && snapshot.age() > STALE;
        // Those of the environment can't be revoked, and whoever scrapes must see that the store is away.
        if is_unsure && self.of_environment(presented).is_none() {
            return Err(Problem::new(Code::StorageUnavailable, "keys can't be checked, the store is away"));
        }
        if let Some(grant) = self.grant(&snapshot, presented) {
            self.note_use(&grant);
            return Ok(grant);
        }
        if !self.throttle.allows(client, presented) {
            self.metrics.auth_failed(AuthFailure::Throttled);
            return Err(Problem::new(Code::RateLimited, "too many wrong keys"));
        }
        // It may be so new that only the store knows it.
        let grant = match self.refresh().await {
            Ok(snapshot) => self.grant(&snapshot, presented),
            Err(_) => None,
        };
        grant.ok_or_else(|| {
            self.metrics.auth_failed(AuthFailure::Invalid);
            self.throttle.failed(client, presented);
            Problem::new(Code::Unauthenticated, "the key is not valid")
                .hint("`watchglass key list` shows those that are")
        })
    }

    /// Whether there is a key that lets somebody in.
    pub fn has_keys(&self) -> bool {
        !self.environment.is_empty() || self.snapshot.borrow().has_valid(self.clock.now())
    }

    /// The grant of whoever shows `presented`, as far as it is known without asking the store; nobody is refused.
    pub fn recognise(&self, presented: Option<&str>) -> Option<Grant> {
        let snapshot = self.snapshot.borrow();
        if self.asks(&snapshot) { self.grant(&snapshot, presented?) } else { Some(Grant::local()) }
    }

    /// Returns once `grant` is not good any more: its key was revoked or has expired, or it was given without a key
    /// and now one is asked for.
    pub async fn until_revoked(&self, grant: &Grant) {
        let mut snapshots = self.snapshot.subscribe();
        loop {
            if !self.holds(&snapshots.borrow_and_update(), grant) {
                return;
            }
            // The sender lives as long as this does.
            if snapshots.changed().await.is_err() {
                return;
            }
        }
    }

    /// Keeps the snapshot fresh, until it is dropped.
    pub async fn keep_fresh(self: Arc<Self>) {
        loop {
            tokio::time::sleep(REFRESH).await;
            if let Err(problem) = self.refresh().await {
                tracing::debug!(code = problem.code.as_str(), %problem, "keys could not be read");
            }
        }
    }

    async fn refresh(&self) -> Result<Snapshot, Problem> {
        let asked = Instant::now();
        let answer = Snapshot::of(self.store.keys().await?, asked);
        self.snapshot.send_modify(|held| *held = held.clone().or_later(answer));
        Ok(self.snapshot.borrow().clone())
    }

    /// The keys, if `presented` tells of the first one: it may have been made a moment ago.
    async fn first_key(&self, presented: Option<&str>, client: IpAddr) -> Option<Snapshot> {
        let presented = presented.filter(|text| ApiKey::parse(text).is_some())?;
        if !self.throttle.allows(client, presented) {
            return None;
        }
        let found = self.refresh().await.ok().filter(|snapshot| self.asks(snapshot));
        if found.is_none() {
            self.throttle.failed(client, presented);
        }
        found
    }

    /// Once there was a key, one is asked for: that it was revoked opens nothing, nor that the store has lost it.
    fn asks(&self, snapshot: &Snapshot) -> bool {
        self.always || !self.environment.is_empty() || snapshot.had_keys()
    }

    /// What `presented` gives. Every comparison is made, whatever is found, in the same time.
    fn grant(&self, snapshot: &Snapshot, presented: &str) -> Option<Grant> {
        let found = snapshot.find(presented, self.clock.now());
        self.of_environment(presented).or(found)
    }

    /// What `presented` gives as a key of the environment.
    fn of_environment(&self, presented: &str) -> Option<Grant> {
        let presented = digest([presented]);
        let held = self.environment.iter();
        held.fold(None, |found, (key, grant)| if equal(key, &presented) { Some(grant) } else { found })
            .cloned()
    }

    fn is_of_environment(&self, id: &str) -> bool {
        self.environment.iter().any(|(_, grant)| grant.key_id.as_deref() == Some(id))
    }

    fn holds(&self, snapshot: &Snapshot, grant: &Grant) -> bool {
        match &grant.key_id {
            None => !self.asks(snapshot),
            Some(id) => self.is_of_environment(id) || snapshot.is_valid(id, self.clock.now()),
        }
    }

    /// Notes now and then that a key of the store was used; nobody waits for that.
    fn note_use(&self, grant: &Grant) {
        let Some(id) = grant.key_id.clone().filter(|id| !self.is_of_environment(id)) else { return };
        let now = self.clock.now();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&id).is_some_and(|at| now < at.plus(USE_NOTED)) {
            return;
        }
        noted.insert(id.clone(), now);
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(problem) = store.touch_key(&id, now).await {
                tracing::debug!(code = problem.code.as_str(), "the use of a key could not be noted");
            }
        });
    }
}
