//! Events as they happen, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use futures::{FutureExt, stream};

use super::Call;
use crate::http::{Ending, Gate, Stalled};
use crate::model::{Grant, Problem};
use crate::service::{LiveEnd, Subscription, WatchLive};

/// After how much silence a client is told that the stream is there, and how far it has seen.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a client is told to wait before it comes again, in milliseconds.
const RETRY: u32 = 1_000;

/// Where a client says what it has seen, as browsers do by themselves.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    // Keeps proxies from holding events back.
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
];

/// Answers with what happens, until the client leaves, the server ends or the key is revoked.
pub(super) async fn respond(call: Call, mut request: WatchLive) -> Result<Response, Problem> {
    if let Some(seen) = call.headers.get(LAST_EVENT_ID) {
        request.last_event_id = Some(String::from_utf8_lossy(seen.as_bytes()).into_owned());
    }
    let subscription = call.service.watch(&call.caller, request).await?;
    let mut extensions = call.extensions;
    let revoked = match (extensions.remove::<Gate>(), extensions.remove::<Grant>()) {
        (Some(gate), Some(grant)) => async move { gate.until_revoked(&grant).await }.boxed(),
        // Without a gate nobody has come so far.
        _ => std::future::ready(()).boxed(),
    };
    let stream = EventStream {
        subscription,
        revoked,
        ending: extensions.remove().unwrap_or_default(),
        stalled: extensions.remove().unwrap_or_default(),
        said: None,
        begun: false,
        ended: false,
    };
    let chunks = stream::unfold(stream, |mut stream| async move {
        let chunk = stream.next().await?;
        Some((Ok::<_, Infallible>(chunk), stream))
    });
    Ok((HEADERS, Body::from_stream(chunks)).into_response())
}

/// The stream of one client.
struct EventStream {
    subscription: Subscription,
    revoked: BoxFuture<'static, ()>,
    ending: Ending,
    stalled: Stalled,
    /// The id that the client was last told outside of an event.
    said: Option<Arc<str>>,
    begun: bool,
    ended: bool,
}

impl EventStream {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if !self.begun {
            self.begun = true;
            return Some(format!("retry: {RETRY}\n{}\n", self.seen()).into());
        }
        let next = tokio::time::timeout(KEEP_ALIVE, self.subscription.next());
        tokio::select! {
            biased;
            () = self.ending.0.cancelled() => Some(self.end(LiveEnd::Shutdown)),
            () = &mut self.revoked => Some(self.end(LiveEnd::Revoked)),
            event = next => match event {
                Ok(event) => event.map(|event| event.text()),
                Err(_) => Some(format!(": keep-alive\n{}\n", self.seen()).into()),
            }
        }
    }

    /// The id by which the client resumes, if it has seen all there is and does not know it yet: who has been told of
    /// no event has missed what comes while it is away all the same.
    fn seen(&mut self) -> String {
        let mark = self.subscription.mark().filter(|mark| self.said.as_ref() != Some(mark));
        let Some(mark) = mark else { return String::new() };
        let line = format!("id: {mark}\n");
        self.said = Some(mark);
        line
    }

    fn end(&mut self, reason: LiveEnd) -> Bytes {
        self.ended = true;
        self.subscription.stop(reason).text()
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        if self.stalled.is_set() {
            self.subscription.was_cut_off();
        }
    }
}
