//! The `MCP-Protocol-Version` header.

use axum::http::HeaderMap;
use rmcp::model::{ErrorCode, ErrorData, ProtocolVersion};
use serde_json::{Value, json};

use crate::mcp::wire::{BATCH_VERSION, Batches, Message, Rejection};

const HEADER: &str = "mcp-protocol-version";

/// Whether a batch may come with these headers; without the header, 2025-03-26 is to be assumed.
pub(super) fn batches(headers: &HeaderMap) -> Batches {
    match headers.get(HEADER) {
        Some(version) if version != BATCH_VERSION => Batches::Refused,
        _ => Batches::Accepted,
    }
}

/// Refuses a version that is given twice (-32020) or that nobody knows (-32022, with those that are).
///
/// `initialize` is let through: there an unknown version is how a newer client begins to negotiate.
pub(super) fn check(headers: &HeaderMap, message: &Message) -> Result<(), Rejection> {
    let mut versions = headers.get_all(HEADER).iter();
    let Some(version) = versions.next() else { return Ok(()) };
    let refuse = |error| Err(Rejection::protocol(message.id.clone(), error));
    if versions.next().is_some() {
        let text = "the header `MCP-Protocol-Version` is given more than once";
        return refuse(ErrorData::new(ErrorCode::HEADER_MISMATCH, text, None));
    }
    let version = version.to_str().unwrap_or_default();
    let is_known = ProtocolVersion::KNOWN_VERSIONS.iter().any(|known| known.as_str() == version);
    if is_known || message.method == "initialize" {
        return Ok(());
    }
    let requested: String = version.chars().take(32).collect();
    let data: Value = json!({ "requested": requested, "supported": ProtocolVersion::KNOWN_VERSIONS });
    refuse(ErrorData::new(
        ErrorCode::UNSUPPORTED_PROTOCOL_VERSION,
        "Unsupported protocol version",
        Some(data),
    ))
}

/// Whether the message asks for a method that its version of the protocol no longer has. It is unknown then,
/// whatever its parameters: rmcp says so.
pub(super) fn is_gone(headers: &HeaderMap, message: &Message) -> bool {
    const GONE: [&str; 5] =
        ["initialize", "logging/setLevel", "ping", "resources/subscribe", "resources/unsubscribe"];
    let version = headers.get(HEADER).and_then(|version| version.to_str().ok()).unwrap_or_default();
    // Versions are dates: their order is that of their texts.
    version >= ProtocolVersion::NO_INITIALIZE.as_str() && GONE.contains(&message.method.as_str())
}
