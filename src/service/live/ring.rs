//! The last events of a project. Each client is a place in them; nothing is kept for it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::LiveEvent;
use crate::model::Timestamp;

/// Events that are kept.
const MOST_EVENTS: usize = 2_000;

/// Bytes of them that are kept.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The last events, numbered as they come.
#[derive(Debug)]
pub(super) struct Ring {
    events: VecDeque<Arc<LiveEvent>>,
    /// The number of the first that is kept.
    first: u64,
    bytes: usize,
    /// What a client has seen that has seen all of it.
    mark: Arc<str>,
    /// The instant before which all that happened is in it, or was.
    settled: Timestamp,
}

/// What comes next for a client.
#[derive(Debug)]
pub(super) enum Next {
    /// This.
    Event(Arc<LiveEvent>),
    /// Nothing has happened since.
    Nothing,
    /// So many events are not kept any more.
    Gone(u64),
}

impl Ring {
    /// A ring in which nothing has happened yet.
    pub(super) fn new(mark: String, settled: Timestamp) -> Self {
        Self { events: VecDeque::new(), first: 0, bytes: 0, mark: mark.into(), settled }
    }

    /// Adds an event, and lets go of the oldest for it.
    pub(super) fn push(&mut self, event: Arc<LiveEvent>) {
        self.bytes += event.approximate_bytes();
        self.events.push_back(event);
        while self.events.len() > MOST_EVENTS || (self.bytes > MOST_BYTES && self.events.len() > 1) {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.approximate_bytes();
            self.first += 1;
        }
    }

    /// What a client at `place` sees next.
    pub(super) fn at(&self, place: u64) -> Next {
        let Some(index) = place.checked_sub(self.first) else { return Next::Gone(self.first - place) };
        let event = usize::try_from(index).ok().and_then(|index| self.events.get(index));
        event.map_or(Next::Nothing, |event| Next::Event(Arc::clone(event)))
    }

    /// The place behind the last event.
    pub(super) fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// The place behind the event with this id.
    pub(super) fn behind(&self, id: &str) -> Option<u64> {
        let index = self.events.iter().rposition(|event| event.id() == id)?;
        Some(self.first + index as u64 + 1)
    }

    /// Notes what a client has seen that has seen all.
    pub(super) fn mark(&mut self, mark: String, settled: Timestamp) {
        (self.mark, self.settled) = (mark.into(), settled);
    }

    /// What a client has seen that has seen all.
    pub(super) fn marked(&self) -> Arc<str> {
        Arc::clone(&self.mark)
    }

    /// The instant before which all that happened is in it, or was.
    pub(super) const fn settled(&self) -> Timestamp {
        self.settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;
    use crate::service::live::event::Happening;

    fn event(message: &str) -> Arc<LiveEvent> {
        let log = Box::new(testing::log(message));
        let id = format!("id of {}", message.chars().take(10).collect::<String>());
        Arc::new(LiveEvent::new(Happening::Log(log), Some(id)))
    }

    fn ring() -> Ring {
        Ring::new(String::new(), Timestamp::from_micros(0))
    }

    #[test]
    fn a_place_is_followed_or_gone() {
        let mut ring = ring();
        assert!(matches!(ring.at(0), Next::Nothing));
        for number in 0..MOST_EVENTS + 5 {
            ring.push(event(&number.to_string()));
        }
        assert!(matches!(ring.at(0), Next::Gone(5)), "{:?}", ring.at(0));
        let Next::Event(oldest) = ring.at(5) else { panic!("the oldest is gone") };
        assert_eq!(oldest.id(), "id of 5");
        assert!(matches!(ring.at(ring.end()), Next::Nothing));
        assert_eq!(ring.behind("id of 7"), Some(8));
        assert_eq!(ring.behind("id of 4"), None);
    }

    #[test]
    fn few_large_events_are_kept_and_always_the_last() {
        let mut ring = ring();
        let large = "x".repeat(1024 * 1024);
        (0..5).for_each(|_| ring.push(event(&large)));
        assert!(ring.bytes <= MOST_BYTES && ring.end() == 5, "{} bytes", ring.bytes);
        ring.push(event(&"x".repeat(MOST_BYTES)));
        assert!(matches!(ring.at(5), Next::Event(_)));
        ring.push(event("small"));
        assert!(matches!(ring.at(5), Next::Gone(1)));
        assert_eq!(ring.bytes, ring.events[0].approximate_bytes());
    }
}
