//! The Model Context Protocol: three transports before one handler.
//!
//! ```text
//! stdio ─┐ bytes      strict messages        rmcp              tools
//! /sse  ─┼───────► wire ───────────► Connection ───► ServerHandler ───► service
//! /mcp  ─┘                           (order, ids, batches; /mcp has no connection)
//! ```

mod connection;
mod handler;
mod http;
mod schema;
mod sse;
mod stdio;
#[cfg(test)]
mod testing;
mod tools;
mod turn;
mod wire;

pub use rmcp::ServerHandler;
pub use rmcp::transport::stdio_pipes;

pub use handler::Handler;
pub use http::routes as http_routes;
pub use sse::{Legacy, Limits as LegacyLimits};
pub use stdio::{Ended, serve as serve_stdio};
pub(crate) use tools::ToolName;
pub use tools::call as call_tool;
pub use turn::{Turn, Turns};
