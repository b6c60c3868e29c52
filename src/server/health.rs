//! `/health` and `/ready`, for load balancers.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::json as value;
use tokio_util::sync::CancellationToken;

use crate::http::{Routes, Rule, json};
use crate::model::Grant;

/// Whether the server can store what it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether a record would be stored now.
    pub ready: bool,
    /// The store, without secrets: `sqlite`, `redis`, and what ails it.
    pub store: String,
    /// What an acknowledged record survives: `power_loss`, `process_crash`, `none` or `unknown`.
    pub durability: &'static str,
}

/// Asks the store.
pub type ReadinessCheck = Arc<dyn Fn() -> BoxFuture<'static, Readiness> + Send + Sync>;

#[derive(Clone)]
struct Probe {
    check: ReadinessCheck,
    stop: CancellationToken,
}

pub(super) fn routes(check: ReadinessCheck, stop: CancellationToken) -> Routes {
    Routes::default()
        .get("/health", Rule::Open, health)
        .get("/ready", Rule::Open, ready)
        .with_state(Probe { check, stop })
}

/// The process runs; more is not said, so that a store that is down does not restart it.
async fn health() -> Response<Body> {
    json(StatusCode::OK, &value!({ "status": "ok" }))
}

/// Whoever would be let in is told what the store is; everyone else, whether to send requests.
async fn ready(State(probe): State<Probe>, grant: Option<Extension<Grant>>) -> Response<Body> {
    let mut readiness = (probe.check)().await;
    readiness.ready &= !probe.stop.is_cancelled();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = if grant.is_some() { value!(readiness) } else { value!({ "ready": readiness.ready }) };
    json(status, &body)
}
