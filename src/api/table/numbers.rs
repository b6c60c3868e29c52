//! The numbers of a window, and what they are made of.

use crate::api::Endpoint;

pub(super) fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
