//! Reading traces back.

use super::answer::{SpanView, TraceAnswer};
use super::caller::Caller;
use super::logs::MAX_PAGE_BYTES;
use super::request::GetTrace;
use super::text::{given, limit};
use super::{Service, cursor, tree, within_deadline};
use crate::model::{Problem, ProjectId, Scope, Span, SpanStatus, TraceId, TracePage, TraceQuery};

/// Spans that one answer may hold.
const MAX_SPANS: i64 = 1_000;

impl Service {
    /// A trace, or a page of one. An unknown trace has no spans.
    pub async fn get_trace(&self, caller: &Caller, request: GetTrace) -> Result<TraceAnswer, Problem> {
        within_deadline(self.page_of_trace(caller, request)).await
    }

    async fn page_of_trace(&self, caller: &Caller, request: GetTrace) -> Result<TraceAnswer, Problem> {
        let project = caller.project(Scope::Read)?;
        let asked = TraceId::parse("trace_id", request.trace_id.clone())?;
        let after = given(request.cursor.as_deref())
            .map(|text| cursor::decode(project, &request.trace_id, text))
            .transpose()?;
        let mut query =
            TraceQuery { trace_id: asked, limit: limit(request.limit.as_ref(), 1_000, MAX_SPANS)?, after };
        let mut page = self.store.trace(project, &query).await?;
        if page.total == 0 {
            page = self.trace_by_other_form(project, &mut query).await?;
        }
        self.answer(project, &request, query, page)
    }

    /// The trace, where it was stored under another form of the id that was asked for.
    async fn trace_by_other_form(
        &self,
        project: &ProjectId,
        query: &mut TraceQuery,
    ) -> Result<TracePage, Problem> {
        let w3c = query.trace_id.to_w3c();
        let original = TraceId::stored(self.original(project, &w3c).await?);
        if original == query.trace_id {
            return Ok(TracePage::default());
        }
        let held = TraceQuery { trace_id: original, ..query.clone() };
        let page = self.store.trace(project, &held).await?;
        if page.total > 0 {
            *query = held;
        }
        Ok(page)
    }

    fn answer(
        &self,
        project: &ProjectId,
        request: &GetTrace,
        query: TraceQuery,
        page: TracePage,
    ) -> Result<TraceAnswer, Problem> {
        let (spans, next) = within_bytes(page.spans, page.next);
        let stale = self.clock.now().minus(self.options.stale_after);
        let abandoned = page.last_activity.is_none_or(|last| last < stale);
        let duration_ms = duration_ms(&spans);
        let partial = spans.len() as u64 != page.total;
        let parents: Vec<Option<String>> =
            spans.iter().map(|span| span.parent_span_id.clone().map(Into::into)).collect();
        let spans: Vec<SpanView> = spans
            .into_iter()
            .map(|span| {
                let status = match span.status {
                    SpanStatus::InProgress if abandoned => SpanStatus::Abandoned,
                    status => status,
                };
                SpanView::new(span, status, page.agent_name.as_deref())
            })
            .collect();
        let tree = tree::build(&spans, &parents, partial);
        let count = |statuses: &[SpanStatus]| {
            spans.iter().filter(|span| statuses.iter().any(|status| span.status == status.as_str())).count()
        };
        let next = next.map(|position| cursor::encode(project, &request.trace_id, position)).transpose()?;
        Ok(TraceAnswer {
            trace_id: query.trace_id.into(),
            tree,
            duration_ms,
            error_count: count(&[SpanStatus::Error]),
            open_count: count(&[SpanStatus::InProgress, SpanStatus::Abandoned]),
            total: page.total,
            returned: spans.len(),
            limit: query.limit,
            truncated: next.is_some(),
            next,
            spans,
            untrusted: true,
        })
    }
}

/// As many of the spans as fit an answer, and where to go on.
fn within_bytes(
    spans: Vec<Span>,
    next: Option<crate::model::SpanPosition>,
) -> (Vec<Span>, Option<crate::model::SpanPosition>) {
    let mut bytes = 0;
    let fits = spans.iter().take_while(|span| {
        bytes += serde_json::to_string(&span.metadata).map_or(0, |text| text.len()) + 600;
        bytes <= MAX_PAGE_BYTES
    });
    let count = fits.count().max(1);
    if count >= spans.len() {
        return (spans, next);
    }
    let mut spans = spans;
    spans.truncate(count);
    let next = spans.last().map(Span::position);
    (spans, next)
}

fn duration_ms(spans: &[Span]) -> Option<f64> {
    let start = spans.iter().map(|span| span.start_time).min()?;
    let end = spans.iter().filter_map(|span| span.end_time).max()?;
    Some(end.millis_since(start).max(0.0))
}
