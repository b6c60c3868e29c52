//! What happens now.

use crate::api::{Endpoint, Method, live};
use crate::model::Scope;
use crate::service::{LiveView, WatchLive};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::raw::<WatchLive, LiveView, _>(
        Method::Get,
        "/api/v1/live",
        Scope::Read,
        "What happens, as it happens: server-sent events log, span_start, span_end, gap and end",
        "text/event-stream",
        live::respond,
    )]
}
