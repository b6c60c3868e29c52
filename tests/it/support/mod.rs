//! What the integration tests stand on.

pub(crate) mod bench;
pub(crate) mod http;
pub(crate) mod inside;
pub(crate) mod mcp;
pub(crate) mod server;
pub(crate) mod services;
