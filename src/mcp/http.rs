//! MCP over streamable HTTP: `POST /mcp`, one message a request.
//!
//! Stateless in both eras of the protocol: there is no session to lose after five idle minutes, any
//! copy of the server can answer, and an answer is one JSON body. `GET` and `DELETE` are 405, as the
//! specification has it for a server without sessions.
//!
//! A stateless server can't know that two requests have one id, nor in which order the requests of a
//! client were meant: a client that wants them in order awaits each answer.

mod batch;
mod version;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use super::tools;
use super::wire::{self, Incoming, MAX_MESSAGE_BYTES, Message, Rejection};
use crate::http::{self, Routes, Rule, body};
use crate::model::Grant;

/// rmcp's service for one handler.
type Mcp<H> = StreamableHttpService<H, NeverSessionManager>;

/// The route `/mcp`. `stop` ends the answers that stream.
///
/// They do not check Host and Origin: whoever mounts them guards all routes alike.
pub fn routes<H>(handler: H, stop: CancellationToken) -> Routes
where
    H: ServerHandler + Clone + Sync,
{
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MAX_MESSAGE_BYTES)
        .with_cancellation_token(stop)
        // The guard in `server` has checked both, with the addresses that the operator allowed.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let service: Mcp<H> = StreamableHttpService::new(move || Ok(handler.clone()), Arc::default(), config);
    Routes::default().any("/mcp", Rule::AnyKey, handle::<H>).with_state(service)
}

async fn handle<H>(State(service): State<Mcp<H>>, request: Request) -> Response
where
    H: ServerHandler + Clone + Sync,
{
    if request.method() != axum::http::Method::POST {
        return forward(service, request).await;
    }
    let (parts, body) = request.into_parts();
    match body::read_json(&parts.headers, body, MAX_MESSAGE_BYTES).await {
        Ok(bytes) => receive(service, parts, bytes).await.unwrap_or_else(|rejection| refuse(&rejection)),
        Err(response) => response,
    }
}

async fn receive<H>(service: Mcp<H>, parts: Parts, bytes: Bytes) -> Result<Response, Rejection>
where
    H: ServerHandler + Clone + Sync,
{
    let incoming = wire::decode(&bytes, version::batches(&parts.headers))?;
    match incoming {
        Incoming::Ignored => Ok(StatusCode::ACCEPTED.into_response()),
        Incoming::One(message) => {
            if let Some(response) = lacks_scope(&message, &parts) {
                return Ok(response);
            }
            check(message, &parts)?;
            // The bytes as they came: strict reading found nothing that rmcp would read otherwise.
            Ok(forward(service, Request::from_parts(parts, Body::from(bytes))).await)
        }
        Incoming::Batch(items) => Ok(batch::handle(service, &parts, items).await),
    }
}

/// 403 for a call of a tool that the caller's key does not allow, as MCP's authorization has it.
fn lacks_scope(message: &Message, parts: &Parts) -> Option<Response> {
    let tool = tools::find(message.tool()?).ok()?;
    let refused = parts.extensions.get::<Grant>()?.require(tool.scope()).err()?;
    Some(http::lacks(tool.scope(), &refused))
}

/// What rmcp would answer less well or not at all.
fn check(message: Message, parts: &Parts) -> Result<(), Rejection> {
    version::check(&parts.headers, &message)?;
    // A call's form is checked already, and calls are what there is many of.
    if message.is_tool_call() || version::is_gone(&parts.headers, &message) {
        return Ok(());
    }
    message.into_rmcp().map(|_| ())
}

async fn forward<H>(mut service: Mcp<H>, request: Request) -> Response
where
    H: ServerHandler + Clone + Sync,
{
    let result: Result<_, Infallible> =
        async { ServiceExt::<Request>::ready(&mut service).await?.call(request).await }.await;
    match result {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// A tool's result is a success of the protocol, even where it says what is wrong.
fn refuse(rejection: &Rejection) -> Response {
    let status = if rejection.is_result() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    http::json(status, &rejection.to_json())
}

#[cfg(test)]
mod tests;
