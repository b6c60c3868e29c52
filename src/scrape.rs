//! `/metrics` and `/metrics/process`, for Prometheus.
//!
//! The agents' series are the store's, so they are the same from every copy on it: one is scraped. What a process
//! counts of itself is its own: every copy is scraped. So they have an address each, and the second tells nothing of
//! whoever uses it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::exposition::{self, Family, Format, encode};
use crate::model::{Code, Grant, Problem, Transport};
use crate::service::{Caller, Service};

/// The routes.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/metrics", get(agents))
        .route("/metrics/process", get(process))
        .layer(Extension(Grant::local()))
        .with_state(service)
}

/// The series of the caller's project.
async fn agents(
    State(service): State<Arc<Service>>,
    Extension(grant): Extension<Grant>,
    headers: HeaderMap,
) -> Response<Body> {
    let caller = Caller::new(grant, None).over(Transport::Http);
    match service.series(&caller).await {
        Ok(series) => answer(&exposition::families(&series, &BTreeSet::new()), &headers),
        Err(problem) => refuse(&problem),
    }
}

/// What this process counts of itself.
async fn process(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response<Body> {
    answer(&service.metrics().families(), &headers)
}

fn answer(families: &[Family], headers: &HeaderMap) -> Response<Body> {
    let accept: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let format = Format::accepted(Some(&accept.join(",")));
    let headers = [(header::CONTENT_TYPE, format.content_type()), (header::VARY, "Accept")];
    (headers, encode(families, format)).into_response()
}

fn refuse(problem: &Problem) -> Response<Body> {
    let status = match problem.code {
        Code::InsufficientScope => StatusCode::FORBIDDEN,
        Code::Internal | Code::StorageCorrupt => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [(header::CONTENT_TYPE, "application/json")], problem.to_json().to_string()).into_response()
}
