//! Reading traces back.

use super::answer::{SpanView, TraceAnswer};
use super::caller::Caller;
use super::logs::MAX_PAGE_BYTES;
use super::request::GetTrace;
use super::text::{given, limit};
use super::{Service, cursor, tree, within_deadline};
use crate::model::{
    Problem, ProjectId, Scope, Span, SpanPosition, SpanStatus, Timestamp, TraceId, TracePage, TraceQuery,
};

/// Spans that one answer may hold.
const MAX_SPANS: i64 = 1_000;

impl Service {
    /// A trace, or a page of one. An unknown trace has no spans.
    pub async fn get_trace(&self, caller: &Caller, request: GetTrace) -> Result<TraceAnswer, Problem> {
        within_deadline(self.page_of_trace(caller, request)).await
    }

    async fn page_of_trace(&self, caller: &Caller, request: GetTrace) -> Result<TraceAnswer, Problem> {
        let project = caller.project(Scope::Read)?;
        let (query, page) = self.read_trace_page(project, &request).await?;
        self.answer(project, &request, query, page)
    }

    /// The page that is asked for, and by which query it was found.
    pub(super) async fn read_trace_page(
        &self,
        project: &ProjectId,
        request: &GetTrace,
    ) -> Result<(TraceQuery, TracePage), Problem> {
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
        Ok((query, page))
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

    /// The page as it is answered.
    pub(super) fn answer(
        &self,
        project: &ProjectId,
        request: &GetTrace,
        query: TraceQuery,
        mut page: TracePage,
    ) -> Result<TraceAnswer, Problem> {
        let next = within_bytes(&mut page.spans).or(page.next.take());
        let next = next.map(|position| cursor::encode(project, &request.trace_id, position)).transpose()?;
        let (total, duration_ms) = (page.total, duration_ms(&page.spans));
        let parents: Vec<Option<String>> =
            page.spans.iter().map(|span| span.parent_span_id.clone().map(Into::into)).collect();
        let spans = self.views(page);
        let tree = tree::build(&spans, &parents, spans.len() as u64 != total);
        let count = |statuses: &[SpanStatus]| {
            spans.iter().filter(|span| statuses.iter().any(|status| span.status == status.as_str())).count()
        };
        Ok(TraceAnswer {
            trace_id: query.trace_id.into(),
            tree,
            duration_ms,
            error_count: count(&[SpanStatus::Error]),
            open_count: count(&[SpanStatus::InProgress, SpanStatus::Abandoned]),
            total,
            returned: spans.len(),
            limit: query.limit,
            truncated: next.is_some(),
            next,
            spans,
            untrusted: true,
        })
    }

    /// The spans of a page as they read in their trace.
    pub(super) fn views(&self, page: TracePage) -> Vec<SpanView> {
        let abandoned = self.is_abandoned(page.last_activity);
        let view = |span: Span| {
            let status = match span.status {
                SpanStatus::InProgress if abandoned => SpanStatus::Abandoned,
                status => status,
            };
            SpanView::new(span, status, page.agent_name.as_deref())
        };
        page.spans.into_iter().map(view).collect()
    }

    /// Whether what is open in a trace is abandoned, where something last happened in it then.
    pub(super) fn is_abandoned(&self, last_activity: Option<Timestamp>) -> bool {
        last_activity.is_none_or(|last| last < self.stale())
    }
}

/// Takes away the spans that do not fit an answer; gives where to go on, if there are any.
fn within_bytes(spans: &mut Vec<Span>) -> Option<SpanPosition> {
    let mut bytes = 0;
    let fits = spans.iter().take_while(|span| {
        bytes += approximate_bytes(span);
        bytes <= MAX_PAGE_BYTES
    });
    let count = fits.count().max(1);
    if count >= spans.len() {
        return None;
    }
    spans.truncate(count);
    spans.last().map(Span::position)
}

/// About how long a span is in an answer.
pub(super) fn approximate_bytes(span: &Span) -> usize {
    serde_json::to_string(&span.metadata).map_or(0, |text| text.len()) + 600
}

fn duration_ms(spans: &[Span]) -> Option<f64> {
    let start = spans.iter().map(|span| span.start_time).min()?;
    let end = spans.iter().filter_map(|span| span.end_time).max()?;
    Some(end.millis_since(start).max(0.0))
}
