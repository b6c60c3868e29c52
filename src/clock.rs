//! Time and randomness, which come from here alone so that tests can move the one and fix the other.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::Utc;
use uuid::Uuid;

use crate::model::{Problem, Timestamp};

/// Tells what time it is.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The operating system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(Utc::now().timestamp_micros())
    }
}

/// A clock that stands still until it is moved: for tests, and for replaying the past.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub const fn starting_at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.micros()))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Sets it.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Makes ids from the operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ids;

impl Ids {
    /// A record's id: a UUID v7, ordered by time and, within a process, by order of making.
    #[expect(clippy::disallowed_methods, reason = "ids are made here")]
    pub fn record(self) -> String {
        Uuid::now_v7().to_string()
    }

    /// A W3C trace id: 32 hex digits.
    #[expect(clippy::disallowed_methods, reason = "ids are made here")]
    pub fn trace(self) -> String {
        Uuid::new_v4().simple().to_string()
    }

    /// A secret: bytes that nobody can guess.
    ///
    /// # Errors
    /// An operating system without randomness.
    pub fn secret<const BYTES: usize>(self) -> Result<[u8; BYTES], Problem> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(Problem::internal)?;
        Ok(bytes)
    }

    /// A W3C span id: 16 hex digits.
    pub fn span(self) -> String {
        // The half of a random UUID that holds no version digit.
        self.trace().split_off(16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_ids_have_w3c_sizes_and_records_keep_their_order() {
        assert_eq!((Ids.trace().len(), Ids.span().len()), (32, 16));
        let made: Vec<String> = (0..1_000).map(|_| Ids.record()).collect();
        assert!(made.is_sorted());
    }
}
