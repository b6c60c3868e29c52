//! Writes, for those who speak no MCP: the four tools that write, with the same arguments and answers.

use crate::api::Endpoint;
use crate::model::Scope;
use crate::service::{
    EndSpan, LogEvent, Logged, RecordMetric, Recorded, Service, SpanEnded, SpanStarted, StartSpan,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
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
