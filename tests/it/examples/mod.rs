//! What `examples/` and the container files promise: each that can run is run, and what they name is there.

mod agent;
mod client_files;
mod container;
mod model;
mod monitoring;
mod shell;

use std::fs;

use serde_json::Value;

use crate::support::services::repository;

/// A file of the repository.
fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map_or_else(Vec::new, |list| list.iter().filter_map(Value::as_str).collect())
}
