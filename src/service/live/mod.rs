//! What happens, as it happens, for those who watch.
//!
//! While somebody watches a project there is one [`Feed`] for it, which fills a [`ring`] of the last
//! events. A client is a place in the ring: there is no queue for it, so one that is slow costs nothing and is cut when
//! the ring has moved on. Each event has an id by which a client resumes, on this server or on another (see [`mark`]).
//!
//! [`Service::watch`] is the way in, for the API and for commands that run on the store itself:
//!
//! ```text
//! let mut subscription = service.watch(&Caller::local(), WatchLive::default()).await?;
//! while let Some(event) = subscription.next().await {
//!     match event.happening() {
//!         Happening::Log(log) => …, Happening::SpanStart(span) | Happening::SpanEnd(span) => …,
//!         Happening::Gap(gap) => …, Happening::End(end) => …,
//!     }
//! }
//! ```

mod event;
mod feed;
mod filter;
mod look;
mod mark;
mod places;
mod request;
mod ring;
mod subscription;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub use event::{End, Gap, Happening, LiveEvent, LiveKind, LiveView, Untrusted};
pub use request::WatchLive;
pub use subscription::Subscription;

use self::feed::{Before, Feed, Source};
use self::filter::Filter;
use self::places::Places;
use super::caller::Caller;
use super::text::given;
use super::{Service, within_deadline};
use crate::model::{Problem, ProjectId, Scope};
pub use crate::telemetry::metrics::LiveEnd;

/// The feeds that run, one for each project that is watched.
#[derive(Default)]
pub(super) struct Live {
    running: Arc<AtomicUsize>,
    feeds: Mutex<HashMap<ProjectId, Weak<Feed>>>,
    places: Places,
}

impl Live {
    /// The feed of a project that is watched. Where nothing is, that is told by one number.
    pub(super) fn feed(&self, project: &ProjectId) -> Option<Arc<Feed>> {
        if self.running.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.get(project).and_then(Weak::upgrade)
    }

    /// The feed of a project, which runs from now on if it did not yet.
    async fn join(&self, source: Source) -> Result<Arc<Feed>, Problem> {
        if let Some(feed) = self.feed(&source.project) {
            return Ok(feed);
        }
        let before = Before::look(&source).await?;
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&source.project).and_then(Weak::upgrade) {
            return Ok(feed);
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let project = source.project.clone();
        let feed = Arc::new(Feed::start(source, before, Arc::clone(&self.running)));
        feeds.insert(project, Arc::downgrade(&feed));
        Ok(feed)
    }
}

impl Service {
    /// Watches what happens from now on, or since what `last_event_id` says was seen. It goes on until it is dropped,
    /// or its last event says why not.
    pub async fn watch(&self, caller: &Caller, request: WatchLive) -> Result<Subscription, Problem> {
        let project = caller.project(Scope::Read)?;
        let mut filter = Filter::parse(&request)?;
        if let Some(trace_id) = filter.trace_id().take() {
            *filter.trace_id() = Some(within_deadline(self.held_trace(project, trace_id)).await?);
        }
        let place = self.live.places.take(caller.grant.key_id.as_deref(), &self.options.metrics)?;
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let source = Source { store, clock, project: project.clone() };
        let feed = within_deadline(self.live.join(source)).await?;
        let mut subscription = Subscription::new(feed, filter, place);
        if let Some(id) = given(request.last_event_id.as_deref()) {
            within_deadline(subscription.resume(id)).await?;
        }
        Ok(subscription)
    }
}
