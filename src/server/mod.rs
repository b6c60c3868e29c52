//! Composition: the routes, the guard before all of them, and an end in order.

mod access_log;
mod connections;
mod guard;
mod health;
mod page;
mod patience;
mod tls;

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::{Extension, Router, middleware};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

pub use connections::open_many;
pub use guard::Guard;
pub use health::{Readiness, ReadinessCheck};
pub use tls::Tls;

use crate::http::{Ending, Gate, Routes, Rule, problem};
use crate::mcp::{self, Legacy, LegacyLimits, ServerHandler};
use crate::model::{Code, Problem};
use crate::telemetry::Metrics;

/// How long what is in flight may take once the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the store may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A browser that has come over HTTPS once does not try without for a year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

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
    /// Whose keys are asked for.
    pub gate: Gate,
    /// What connections are encrypted with, if they are.
    pub tls: Option<Arc<Tls>>,
    /// Counts requests and streams.
    pub metrics: Arc<Metrics>,
    /// The addresses that Prometheus scrapes.
    pub scrape: Routes,
    /// The API.
    pub api: Routes,
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
    let surfaces = app.scrape.merge(app.api);
    let routes = routes(app.handler, app.readiness, surfaces, &app.metrics, &stop, &answered);
    let mut all = guarded(routes, app.guard, app.gate, app.metrics).layer(Extension(Ending(stop.clone())));
    if app.tls.is_some() {
        all = all.layer(SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, HSTS));
    }
    let limits = connections::Limits::default();
    let connections = connections::accept(&listener, app.tls.as_ref(), all, limits, shutdown).await;
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

/// All routes. `stop` ends streams and makes `/ready` say so; `answered` ends calls on `/mcp`.
fn routes<H>(
    handler: H,
    readiness: ReadinessCheck,
    surfaces: Routes,
    metrics: &Arc<Metrics>,
    stop: &CancellationToken,
    answered: &CancellationToken,
) -> Routes
where
    H: ServerHandler + Clone + Sync,
{
    let legacy = Legacy::new(handler.clone(), LegacyLimits::default(), Arc::clone(metrics), stop.clone());
    Routes::default()
        .get("/", Rule::Open, page::index)
        .merge(health::routes(readiness, stop.clone()))
        .merge(mcp::http_routes(handler, answered.clone()))
        .merge(legacy.routes())
        .merge(surfaces)
}

/// The routes behind what stands before all of them: first the guard, then the gate.
fn guarded(routes: Routes, guard: Guard, gate: Gate, metrics: Arc<Metrics>) -> Router {
    routes
        .into_router()
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::method_not_allowed)
        .layer(Extension(gate))
        .layer(CatchPanicLayer::custom(|_| panicked()))
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .layer(middleware::from_fn_with_state(metrics, access_log::record))
}

/// The panic itself is logged by the hook; its message may quote what an agent wrote.
fn panicked() -> Response<Body> {
    problem(StatusCode::INTERNAL_SERVER_ERROR, &Problem::new(Code::Internal, "internal error"))
}

#[cfg(test)]
mod tests;
