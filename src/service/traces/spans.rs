//! Traces of a list with their spans.

use futures::future::try_join_all;

use super::ListedTrace;
use crate::model::{Problem, ProjectId, TraceQuery, TraceRow};
use crate::service::logs::MAX_PAGE_BYTES;
use crate::service::trace::approximate_bytes;
use crate::service::{Service, SpanView};

/// Spans of one trace in a list.
const MAX_SPANS: usize = 100;
/// Traces that are read at once.
const AT_ONCE: usize = 8;

impl Service {
    /// Puts the first spans of each trace into it. Once an answer's size is reached the others get none, which is told.
    pub(super) async fn add_spans(
        &self,
        project: &ProjectId,
        rows: &[TraceRow],
        items: &mut [ListedTrace],
    ) -> Result<(), Problem> {
        let mut bytes = 0;
        for (rows, items) in rows.chunks(AT_ONCE).zip(items.chunks_mut(AT_ONCE)) {
            if bytes > MAX_PAGE_BYTES {
                for item in items {
                    item.hold(Vec::new(), item.totals.span_count > 0);
                }
                continue;
            }
            let of =
                |row: &TraceRow| TraceQuery { trace_id: row.trace_id.clone(), limit: MAX_SPANS, after: None };
            let queries: Vec<TraceQuery> = rows.iter().map(of).collect();
            let pages = try_join_all(queries.iter().map(|query| self.store.trace(project, query))).await?;
            for (item, mut page) in items.iter_mut().zip(pages) {
                let held = page.spans.len();
                let fits = page.spans.iter().take_while(|span| {
                    bytes += approximate_bytes(span);
                    bytes <= MAX_PAGE_BYTES
                });
                let fitting = fits.count();
                page.spans.truncate(fitting);
                let truncated = fitting < held || page.next.is_some();
                item.hold(self.views(page), truncated);
            }
        }
        Ok(())
    }
}

impl ListedTrace {
    fn hold(&mut self, spans: Vec<SpanView>, truncated: bool) {
        (self.spans, self.spans_truncated) = (Some(spans), Some(truncated));
    }
}
