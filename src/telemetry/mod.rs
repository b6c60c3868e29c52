//! What watchglass says about itself.

pub mod logging;
