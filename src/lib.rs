//! watchglass: see everything an AI agent did, while it does it.

pub mod cli;
pub mod config;
pub mod mcp;
pub mod model;
pub mod server;
pub mod telemetry;
