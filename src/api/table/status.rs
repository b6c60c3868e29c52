//! What runs here.

use crate::api::Endpoint;
use crate::model::Scope;
use crate::service::{GetStatus, Service, Status};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get::<GetStatus, Status>(
        "/api/v1/status",
        Scope::Read,
        "What runs here, and on which store",
        Service::status,
    )]
}
