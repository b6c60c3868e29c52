//! Each request counted, and a line for it at `debug`.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use crate::telemetry::Metrics;

/// Counts and logs the route's template and never the address itself, which may hold a session's id.
pub(super) async fn record(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let (template, status) = (route.as_ref().map(MatchedPath::as_str), response.status().as_u16());
    metrics.requested(template, method.as_str(), status, started.elapsed());
    tracing::debug!(
        %method,
        route = template.unwrap_or("none"),
        status,
        ms = started.elapsed().as_secs_f64() * 1_000.0,
        "request"
    );
    response
}
