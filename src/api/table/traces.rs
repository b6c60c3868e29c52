//! Traces and logs: lists, one trace, search, deletion; and the published routes.

use crate::api::Endpoint;
use crate::model::Scope;
use crate::service::{
    DeleteTrace, DeleteTraces, DeletedTraces, GetTrace, ListLogs, ListRunning, ListTraces, LogList,
    PublishedLog, PublishedTrace, ReadTrace, RecentLogs, RecentTraces, RunningList, Search, SearchAnswer,
    Service, TraceAnswer, TraceList, TraceReport,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get::<ListTraces, TraceList>(
            "/api/v1/traces",
            Scope::Read,
            "Recent traces",
            Service::list_traces,
        ),
        Endpoint::get::<ReadTrace, TraceReport>(
            "/api/v1/traces/{trace_id}",
            Scope::Read,
            "One trace: its spans, nested, its critical path, what it comes to",
            Service::read_trace,
        ),
        Endpoint::get::<ListRunning, RunningList>(
            "/api/v1/running",
            Scope::Read,
            "Traces in progress",
            Service::running,
        ),
        Endpoint::get::<ListLogs, LogList>("/api/v1/logs", Scope::Read, "Recent logs", Service::list_logs),
        Endpoint::get::<Search, SearchAnswer>(
            "/api/v1/search",
            Scope::Read,
            "Traces, spans and logs by their text",
            Service::search,
        ),
        Endpoint::delete::<DeleteTrace, DeletedTraces>(
            "/api/v1/traces/{trace_id}",
            Scope::Admin,
            "Delete a trace",
            Service::delete_trace,
        ),
        Endpoint::delete::<DeleteTraces, DeletedTraces>(
            "/api/v1/traces",
            Scope::Admin,
            "Delete all traces and logs of an agent or a conversation",
            Service::delete_traces,
        ),
        Endpoint::array::<RecentTraces, PublishedTrace>(
            "/api/traces",
            Scope::Read,
            "Recent traces, as the published dashboard lists them",
            Service::published_traces,
        ),
        Endpoint::get::<GetTrace, TraceAnswer>(
            "/api/traces/{trace_id}",
            Scope::Read,
            "One trace, as the published dashboard shows it",
            Service::get_trace,
        ),
        Endpoint::array::<RecentLogs, PublishedLog>(
            "/api/logs",
            Scope::Read,
            "Recent logs, as the published dashboard lists them",
            Service::published_logs,
        ),
    ]
}
