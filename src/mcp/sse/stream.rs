//! The body of `GET /sse`.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};

use super::session::Opened;

/// Keeps proxies from holding events back.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
const UNCACHED: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// The events of a session: where to post, then every message.
///
/// The stream owns the session: dropping it ends the session.
pub(super) fn events(opened: &mut Opened, keep_alive: Duration) -> Response {
    let endpoint = Event::default().event("endpoint").data(format!("/messages?sessionId={}", opened.id));
    let owner = opened.stop.clone().drop_guard();
    let messages = stream::unfold((opened.events.take(), owner), |(mut events, owner)| async move {
        let data = events.as_mut()?.recv().await?;
        Some((Event::default().event("message").data(data), (events, owner)))
    });
    let all = stream::once(async { endpoint }).chain(messages).map(Ok::<_, Infallible>);
    let body = Sse::new(all).keep_alive(KeepAlive::new().interval(keep_alive).text("keep-alive"));
    ([UNBUFFERED, UNCACHED], body).into_response()
}
