//! watchglass: see everything an AI agent did, while it does it.
//!
//! # Layout
//!
//! - [`model`]: what is observed, and the rules that hold for values alone
//! - [`clock`]: time and ids
//! - [`prices`]: what models cost, by an embedded list
//! - [`store`]: where records live: one trait, two engines
//! - [`exposition`]: series as text for Prometheus
//! - [`service`]: the use cases, once, for every surface
//! - [`http`]: what every surface over HTTP stands on
//! - [`mcp`]: the Model Context Protocol over stdio, streamable HTTP and SSE
//! - [`api`]: the API over HTTP, as a table of endpoints
//! - [`scrape`], [`pushgateway`]: the agents' metrics for Prometheus, fetched and pushed
//! - [`replay`]: recorded runs of real agents as tool calls
//! - [`config`], [`telemetry`]: settings, and watchglass's own log and metrics
//! - [`server`]: composition: routes, guard, shutdown
//! - [`cli`]: the commands
//!
//! `ARCHITECTURE.md` has the flows and the invariants.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod exposition;
pub mod http;
pub mod mcp;
pub mod model;
pub mod prices;
pub mod pushgateway;
pub mod replay;
pub mod scrape;
pub mod server;
pub mod service;
pub mod store;
pub mod telemetry;
