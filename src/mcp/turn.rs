//! The order of calls on one connection.
//!
//! rmcp runs every request in a task of its own, so two pipelined calls may reach the store in either
//! order, and an agent that sends `start_span` and `end_span` without waiting would be told that its
//! span does not exist. The transport therefore hands each call a [`Turn`] as it arrives, in the
//! request's extensions. A handler that writes waits for its turn, submits, and releases it:
//!
//! ```text
//! turn.wait().await;
//! let stored = queue.submit(record); // joins the queue here, in order
//! turn.release();                    // the next call may submit
//! stored.await                       // the commit itself is shared
//! ```
//!
//! A handler that only reads releases at once. Whoever forgets, fails or is cancelled drops the turn,
//! which releases it too: no call can block those behind it for good.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Gives out turns; one per connection.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Mutex<Line>>);

impl Turns {
    /// The turn of a call that arrives now, behind all that were given out before.
    pub fn next(&self) -> Turn {
        let mut line = lock(&self.0);
        let number = line.first + line.waiting.len() as u64;
        let called = Arc::new(Notify::new());
        line.waiting.push_back(Some(Arc::clone(&called)));
        Turn(Arc::new(Place { turns: self.clone(), number, called }))
    }
}

/// A call's place in the order of its connection; clones share it.
#[derive(Clone)]
pub struct Turn(Arc<Place>);

impl Turn {
    /// Returns once every earlier turn is released.
    pub async fn wait(&self) {
        let called = self.0.called.notified();
        tokio::pin!(called);
        // Listen before looking, so that a call in between is not missed.
        called.as_mut().enable();
        if !self.0.has_come() {
            called.await;
        }
    }

    /// Lets the next call go on; a second release does nothing.
    pub fn release(&self) {
        self.0.release();
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Turn").field(&self.0.number).finish()
    }
}

struct Place {
    turns: Turns,
    number: u64,
    called: Arc<Notify>,
}

impl Place {
    fn has_come(&self) -> bool {
        self.number <= lock(&self.turns.0).first
    }

    fn release(&self) {
        let mut line = lock(&self.turns.0);
        let Some(index) = self.number.checked_sub(line.first) else { return };
        if let Some(place) = usize::try_from(index).ok().and_then(|index| line.waiting.get_mut(index)) {
            *place = None;
        }
        line.call_first();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.release();
    }
}

#[derive(Debug, Default)]
struct Line {
    /// The number of the turn at the front of `waiting`.
    first: u64,
    /// `None` is a turn released before it came: it must still be waited through.
    waiting: VecDeque<Option<Arc<Notify>>>,
}

impl Line {
    fn call_first(&mut self) {
        while let Some(None) = self.waiting.front() {
            self.waiting.pop_front();
            self.first += 1;
        }
        if let Some(Some(called)) = self.waiting.front() {
            called.notify_waiters();
        }
    }
}

/// No code that holds the lock can panic half-way, so a poisoned line is a sound one.
fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use proptest::prelude::*;

    use super::*;

    fn has_come(turn: &Turn) -> bool {
        turn.wait().now_or_never().is_some()
    }

    #[test]
    fn the_first_goes_at_once_and_the_second_after_it() {
        let turns = Turns::default();
        let (first, second) = (turns.next(), turns.next());
        assert!(has_come(&first));
        assert!(!has_come(&second));
        first.release();
        assert!(has_come(&second));
    }

    #[test]
    fn a_dropped_turn_is_a_released_one() {
        let turns = Turns::default();
        let (first, second) = (turns.next(), turns.next());
        let clone = first.clone();
        drop(first);
        assert!(!has_come(&second));
        drop(clone);
        assert!(has_come(&second));
    }

    #[test]
    fn leaving_early_does_not_let_the_next_overtake() {
        let turns = Turns::default();
        let (first, second, third) = (turns.next(), turns.next(), turns.next());
        drop(second);
        assert!(!has_come(&third));
        first.release();
        first.release();
        assert!(has_come(&third));
    }

    #[tokio::test]
    async fn a_waiting_call_is_woken() {
        let turns = Turns::default();
        let (first, second) = (turns.next(), turns.next());
        let waiting = tokio::spawn(async move { second.wait().await });
        tokio::task::yield_now().await;
        first.release();
        waiting.await.unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn whoever_is_cancelled_the_others_go_in_order(
            cancelled in proptest::collection::vec(any::<bool>(), 1..200),
            yields in proptest::collection::vec(0_usize..4, 200),
        ) {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
            let done = runtime.block_on(async {
                let turns = Turns::default();
                let done = Arc::new(Mutex::new(Vec::new()));
                let calls: Vec<_> = cancelled.iter().zip(yields).enumerate().map(|(number, (cancelled, yields))| {
                    let (turn, done) = (turns.next(), Arc::clone(&done));
                    let call = tokio::spawn(async move {
                        for _ in 0..yields {
                            tokio::task::yield_now().await;
                        }
                        turn.wait().await;
                        done.lock().unwrap().push(number);
                        turn.release();
                    });
                    if *cancelled {
                        call.abort();
                    }
                    call
                }).collect();
                for (call, cancelled) in calls.into_iter().zip(&cancelled) {
                    let result = call.await;
                    assert!(*cancelled || result.is_ok());
                }
                Arc::try_unwrap(done).unwrap().into_inner().unwrap()
            });
            prop_assert!(done.is_sorted());
            prop_assert!(done.len() >= cancelled.iter().filter(|cancelled| !**cancelled).count());
        }
    }
}
