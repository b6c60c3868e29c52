//! Traces and logs: lists, one trace, search, deletion.

use crate::api::Endpoint;

pub(super) fn endpoints() -> Vec<Endpoint> {
    Vec::new()
}
