//! What a transport with a connection remembers between messages.
//!
//! Over stdio and HTTP+SSE the messages of one client share a connection, and with it the version
//! that was negotiated, the ids that are in flight, the batches that wait for their last answer, and
//! the order of calls. `/mcp` is stateless and needs none of this.

mod batch;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorCode, GetExtensions, ProtocolVersion, RequestId,
    ServerJsonRpcMessage, ServerResult,
};
use serde_json::Value;

use super::turn::Turns;
use super::wire::{self, BATCH_VERSION, Batches, Incoming, Message, Rejection};
use batch::Pending;

/// The state of one connection; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection(Arc<Mutex<State>>);

/// What became of one line or body.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// What rmcp is to handle, in this order.
    pub(crate) deliver: Vec<ClientJsonRpcMessage>,
    /// What is to be answered without it.
    pub(crate) answer: Option<Value>,
    /// Whether the answer belongs to no request, so that only whoever sent the bytes can use it.
    pub(crate) is_unaddressed: bool,
}

impl Received {
    fn answered(rejection: &Rejection) -> Self {
        Self {
            deliver: Vec::new(),
            answer: Some(rejection.to_json()),
            is_unaddressed: rejection.id.is_none(),
        }
    }
}

impl Connection {
    /// Takes one line or body, as it arrived.
    pub(crate) fn receive(&self, bytes: &[u8]) -> Received {
        let mut state = self.lock();
        let batches = if state.takes_batches { Batches::Accepted } else { Batches::Refused };
        match wire::decode(bytes, batches) {
            Err(rejection) => Received::answered(&rejection),
            Ok(Incoming::Ignored) => Received::default(),
            Ok(Incoming::One(message)) => match state.admit(message, None) {
                Err(rejection) => Received::answered(&rejection),
                Ok((deliver, answer)) => {
                    Received { deliver: deliver.into_iter().collect(), answer, is_unaddressed: false }
                }
            },
            Ok(Incoming::Batch(items)) => state.admit_batch(items),
        }
    }

    /// Turns an answer of rmcp's into what is to be sent now; `None` waits for the rest of its batch.
    pub(crate) fn answer(&self, message: &ServerJsonRpcMessage) -> Option<Value> {
        let mut state = self.lock();
        let id = match message {
            ServerJsonRpcMessage::Response(response) => {
                if let ServerResult::InitializeResult(result) = &response.result {
                    state.takes_batches = result.protocol_version.as_str() == BATCH_VERSION;
                }
                Some(&response.id)
            }
            ServerJsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        let batch = id.and_then(|id| state.in_flight.remove(id)).flatten();
        let value = encode(message);
        match batch {
            Some(batch) => state.settle(batch, Some(value)),
            None => Some(value),
        }
    }

    /// No code that holds the lock can leave the state half-changed by panicking.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message of rmcp's as JSON; what can't be written is an error of ours, never silence.
fn encode(message: &ServerJsonRpcMessage) -> Value {
    serde_json::to_value(message).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer can't be written as JSON");
        let id = match message {
            ServerJsonRpcMessage::Response(response) => Some(response.id.clone()),
            _ => None,
        };
        let error = rmcp::model::ErrorData::new(ErrorCode::INTERNAL_ERROR, "internal error", None);
        Rejection::protocol(id, error).to_json()
    })
}

#[derive(Debug, Default)]
struct State {
    /// Whether the conversation has begun; before, rmcp takes a notification for a broken client.
    has_begun: bool,
    takes_batches: bool,
    /// Requests without an answer yet, with the batch that each came in.
    in_flight: HashMap<RequestId, Option<u64>>,
    batches: HashMap<u64, Pending>,
    last_batch: u64,
    turns: Turns,
}

type Admitted = (Option<ClientJsonRpcMessage>, Option<Value>);

impl State {
    /// Checks a message against what is in flight, and gives a call its turn.
    fn admit(&mut self, message: Message, batch: Option<u64>) -> Result<Admitted, Rejection> {
        let Some(id) = message.id.clone() else { return Ok(self.admit_notification(message)) };
        if self.in_flight.contains_key(&id) {
            return Err(Rejection::invalid_request(Some(id), "a request with this `id` is still in flight"));
        }
        let is_tool_call = message.is_tool_call();
        self.has_begun |= begins(&message);
        let mut message = message.into_rmcp()?;
        if let Some(ClientJsonRpcMessage::Request(request)) = &mut message {
            if is_tool_call {
                request.request.extensions_mut().insert(self.turns.next());
            }
            debug_assert!(!is_tool_call || matches!(request.request, ClientRequest::CallToolRequest(_)));
        }
        self.in_flight.insert(id, batch);
        Ok((message, None))
    }

    fn admit_notification(&mut self, message: Message) -> Admitted {
        if !self.has_begun {
            return (None, None);
        }
        let mut answer = None;
        if message.method == "notifications/cancelled" {
            // rmcp answers a cancelled request no more, so nothing else frees its id.
            let id = message.value().pointer("/params/requestId").cloned();
            let id = id.and_then(|id| serde_json::from_value(id).ok());
            let batch = id.and_then(|id: RequestId| self.in_flight.remove(&id)).flatten();
            answer = batch.and_then(|batch| self.settle(batch, None));
        }
        (message.into_rmcp().ok().flatten(), answer)
    }
}

/// Whether rmcp takes the request for the beginning of a conversation, of either era.
fn begins(message: &Message) -> bool {
    let version = || message.value().pointer("/params/_meta/io.modelcontextprotocol~1protocolVersion");
    let is_known =
        |version: &str| ProtocolVersion::KNOWN_VERSIONS.iter().any(|known| known.as_str() == version);
    match message.method.as_str() {
        "initialize" => true,
        "ping" | "server/discover" => false,
        _ => version().and_then(Value::as_str).is_some_and(is_known),
    }
}

#[cfg(test)]
mod tests;
