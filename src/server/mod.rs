//! Composition: the routes, the guard before all of them, and an end in order.

mod access_log;
mod connections;
mod guard;
mod health;
mod page;

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

pub use guard::Guard;
pub use health::{Readiness, ReadinessCheck};

use crate::mcp::{self, Legacy, LegacyLimits, ServerHandler};
use crate::model::{Code, Problem};
use crate::telemetry::Metrics;

/// How long what is in flight may take once the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the store may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is served.
pub struct App<H> {
    /// Answers MCP, on every transport.
    pub handler: H,
    /// Asked for each `/ready`.
    pub readiness: ReadinessCheck,
    /// Closes the store, after the last answer.
    pub close: BoxFuture<'static, ()>,
    /// Which hosts and origins are answered.
    pub guard: Guard,
    /// Counts requests and streams.
    pub metrics: Arc<Metrics>,
    /// The addresses that Prometheus scrapes.
    pub scrape: Router,
}

/// How a server came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything in flight was answered.
    Drained,
    /// So many connections were cut off after ten seconds.
    CutOff(usize),
}

/// Serves `app` on `listener` until `shutdown` is ready.
///
/// The end has an order: `/ready` says 503, no connection is taken any more, streams end, what is in
/// flight is answered within ten seconds, and last the store is closed.
pub async fn serve<H>(
    listener: TcpListener,
    app: App<H>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Ended>
where
    H: ServerHandler + Clone + Sync,
{
    let stop = CancellationToken::new();
    let close = app.close;
    // Not the same as `stop`: rmcp gives up on the calls that are in flight when its token is cancelled.
    let answered = CancellationToken::new();
    let router = router(app.handler, app.readiness, app.scrape, app.guard, app.metrics, &stop, &answered);
    let connections = connections::accept(&listener, router, shutdown).await;
    stop.cancel();
    drop(listener);
    let ended = connections.drain(DRAIN_TIMEOUT).await;
    answered.cancel();
    match tokio::time::timeout(CLOSE_TIMEOUT, AssertUnwindSafe(close).catch_unwind()).await {
        Ok(Ok(())) => tracing::info!(?ended, "the server has ended"),
        Ok(Err(_)) => return Err(io::Error::other("closing the store panicked")),
        Err(_) => return Err(io::Error::other("the store did not close in time")),
    }
    Ok(ended)
}

/// All routes, behind one guard. `stop` ends streams and makes `/ready` say so; `answered` ends calls on `/mcp`.
fn router<H>(
    handler: H,
    readiness: ReadinessCheck,
    scrape: Router,
    guard: Guard,
    metrics: Arc<Metrics>,
    stop: &CancellationToken,
    answered: &CancellationToken,
) -> Router
where
    H: ServerHandler + Clone + Sync,
{
    let legacy = Legacy::new(handler.clone(), LegacyLimits::default(), Arc::clone(&metrics), stop.clone());
    Router::new()
        .route("/", get(page::index))
        .merge(health::router(readiness, stop.clone()))
        .merge(mcp::http_router(handler, answered.clone()))
        .merge(legacy.router())
        .merge(scrape)
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::method_not_allowed)
        .layer(CatchPanicLayer::custom(|_| panicked()))
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .layer(middleware::from_fn_with_state(metrics, access_log::record))
}

/// The panic itself is logged by the hook; its message may quote what an agent wrote.
fn panicked() -> Response<Body> {
    problem(StatusCode::INTERNAL_SERVER_ERROR, &Problem::new(Code::Internal, "internal error"))
}

/// A problem as a response.
fn problem(status: StatusCode, problem: &Problem) -> Response<Body> {
    json(status, &problem.to_json())
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    use axum::http::header::CONTENT_TYPE;
    use axum::response::IntoResponse;
    (status, [(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

#[cfg(test)]
mod tests;
