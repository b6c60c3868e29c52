//! What the integration tests stand on.

pub(crate) mod redis;
pub(crate) mod server;
pub(crate) mod services;
