//! The answer to a message that does not reach a handler.

#[cfg(test)]
use rmcp::model::ErrorCode;
use rmcp::model::{ErrorData, RequestId};
use serde_json::{Value, json};

use crate::model::Problem;

/// Why a message is refused, and to which request the refusal belongs.
#[derive(Debug)]
pub(crate) struct Rejection {
    /// `None` where the id can't be known; it is then `null` on the wire.
    pub(crate) id: Option<RequestId>,
    reason: Box<Reason>,
}

#[derive(Debug)]
enum Reason {
    /// The protocol is at fault: a JSON-RPC error, which clients keep from the model.
    Protocol(ErrorData),
    /// A tool's argument is at fault: a tool result, which the model sees and can act on.
    Argument(Problem),
}

impl Rejection {
    /// What arrived is not JSON (-32700).
    pub(crate) fn unreadable(message: String) -> Self {
        Self::protocol(None, ErrorData::parse_error(message, None))
    }

    /// What arrived is JSON and not a JSON-RPC message (-32600).
    pub(crate) fn invalid_request(id: Option<RequestId>, message: impl Into<String>) -> Self {
        Self::protocol(id, ErrorData::invalid_request(message.into(), None))
    }

    /// The method's parameters have the wrong form (-32602).
    pub(crate) fn invalid_params(id: Option<RequestId>, message: impl Into<String>) -> Self {
        Self::protocol(id, ErrorData::invalid_params(message.into(), None))
    }

    /// Any other JSON-RPC error.
    pub(crate) fn protocol(id: Option<RequestId>, error: ErrorData) -> Self {
        Self { id, reason: Box::new(Reason::Protocol(error)) }
    }

    /// An argument that a tool would refuse, found before the tool was reached.
    pub(crate) fn argument(id: RequestId, problem: Problem) -> Self {
        Self { id: Some(id), reason: Box::new(Reason::Argument(problem)) }
    }

    /// A message above the limit of a transport that has no status to say so with.
    pub(crate) fn too_large() -> Self {
        Self::invalid_request(
            None,
            format!("the message exceeds the limit of {} bytes", super::MAX_MESSAGE_BYTES),
        )
    }

    /// Whether the answer is a result: over HTTP that is 200, anything else 400.
    pub(crate) fn is_result(&self) -> bool {
        matches!(*self.reason, Reason::Argument(_))
    }

    /// The JSON-RPC error code; `None` where the answer is a result.
    #[cfg(test)]
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match &*self.reason {
            Reason::Protocol(error) => Some(error.code),
            Reason::Argument(_) => None,
        }
    }

    /// The whole answer.
    pub(crate) fn to_json(&self) -> Value {
        match &*self.reason {
            Reason::Protocol(error) => json!({ "jsonrpc": "2.0", "id": self.id, "error": error }),
            // No `structuredContent`: clients check it against the tool's output schema.
            Reason::Argument(problem) => json!({
                "jsonrpc": "2.0",
                "id": self.id,
                "result": {
                    "content": [{ "type": "text", "text": problem.to_text() }],
                    "isError": true,
                    "resultType": "complete",
                },
            }),
        }
    }
}
