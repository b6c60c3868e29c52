//! watchglass: see everything an AI agent did, while it does it.

pub mod clock;
pub mod model;
pub mod replay;
pub mod service;
pub mod store;
