//! Every endpoint, by topic.

mod live;
mod moves;
mod numbers;
mod status;
mod traces;
mod writes;

use super::Endpoint;

/// The table, in the order in which the routes are listed.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        numbers::endpoints(),
        traces::endpoints(),
        live::endpoints(),
        writes::endpoints(),
        moves::endpoints(),
        status::endpoints(),
    ]
    .concat()
}
