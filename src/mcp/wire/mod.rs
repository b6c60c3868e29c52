//! The thin layer before rmcp, the same on every transport.
//!
//! rmcp drops in silence what it can't read, and `serde_json` reads what it should not
//! ([`json`]). Here every message is read once, strictly; what is refused gets an answer that says
//! why and, where the fault is in a tool's arguments, one that the model can correct itself by.
//! Nothing of what was received is logged.
//!
//! The rules are those of [JSON-RPC 2.0](https://www.jsonrpc.org/specification) as MCP narrows them:
//! an id is a text or an integer, parameters are an object, and a batch exists in 2025-03-26 alone.

mod message;
mod rejection;

use serde_json::Value;

pub(crate) use message::Message;
pub(crate) use rejection::Rejection;

use crate::model::json::{self, Strict};

/// The largest message, on every transport: rmcp's own limit for HTTP.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// The only revision of the protocol with batches; there a server must take them.
pub(crate) const BATCH_VERSION: &str = "2025-03-26";

/// Whether a batch may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batches {
    /// [`BATCH_VERSION`] was negotiated.
    Accepted,
    /// Any other revision, or none yet.
    Refused,
}

/// What one line or body held.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A request or a notification.
    One(Message),
    /// Several messages, some of which may have been refused; never empty.
    Batch(Vec<Result<Message, Rejection>>),
    /// Nothing to act on: an answer, although this server asks its clients nothing.
    Ignored,
}

/// Reads one line or body.
pub(crate) fn decode(bytes: &[u8], batches: Batches) -> Result<Incoming, Rejection> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    let Strict { value, violations } = json::read(text).map_err(|error| not_json(text, &error))?;
    let Value::Array(items) = value else {
        return Ok(message::check(value, violations.first())?.map_or(Incoming::Ignored, Incoming::One));
    };
    if batches == Batches::Refused {
        return Err(Rejection::invalid_request(
            None,
            format!("batches exist only in protocol version `{BATCH_VERSION}`; send each message by itself"),
        ));
    }
    if items.is_empty() {
        return Err(Rejection::invalid_request(None, "the batch is empty"));
    }
    let check = |(index, item): (usize, Value)| {
        let violation = violations.iter().find(|violation| violation.path.batch_index() == Some(index));
        message::check(item, violation).transpose()
    };
    Ok(Incoming::Batch(items.into_iter().enumerate().filter_map(check).collect()))
}

fn not_utf8(bytes: &[u8], valid_up_to: usize) -> Rejection {
    let before = bytes.get(..valid_up_to).unwrap_or_default();
    let line = before.split(|byte| *byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Rejection::unreadable(format!("not JSON: invalid UTF-8 at line {line} column {column}"))
}

fn not_json(text: &str, error: &serde_json::Error) -> Rejection {
    if text.starts_with('\u{feff}') {
        return Rejection::unreadable(
            "not JSON: a byte order mark at line 1 column 1; send UTF-8 without it".to_owned(),
        );
    }
    // Syntax errors of serde_json are texts of its own with a position; they quote nothing.
    Rejection::unreadable(format!("not JSON: {error}"))
}

#[cfg(test)]
mod tests;
