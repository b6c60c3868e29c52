//! The API over HTTP, as a table.
//!
//! An [`Endpoint`] names its address, the scope that a key needs, its request, its answer and its use case. From the
//! table are made the routes, the reading of what is asked, and the OpenAPI document at `/api/openapi.json`. To add one:
//!
//! ```text
//! // src/service/overview/mod.rs
//! impl Service {
//!     pub async fn overview(&self, caller: &Caller, request: GetOverview) -> Result<Overview, Problem> { … }
//! }
//!
//! // src/api/mod.rs, in `endpoints`
//! Endpoint::get::<GetOverview, Overview>(
//!     "/api/v1/overview", Scope::Read, "The numbers of a window", Service::overview,
//! ),
//! ```
//!
//! `GetOverview` is `Deserialize + JsonSchema`, with `#[serde(deny_unknown_fields)]`. Its fields are the parameters: one
//! that the address names in braces is read from there, the others from the query (of a `POST`: from the body). Their
//! doc comments describe them; `#[schemars(with = "i64")]` on an `Option<Value>` makes one a number, `Vec<String>` one
//! that takes several values with commas between them. What is given without a value counts as not given. `Overview` is
//! `Serialize + JsonSchema`.
//!
//! - [`Endpoint::array`] answers with the bare items of a [`Page`](crate::service::Page), and names the next page in `Link`
//! - [`Endpoint::batch`] takes one record or an array of them, by a use case that answers with [`Committed`]
//! - [`Endpoint::raw`] hands the whole [`Call`] over, for answers that are streams and bodies that are not JSON
//!
//! [`Committed`]: crate::service::Committed

#![allow(dead_code, reason = "until every kind of endpoint has its first")]

mod arguments;
mod batch;
mod document;
mod endpoint;
mod reply;
mod shape;

use std::sync::Arc;

#[allow(unused_imports, reason = "until there are raw endpoints")]
pub(crate) use endpoint::{Call, Endpoint, Method};

use crate::http::{Routes, Rule};
use crate::model::Scope;
use crate::service::{
    EndSpan, GetStatus, LogEvent, Logged, RecordMetric, Recorded, Service, SpanEnded, SpanStarted, StartSpan,
    Status,
};

/// Every endpoint, in the order in which the document lists them.
fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get::<GetStatus, Status>(
            "/api/v1/status",
            Scope::Read,
            "What runs here, and on which store",
            Service::status,
        ),
        Endpoint::batch::<LogEvent, Logged>("/api/v1/logs", Scope::Ingest, "Log events", Service::log_event),
        Endpoint::batch::<StartSpan, SpanStarted>(
            "/api/v1/spans",
            Scope::Ingest,
            "Start spans",
            Service::start_span,
        ),
        Endpoint::batch::<EndSpan, SpanEnded>(
            "/api/v1/spans/{span_id}/end",
            Scope::Ingest,
            "End a span",
            Service::end_span,
        ),
        Endpoint::batch::<RecordMetric, Recorded>(
            "/api/v1/metrics",
            Scope::Ingest,
            "Record metric values",
            Service::record_metric,
        ),
    ]
}

/// The routes.
pub fn routes(service: Arc<Service>) -> Routes {
    let endpoints = endpoints();
    let document = document::served(&endpoints);
    let routes = Routes::default().get("/api/openapi.json", Rule::Open, document);
    endpoints.into_iter().fold(routes, |routes, endpoint| endpoint.mount(routes)).with_state(service)
}

#[cfg(test)]
mod tests;
