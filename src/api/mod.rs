//! The API over HTTP, as a table.
//!
//! An `Endpoint` names its address, the scope that a key needs, its request, its answer and its use case. From the
//! table are made the routes, the reading of what is asked, and the OpenAPI document at `/api/openapi.json`. To add one:
//!
//! ```text
//! // src/service/overview/mod.rs
//! impl Service {
//!     pub async fn overview(&self, caller: &Caller, request: GetOverview) -> Result<Overview, Problem> { … }
//! }
//!
//! // src/api/table/numbers.rs, in `endpoints`
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
//! - `Endpoint::array` answers with the bare items of a [`Page`](crate::service::Page), and names the next page in `Link`
//! - `Endpoint::batch` takes one record or an array of them, by a use case that answers with [`Committed`]
//! - `Endpoint::raw` hands the whole `Call` over, for answers that are streams and bodies that are not JSON
//!
//! [`Committed`]: crate::service::Committed

mod arguments;
mod batch;
mod document;
mod endpoint;
mod live;
mod query;
mod reply;
mod schema;
mod shape;
mod table;

use std::sync::Arc;

pub(crate) use endpoint::{Call, Endpoint, Method};

use crate::http::{Routes, Rule};
use crate::service::Service;

/// The routes.
pub fn routes(service: Arc<Service>) -> Routes {
    let routes = Routes::default().get("/api/openapi.json", Rule::Open, document::serve);
    table::ENDPOINTS
        .iter()
        .fold(routes, |routes, endpoint| endpoint.mount(routes))
        .compressed()
        .with_state(service)
}

#[cfg(test)]
mod tests;
