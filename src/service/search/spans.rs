//! Spans that hold some words.

use super::{Batch, Found, Progress, Wanted};
use crate::model::{Problem, ProjectId, Span, SpanPosition, SpanQuery, SpanTime};
use crate::service::Service;

/// Spans that are looked at for one page.
const BUDGET: usize = 5_000;
/// Spans that are read at once.
const AT_ONCE: usize = 500;

impl Service {
    /// Looks through spans, the newest first.
    pub(super) async fn search_spans(
        &self,
        project: &ProjectId,
        wanted: &Wanted,
        progress: Progress<SpanPosition>,
    ) -> Result<Batch<SpanPosition>, Problem> {
        if progress.is_done() {
            return Ok(Batch::done());
        }
        let mut query = SpanQuery {
            by: SpanTime::Start,
            since: wanted.stretch.since,
            until: wanted.stretch.until,
            newest_first: true,
            limit: AT_ONCE,
            after: progress.position(),
        };
        let mut batch = Batch { found: Vec::new(), total: 0, exact: false, progress: Progress::Done };
        let mut looked_at = 0;
        loop {
            let page = self.store.spans(project, &query).await?;
            for span in &page.spans {
                if holds(span, &wanted.words) {
                    batch.found.push(found(span, &wanted.words));
                }
                if batch.found.len() == wanted.limit {
                    let position = SpanPosition::by(span, SpanTime::Start);
                    batch.total = batch.found.len() as u64;
                    return Ok(Batch { progress: Progress::Behind(position), ..batch });
                }
            }
            looked_at += page.spans.len().max(1);
            batch.total = batch.found.len() as u64;
            let Some(next) = page.next else { return Ok(Batch { exact: query.after.is_none(), ..batch }) };
            if looked_at >= BUDGET {
                return Ok(Batch { progress: Progress::Behind(next), ..batch });
            }
            query.after = Some(next);
        }
    }
}

/// A span as it is shown.
pub(super) fn found(span: &Span, words: &[String]) -> Found {
    Found::span(span, &metadata(span), words)
}

fn holds(span: &Span, words: &[String]) -> bool {
    let told = [span.error.as_deref(), span.agent_name.as_deref(), span.model.as_deref()];
    let named = [Some(span.name.as_str()), Some(span.span_id.as_str())];
    let mut text = named.into_iter().chain(told).flatten().collect::<Vec<_>>().join("\n");
    if !span.metadata.is_empty() {
        text.push('\n');
        text.push_str(&metadata(span));
    }
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

fn metadata(span: &Span) -> String {
    if span.metadata.is_empty() {
        return String::new();
    }
    serde_json::to_string(&span.metadata).unwrap_or_default()
}
