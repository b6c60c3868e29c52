//! The one integration-test binary.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says so by panicking")]

mod architecture;
mod clients;
mod conformance;
mod contract;
mod redis_faults;
mod redis_published;
mod support;
