//! How many may watch at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Code, Problem};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{LiveEnd, OpenStream};

/// In all.
const MOST: usize = 1_024;

/// With one key, so that none takes all.
const MOST_OF_KEY: usize = 256;

/// The places that are taken.
#[derive(Debug, Default)]
pub(super) struct Places(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_key: HashMap<String, usize>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    taken: Arc<Mutex<Taken>>,
    key: Option<String>,
    metrics: Arc<Metrics>,
    _counted: OpenStream,
}

impl Places {
    /// Takes a place for one who bears `key`.
    pub(super) fn take(&self, key: Option<&str>, metrics: &Arc<Metrics>) -> Result<Place, Problem> {
        let mut taken = lock(&self.0);
        let of_key = key.and_then(|key| taken.by_key.get(key)).copied().unwrap_or_default();
        for (count, most, whose) in [(taken.all, MOST, "in all"), (of_key, MOST_OF_KEY, "with this key")] {
            if count >= most {
                let message = format!("{count} clients watch {whose}, the limit is {most}");
                let problem = Problem::new(Code::Overloaded, message);
                return Err(problem.exceeding(most as u64, count as u64 + 1));
            }
        }
        taken.all += 1;
        if let Some(key) = key {
            *taken.by_key.entry(key.to_owned()).or_default() += 1;
        }
        let metrics = Arc::clone(metrics);
        let counted = metrics.live_client();
        let key = key.map(ToOwned::to_owned);
        Ok(Place { taken: Arc::clone(&self.0), key, metrics, _counted: counted })
    }
}

impl Place {
    /// Counts why who had it was cut.
    pub(super) fn cut(&self, reason: LiveEnd) {
        self.metrics.live_cut(reason);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all -= 1;
        let Some(key) = &self.key else { return };
        if let Some(count) = taken.by_key.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                taken.by_key.remove(key);
            }
        }
    }
}

/// Counts that are added to and taken from are never left half-changed.
fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_for_each_key_and_given_back() {
        let (places, metrics) = (Places::default(), Arc::new(Metrics::new()));
        let take = |key: Option<&str>| places.take(key, &metrics);
        let mut held: Vec<Place> = (0..MOST_OF_KEY).map(|_| take(Some("a")).unwrap()).collect();
        let refused = take(Some("a")).unwrap_err();
        assert_eq!((refused.code, refused.limit), (Code::Overloaded, Some(MOST_OF_KEY as u64)));
        held.extend((MOST_OF_KEY..MOST).map(|_| take(None).unwrap()));
        assert_eq!(take(Some("b")).unwrap_err().limit, Some(MOST as u64));
        let counted = || metrics.counted("watchglass_live_clients")[""].to_string();
        assert_eq!(counted(), MOST.to_string());
        held.clear();
        assert!(lock(&places.0).by_key.is_empty());
        assert!(take(Some("a")).is_ok());
        assert_eq!(counted(), "0");
    }
}
