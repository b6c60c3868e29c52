//! The keys, as they were a moment ago.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::model::{ApiKey, Grant, Key, Timestamp};

/// Stands in for the hash of a key that there is not, so that looking takes as long. Nothing has this hash.
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Every key of the store, those revoked too.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    keys: Arc<HashMap<String, Key>>,
    /// Whether there is a key, or was one before.
    had_keys: bool,
    taken: Instant,
}

impl Snapshot {
    /// What the store told when it was asked at the time `taken`.
    pub(super) fn of(keys: Vec<Key>, taken: Instant) -> Self {
        let keys: HashMap<_, _> = keys.into_iter().map(|key| (key.id.clone(), key)).collect();
        Self { had_keys: !keys.is_empty(), keys: Arc::new(keys), taken }
    }

    /// The later one of the two: of two answers of the store the older one may come last. A store that has lost its
    /// keys does not open the server.
    pub(super) fn or_later(self, other: Self) -> Self {
        let had_keys = self.had_keys || other.had_keys;
        let later = if other.taken < self.taken { self } else { other };
        Self { had_keys, ..later }
    }

    pub(super) const fn had_keys(&self) -> bool {
        self.had_keys
    }

    pub(super) fn has_valid(&self, now: Timestamp) -> bool {
        self.keys.values().any(|key| key.is_valid(now))
    }

    pub(super) fn age(&self) -> Duration {
        self.taken.elapsed()
    }

    /// What the key `presented` gives; nothing if it is unknown, wrong, revoked or has expired.
    pub(super) fn find(&self, presented: &str, now: Timestamp) -> Option<Grant> {
        let presented = ApiKey::parse(presented);
        let key = presented.as_ref().and_then(|presented| self.keys.get(&presented.id));
        let hash = presented.map_or_else(|| NOBODY.to_owned(), |presented| presented.secret_hash());
        let is_right = equal(&hash, key.map_or(NOBODY, |key| key.secret_hash.as_str()));
        let key = key.filter(|key| is_right && key.is_valid(now))?;
        Some(Grant { project: key.project.clone(), scopes: key.scopes, key_id: Some(key.id.clone()) })
    }

    pub(super) fn is_valid(&self, id: &str, now: Timestamp) -> bool {
        self.keys.get(id).is_some_and(|key| key.is_valid(now))
    }
}

#[cfg(test)]
thread_local! {
    /// How often this thread has compared digests.
    pub(super) static COMPARISONS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Whether two digests are equal, in a time that tells nothing of them.
pub(super) fn equal(one: &str, other: &str) -> bool {
    #[cfg(test)]
    COMPARISONS.with(|comparisons| comparisons.set(comparisons.get() + 1));
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
