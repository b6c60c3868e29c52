//! A batch over HTTP, which 2025-03-26 has: each message by itself, the answers in one array.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rmcp::ServerHandler;
use rmcp::model::RequestId;
use serde_json::Value;
use std::collections::HashSet;

use super::{Mcp, check, forward};
use crate::http::json;
use crate::mcp::wire::{Message, Rejection};

/// Handles the messages one after the other: a client that batches `start_span` and `end_span` means
/// them in that order.
pub(super) async fn handle<H>(
    service: Mcp<H>,
    parts: &Parts,
    items: Vec<Result<Message, Rejection>>,
) -> Response
where
    H: ServerHandler + Clone + Sync,
{
    let mut answers = Vec::new();
    let mut ids = HashSet::new();
    for item in items {
        match item.and_then(|message| admit(&message, &mut ids).map(|()| message)) {
            Ok(message) => answers.extend(handle_one(service.clone(), parts, message).await),
            Err(rejection) => answers.push(rejection.to_json()),
        }
    }
    if answers.is_empty() {
        return StatusCode::ACCEPTED.into_response();
    }
    json(StatusCode::OK, &Value::Array(answers))
}

fn admit(message: &Message, ids: &mut HashSet<RequestId>) -> Result<(), Rejection> {
    match &message.id {
        Some(id) if !ids.insert(id.clone()) => {
            Err(Rejection::invalid_request(Some(id.clone()), "the batch has another request with this `id`"))
        }
        Some(id) if message.method == "initialize" => {
            Err(Rejection::invalid_request(Some(id.clone()), "`initialize` can't be part of a batch"))
        }
        _ => Ok(()),
    }
}

/// The answer to one message; `None` for a notification.
async fn handle_one<H>(service: Mcp<H>, parts: &Parts, message: Message) -> Option<Value>
where
    H: ServerHandler + Clone + Sync,
{
    let id = message.id.clone();
    let bytes = message.value().to_string();
    if let Err(rejection) = check(message, parts) {
        return id.map(|_| rejection.to_json());
    }
    let mut parts = parts.clone();
    parts.headers.remove(header::CONTENT_LENGTH);
    let response = forward(service, Request::from_parts(parts, Body::from(bytes))).await;
    let id = id?;
    let is_stream =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    // Our own answer, bounded by the handler; no limit of a request's applies.
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    let answer = if is_stream { last_event(&body) } else { serde_json::from_slice(&body).ok() };
    let refusal = || Rejection::invalid_request(Some(id), String::from_utf8_lossy(&body)).to_json();
    Some(answer.unwrap_or_else(refusal))
}

/// A stream carries progress first; the answer is its last message.
fn last_event(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?;
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim_start()).ok()).next_back()
}
