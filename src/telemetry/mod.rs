//! What watchglass says about itself.

pub mod logging;
pub mod metrics;
mod process;

pub use metrics::Metrics;
