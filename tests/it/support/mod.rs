//! What the integration tests stand on.

pub(crate) mod server;
pub(crate) mod services;
