//! Everything, out of a store and into one.

use crate::api::Endpoint;

pub(super) fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
