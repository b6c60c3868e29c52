//! The legacy HTTP+SSE transport (2024-11-05), for clients that still ask for an SSE URL.
//!
//! `GET /sse` opens a session: the first event names where to post, every further one is a message.
//! `POST /messages?sessionId=…` takes one message and answers 202; the answer comes as an event. The
//! session lives as long as its stream: when the stream is dropped, by the client or by hyper, the
//! session ends and what runs in it is cancelled, so there are no idle sessions to be reaped.
//! Every answer says `Deprecation: true`; the specification has retired this transport.

mod session;
mod stream;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rmcp::model::{ClientJsonRpcMessage, GetExtensions};
use rmcp::{ServerHandler, ServiceExt};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::wire::MAX_MESSAGE_BYTES;
use crate::http::{Gate, Routes, Rule, body, json, problem};
use crate::model::{Grant, Problem, Transport};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Stream;
use session::{Opened, Sessions};

const DEPRECATION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("deprecation"), HeaderValue::from_static("true"));

/// What the transport allows itself.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many sessions there may be; the next one gets 503.
    pub sessions: usize,
    /// How many of them may be opened with one key, so that none takes all.
    pub per_key: usize,
    /// How long a client may take to initialize.
    pub initialize: Duration,
    /// How long a client may take to read when its channel is full; then it is cut off.
    pub stall: Duration,
    /// How often a comment keeps an idle stream alive.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 5_000,
            per_key: 1_000,
            initialize: Duration::from_secs(60),
            stall: Duration::from_secs(10),
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// The transport: a handler, and the sessions in which it is served.
#[derive(Debug)]
pub struct Legacy<H> {
    handler: H,
    sessions: Sessions,
    limits: Limits,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
}

impl<H> Legacy<H>
where
    H: ServerHandler + Clone + Sync,
{
    /// Serves `handler` until `stop` is cancelled, which ends every session and its stream.
    pub fn new(handler: H, limits: Limits, metrics: Arc<Metrics>, stop: CancellationToken) -> Self {
        Self { handler, sessions: Sessions::new(limits), limits, metrics, stop }
    }

    /// The routes `/sse` and `/messages`.
    ///
    /// They do not check Host and Origin: whoever mounts them guards all routes alike.
    pub fn routes(self) -> Routes {
        Routes::default()
            .get("/sse", Rule::AnyKey, open::<H>)
            .post("/messages", Rule::AnyKey, receive::<H>)
            .with_state(Arc::new(self))
    }

    /// Runs the conversation of one session to its end, which comes at the latest with its key's.
    async fn converse(self: Arc<Self>, opened: Opened, gate: Gate, grant: Grant) {
        let Opened { id, transport, stop, .. } = opened;
        let _counted = self.metrics.stream(Stream::Sse);
        let started = self.handler.clone().serve_with_ct(transport, stop.clone());
        let conversation = async {
            if let Ok(Ok(running)) = tokio::time::timeout(self.limits.initialize, started).await
                && let Err(error) = running.waiting().await
            {
                tracing::error!(%error, "a session ended in a panic");
            }
        };
        tokio::pin!(conversation);
        tokio::select! {
            () = &mut conversation => {}
            () = gate.until_revoked(&grant) => {
                stop.cancel();
                conversation.await;
            }
        }
        self.sessions.remove(&id);
    }
}

async fn open<H>(
    State(legacy): State<Arc<Legacy<H>>>,
    Extension(gate): Extension<Gate>,
    Extension(grant): Extension<Grant>,
) -> Response
where
    H: ServerHandler + Clone + Sync,
{
    let mut opened = match legacy.sessions.open(&grant, &legacy.stop, legacy.limits.stall) {
        Ok(opened) => opened,
        Err(refused) => return refuse(StatusCode::SERVICE_UNAVAILABLE, &refused),
    };
    let stream = stream::events(&mut opened, legacy.limits.keep_alive);
    tokio::spawn(Arc::clone(&legacy).converse(opened, gate, grant));
    ([DEPRECATION], stream).into_response()
}

/// Clients of both spellings exist.
#[derive(Debug, Deserialize)]
struct Address {
    #[serde(alias = "session_id", rename = "sessionId")]
    session: String,
}

async fn receive<H>(
    State(legacy): State<Arc<Legacy<H>>>,
    Extension(grant): Extension<Grant>,
    address: Result<Query<Address>, QueryRejection>,
    request: Request,
) -> Response
where
    H: ServerHandler + Clone + Sync,
{
    let session = address.ok().and_then(|Query(address)| legacy.sessions.get(&address.session, &grant));
    let Some(session) = session else {
        let refused = Problem::invalid("sessionId", "no session with this id is open")
            .hint("open one with `GET /sse`, or use `/mcp`, which needs none");
        return refuse(StatusCode::NOT_FOUND, &refused);
    };
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Transport::Sse);
    let bytes = match body::read_json(&parts.headers, body, MAX_MESSAGE_BYTES).await {
        Ok(bytes) => bytes,
        Err(response) => return ([DEPRECATION], response).into_response(),
    };
    let mut received = session.connection.receive(&bytes);
    if let Some(answer) = received.answer.take_if(|_| received.is_unaddressed) {
        return ([DEPRECATION], json(StatusCode::BAD_REQUEST, &answer)).into_response();
    }
    for message in &mut received.deliver {
        match message {
            ClientJsonRpcMessage::Request(request) => {
                drop(request.request.extensions_mut().insert(parts.clone()));
            }
            ClientJsonRpcMessage::Notification(message) => {
                drop(message.notification.extensions_mut().insert(parts.clone()));
            }
            _ => {}
        }
    }
    match session.accept(received).await {
        Ok(()) => (StatusCode::ACCEPTED, [DEPRECATION], "Accepted").into_response(),
        Err(refused) => refuse(StatusCode::SERVICE_UNAVAILABLE, &refused),
    }
}

fn refuse(status: StatusCode, refused: &Problem) -> Response {
    ([DEPRECATION], problem(status, refused)).into_response()
}

#[cfg(test)]
mod tests;
