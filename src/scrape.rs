//! `/metrics` and `/metrics/process`, for Prometheus.
//!
//! The agents' series are the store's, so they are the same from every copy on it: one is scraped. What a process
//! counts of itself is its own: every copy is scraped. So they have an address each, and the second tells nothing of
//! whoever uses it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::exposition::{self, Family, Format, encode};
use crate::http::{Routes, Rule, refusal};
use crate::model::{Grant, Scope, Transport};
use crate::service::{Caller, Service};

/// The routes.
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::default()
        .get("/metrics", Rule::Needs(Scope::Metrics), agents)
        .get("/metrics/process", Rule::Needs(Scope::Metrics), process)
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
        Err(refused) => refusal(&refused),
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
