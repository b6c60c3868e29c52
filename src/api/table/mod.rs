//! Every endpoint, by topic.

mod live;
mod moves;
mod numbers;
mod status;
mod traces;
mod writes;

use std::sync::LazyLock;

use super::Endpoint;

/// The table, in the order in which the routes are listed. Made once: what an endpoint asks for is read off its type.
pub(super) static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    [
        numbers::endpoints(),
        traces::endpoints(),
        live::endpoints(),
        writes::endpoints(),
        moves::endpoints(),
        status::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
});
