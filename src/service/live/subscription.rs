//! One who watches: a place in the ring, and before that what was missed.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use futures::{Stream, stream};
use tokio::sync::watch;

use super::event::{End, Gap, Happening, LiveEvent};
use super::feed::{AHEAD, Feed, OVERLAP};
use super::filter::Filter;
use super::look::look;
use super::mark::{Key, Mark};
use super::places::Place;
use super::ring::Next;
use crate::model::{Problem, Timestamp};
use crate::telemetry::metrics::LiveEnd;

/// Events as they happen, for one who watches.
pub struct Subscription {
    feed: Arc<Feed>,
    grown: watch::Receiver<u64>,
    filter: Filter,
    /// What was missed.
    past: VecDeque<Arc<LiveEvent>>,
    /// What is among it and may come up in the ring again.
    doubles: HashSet<Key>,
    /// The latest instant among it.
    past_until: Timestamp,
    /// The place in the ring.
    next: u64,
    ended: bool,
    place: Place,
}

impl Subscription {
    /// What happens from now on.
    pub(super) fn new(feed: Arc<Feed>, filter: Filter, place: Place) -> Self {
        let (grown, next) = (feed.grown(), feed.ring().end());
        Self {
            feed,
            grown,
            filter,
            past: VecDeque::new(),
            doubles: HashSet::new(),
            past_until: Timestamp::from_micros(0),
            next,
            ended: false,
            place,
        }
    }

    /// Goes back to where a client was that has seen what the mark `id` says.
    pub(super) async fn resume(&mut self, id: &str) -> Result<(), Problem> {
        let mut mark = Mark::decode(id)?;
        let settled = {
            let ring = self.feed.ring();
            if let Some(place) = ring.behind(id) {
                self.next = place;
                return Ok(());
            }
            ring.settled()
        };
        let source = &self.feed.source;
        let (since, now) = (mark.settled(), source.clock.now());
        // What is put into the ring from here on follows what is read now.
        let range = (since, now.plus(AHEAD));
        let mut found = look(&*source.store, &source.project, &self.filter, range).await?;
        for happening in &found.happenings {
            // The ring may be late with it, also with what was seen elsewhere. So that it is not, it is told.
            if let Some(time) = happening.time().filter(|time| *time >= settled) {
                self.doubles.insert(happening.key());
                self.past_until = self.past_until.max(time);
                self.feed.tell(happening.clone());
            }
        }
        found.happenings.retain(|happening| !mark.names(happening.key()));
        found.shorten();
        if let Some(until) = found.complete_since {
            let gap = Gap { since: since.to_rfc3339(), until: until.to_rfc3339() };
            self.past.push_back(Arc::new(LiveEvent::new(Happening::Gap(gap), None)));
        }
        for happening in found.happenings {
            let (Some(time), key) = (happening.time(), happening.key()) else { continue };
            mark.show(time, key);
            mark.settle(time.min(now.minus(OVERLAP)));
            self.past.push_back(Arc::new(LiveEvent::new(happening, Some(mark.encode()))));
        }
        Ok(())
    }

    /// The next event, as soon as there is one; `None` after the last, which says why it is the last. A future that
    /// is dropped takes nothing with it.
    pub async fn next(&mut self) -> Option<Arc<LiveEvent>> {
        loop {
            if let Some(event) = self.past.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            self.grown.mark_unchanged();
            let next = self.feed.ring().at(self.next);
            match next {
                Next::Event(event) => {
                    self.next += 1;
                    if !self.doubles.remove(&event.key()) && self.filter.matches(event.happening()) {
                        return Some(event);
                    }
                }
                Next::Gone(missed) => return Some(self.end(LiveEnd::Behind, Some(missed))),
                Next::Nothing => {
                    self.forget_doubles();
                    if self.grown.changed().await.is_err() {
                        return Some(self.end(LiveEnd::Failed, None));
                    }
                }
            }
        }
    }

    /// Ends it for a reason that lies outside; what is to be said last.
    pub fn stop(&mut self, reason: LiveEnd) -> Arc<LiveEvent> {
        self.past.clear();
        self.end(reason, None)
    }

    /// Notes that the client was cut off, and can't be told.
    pub fn was_cut_off(&self) {
        self.place.cut(LiveEnd::Stalled);
    }

    /// What a client resumes by that has received all there is; `None` while there is more.
    pub fn mark(&self) -> Option<Arc<str>> {
        let ring = self.feed.ring();
        (self.past.is_empty() && ring.end() == self.next).then(|| ring.marked())
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Arc<LiveEvent>> + Send {
        stream::unfold(self, |mut subscription| async move {
            let event = subscription.next().await?;
            Some((event, subscription))
        })
    }

    fn end(&mut self, reason: LiveEnd, missed: Option<u64>) -> Arc<LiveEvent> {
        self.ended = true;
        self.place.cut(reason);
        let end = End { reason: reason.as_str().to_owned(), missed };
        Arc::new(LiveEvent::new(Happening::End(end), None))
    }

    /// Once the feed has looked past what was read, nothing of it comes up again.
    fn forget_doubles(&mut self) {
        if !self.doubles.is_empty() && self.feed.ring().settled() > self.past_until {
            self.doubles = HashSet::new();
        }
    }
}
