//! The one integration-test binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on says so by panicking"
)]

mod access;
mod any_input;
mod api;
mod api_traces;
mod architecture;
mod bad_inputs;
mod benchmark;
mod clients;
mod commands;
mod conformance;
mod contract;
mod dead_letters;
mod doctor;
mod drop_in;
mod examples;
mod gantz;
mod hammer;
mod kill;
mod live;
mod numbers;
mod ordering;
mod prices;
mod processes;
mod prometheus;
mod pushgateway;
mod redaction;
mod redis_adoption;
mod redis_faults;
mod redis_numbers;
mod redis_published;
mod redis_tls;
mod replay;
mod safety;
mod shown;
mod shutdown;
mod sqlite_file;
mod support;
mod terminal;
mod transfer;
mod untrusted;
