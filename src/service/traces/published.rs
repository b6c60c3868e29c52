//! Traces in the shape of the published dashboard.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::answer::ListedTrace;
use super::request::RecentTraces;
use crate::model::Problem;
use crate::service::{Caller, Page, Service, SpanView};

/// A trace as the published dashboard lists it: its three keys, and then what else /api/v1/traces tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PublishedTrace {
    /// The trace
    pub trace_id: String,
    /// Its first spans
    pub spans: Vec<SpanView>,
    /// How long it took or, while a span is open, has been going on: always a number, as its readers expect
    pub duration_ms: f64,
    /// As in /api/v1/traces
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Service {
    /// Recent traces, as the published dashboard lists them.
    pub async fn published_traces(
        &self,
        caller: &Caller,
        request: RecentTraces,
    ) -> Result<Page<PublishedTrace>, Problem> {
        let page = self.list_traces(caller, request.into()).await?;
        let items = page.items.into_iter().map(PublishedTrace::new).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}

impl PublishedTrace {
    fn new(mut listed: ListedTrace) -> Result<Self, Problem> {
        let spans = listed.spans.take().unwrap_or_default();
        let Value::Object(mut rest) = serde_json::to_value(&listed).map_err(Problem::internal)? else {
            return Err(Problem::internal("a trace is no object"));
        };
        let took = listed.totals.duration_ms.or(listed.totals.running_ms).unwrap_or_default();
        rest.retain(|name, _| name != "trace_id" && name != "duration_ms");
        Ok(Self { trace_id: listed.head.trace_id, spans, duration_ms: took, rest })
    }
}
