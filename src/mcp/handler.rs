//! The tools. Stands in for the real handler until that is merged.

use rmcp::ServerHandler;

/// Answers `initialize` and has no tools yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Handler;

impl ServerHandler for Handler {}
