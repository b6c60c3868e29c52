//! The one integration-test binary.

mod clients;
mod conformance;
mod support;
