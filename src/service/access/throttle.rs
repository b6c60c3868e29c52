//! Wrong keys, counted by who sends them and by which key they guess at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::ApiKey;

/// Wrong keys that one address may send in a [`WINDOW`].
const PER_ADDRESS: u32 = 20;
/// Wrong secrets that one key's id may be tried with in a [`WINDOW`].
const PER_KEY: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);
/// What is remembered at most; beyond it all is forgotten, which lets some try again early.
const MAX_REMEMBERED: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Suspect {
    Address(IpAddr),
    Key(String),
}

/// Slows down whoever guesses. A right key is let in meanwhile: nobody locks others out by guessing.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Suspect, (Instant, u32)>>);

impl Throttle {
    /// Whether another wrong key from there would still be looked at.
    pub(super) fn allows(&self, client: IpAddr, presented: &str) -> bool {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        suspects(client, presented).all(|(suspect, limit)| {
            failures.get(&suspect).is_none_or(|(since, count)| *count < limit || since.elapsed() > WINDOW)
        })
    }

    /// Remembers a wrong key.
    pub(super) fn failed(&self, client: IpAddr, presented: &str) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_REMEMBERED {
            failures.clear();
        }
        for (suspect, _) in suspects(client, presented) {
            let (since, count) = failures.entry(suspect).or_insert_with(|| (Instant::now(), 0));
            if since.elapsed() > WINDOW {
                (*since, *count) = (Instant::now(), 0);
            }
            *count += 1;
        }
    }
}

fn suspects(client: IpAddr, presented: &str) -> impl Iterator<Item = (Suspect, u32)> {
    let key = ApiKey::parse(presented).map(|key| (Suspect::Key(key.id), PER_KEY));
    key.into_iter().chain([(Suspect::Address(client), PER_ADDRESS)])
}
