//! What the integration tests stand on.

pub(crate) mod bench;
pub(crate) mod certificates;
pub(crate) mod command;
pub(crate) mod gantz;
pub(crate) mod http;
pub(crate) mod inside;
pub(crate) mod ledger;
pub(crate) mod live;
pub(crate) mod mcp;
pub(crate) mod prometheus;
pub(crate) mod reading;
pub(crate) mod redis;
pub(crate) mod server;
pub(crate) mod services;
