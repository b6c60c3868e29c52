//! The feed of a project: what this process writes, as it is committed, and what others write, as it is found.
//!
//! One task for a project puts events into its ring, and runs as long as somebody watches. It is told of this process's
//! records and never waited for: what it can't be told at once it finds in the store, where it looks for what others
//! have written. What it has seen it knows by its key, so that each event comes once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::event::{Gap, Happening, LiveEvent};
use super::filter::Filter;
use super::look::{Found, look};
use super::mark::{Key, Mark};
use super::ring::Ring;
use crate::clock::Clock;
use crate::model::{Problem, ProjectId, Timestamp, Written};
use crate::service::rounds::Rounds;
use crate::service::within_deadline;
use crate::store::Store;

/// How often the feed looks for what others have written.
const INTERVAL: Duration = Duration::from_millis(500);

/// A look that took long is followed by a rest of so many times as long, so that it costs the store a fifth at most.
const REST: u32 = 4;

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// How much later than its time says a record may be committed. Other processes' clocks may be off by less.
pub(super) const OVERLAP: Duration = Duration::from_secs(3);

/// How far in the future a record may lie by this process's clock.
pub(super) const AHEAD: Duration = Duration::from_secs(60 * 60);

/// How much longer a record is known than it can be found again: who is told of it late may tell of it late.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Records that the feed can be told of before it takes them.
const TOLD: usize = 1_024;

/// What a feed stands on.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) project: ProjectId,
}

/// What is there when a feed begins. It is not shown, and what is committed later with an older time is told from it.
pub(super) struct Before {
    known: HashMap<Key, Timestamp>,
    mark: Mark,
}

impl Before {
    /// What is there now.
    pub(super) async fn look(source: &Source) -> Result<Self, Problem> {
        let now = source.clock.now();
        let since = now.minus(OVERLAP);
        let found = look(&*source.store, &source.project, &Filter::all(), (since, now.plus(AHEAD))).await?;
        let (mut mark, mut known) = (Mark::new(since), HashMap::new());
        for happening in found.happenings {
            let (Some(time), key) = (happening.time(), happening.key()) else { continue };
            mark.show(time, key);
            known.insert(key, time);
        }
        if let Some(complete_since) = found.complete_since {
            mark.settle(complete_since);
        }
        Ok(Self { known, mark })
    }
}

/// A feed that runs until it is dropped.
pub(in crate::service) struct Feed {
    pub(super) source: Source,
    ring: Arc<RwLock<Ring>>,
    grown: watch::Receiver<u64>,
    told: mpsc::Sender<Happening>,
    task: AbortHandle,
    /// How many feeds there are.
    running: Arc<AtomicUsize>,
}

impl Feed {
    /// Goes on from what is there `before`. `running` counts the feeds there are.
    pub(super) fn start(source: Source, before: Before, running: Arc<AtomicUsize>) -> Self {
        let Before { known, mark } = before;
        let ring = Arc::new(RwLock::new(Ring::new(mark.encode(), mark.settled())));
        let (told, listening) = mpsc::channel(TOLD);
        let (growing, grown) = watch::channel(0);
        let rounds = Rounds::new("what other processes write could not be looked for");
        let keeper = Keeper { source: source.clone(), ring: Arc::clone(&ring), growing, known, mark, rounds };
        let task = tokio::spawn(keeper.run(listening)).abort_handle();
        running.fetch_add(1, Ordering::Relaxed);
        Self { source, ring, grown, told, task, running }
    }

    /// The ring as it is.
    pub(super) fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes when the ring grows; closed if the feed has failed.
    pub(super) fn grown(&self) -> watch::Receiver<u64> {
        self.grown.clone()
    }

    /// Tells of a record that was committed, unless it is the answer to a call that was repeated: `taken` is when
    /// this one was taken. Whoever writes does not wait.
    pub(in crate::service) fn committed(&self, written: &Written, taken: Timestamp) {
        match written {
            Written::Log(log) if log.timestamp == taken => self.tell(Happening::Log(log.clone())),
            Written::SpanStarted(span) if span.start_time == taken => {
                self.tell(Happening::SpanStart(span.clone()));
            }
            Written::SpanEnded { span, already_ended: false } => self.tell(Happening::SpanEnd(span.clone())),
            _ => {}
        }
    }

    /// Tells of what has happened. Where there is no room it will be found in the store.
    pub(super) fn tell(&self, happening: Happening) {
        self.told.try_send(happening).ok();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        self.task.abort();
    }
}

/// What fills the ring.
struct Keeper {
    source: Source,
    ring: Arc<RwLock<Ring>>,
    growing: watch::Sender<u64>,
    /// What was seen and could be found again, with its time.
    known: HashMap<Key, Timestamp>,
    mark: Mark,
    rounds: Rounds,
}

impl Keeper {
    async fn run(mut self, mut listening: mpsc::Receiver<Happening>) {
        let mut told = Vec::new();
        let looking = self.look_after(INTERVAL);
        tokio::pin!(looking);
        loop {
            tokio::select! {
                count = listening.recv_many(&mut told, TOLD) => {
                    if count == 0 {
                        return;
                    }
                    self.add(told.drain(..));
                }
                (looked, took, found) = &mut looking => {
                    self.found(looked, found);
                    looking.set(self.look_after((took * REST).clamp(INTERVAL, LONGEST_REST)));
                }
            }
        }
    }

    /// A look after a rest; gives when it began, how long it took and what it found.
    fn look_after(
        &self,
        rest: Duration,
    ) -> impl Future<Output = (Timestamp, Duration, Result<Found, Problem>)> + use<> {
        let (source, since) = (self.source.clone(), self.mark.settled());
        async move {
            tokio::time::sleep(rest).await;
            let (looked, started) = (source.clock.now(), Instant::now());
            let (all, until) = (Filter::all(), looked.plus(AHEAD));
            let found = look(&*source.store, &source.project, &all, (since, until));
            (looked, started.elapsed(), within_deadline(found).await)
        }
    }

    /// Takes what a look that began at `looked` has found.
    fn found(&mut self, looked: Timestamp, found: Result<Found, Problem>) {
        let mut found = match found {
            Ok(found) => found,
            Err(problem) => {
                self.rounds.ended(Err(problem));
                return;
            }
        };
        found.happenings.retain(|happening| !self.known.contains_key(&happening.key()));
        found.shorten();
        // Where all was known it was this process that wrote so much, and told of it.
        if let Some(complete_since) = found.complete_since.filter(|_| !found.happenings.is_empty()) {
            let since = self.mark.settled().to_rfc3339();
            let gap = Happening::Gap(Gap { since, until: complete_since.to_rfc3339() });
            self.push([Arc::new(LiveEvent::new(gap, None))]);
        }
        let added = self.add(found.happenings.into_iter());
        self.rounds.ended(Ok(added));
        self.mark.settle(looked.minus(OVERLAP));
        let settled = self.mark.settled();
        let forgotten = settled.minus(REMEMBERED);
        self.known.retain(|_, time| *time >= forgotten);
        let mark = self.mark.encode();
        self.write().mark(mark, settled);
    }

    /// Adds what is not known yet; tells how much that was.
    fn add(&mut self, happenings: impl Iterator<Item = Happening>) -> u64 {
        let mut events = Vec::new();
        for happening in happenings {
            let (Some(time), key) = (happening.time(), happening.key()) else { continue };
            if self.known.insert(key, time).is_none() {
                self.mark.show(time, key);
                events.push(Arc::new(LiveEvent::new(happening, Some(self.mark.encode()))));
            }
        }
        let added = events.len() as u64;
        if added > 0 {
            self.push(events);
        }
        added
    }

    fn push(&self, events: impl IntoIterator<Item = Arc<LiveEvent>>) {
        let mut ring = self.write();
        events.into_iter().for_each(|event| ring.push(event));
        ring.mark(self.mark.encode(), self.mark.settled());
        let end = ring.end();
        drop(ring);
        self.growing.send_replace(end);
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }
}
