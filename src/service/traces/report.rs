//! One trace as a whole.

use super::analysis::{Anatomy, Timing};
use super::answer::{self, TraceReport};
use super::request::ReadTrace;
use crate::model::text::quoted;
use crate::model::{
    Code, EventFilter, LevelFilter, Log, LogQuery, MAX_SPANS_PER_TRACE, Problem, ProjectId, Scope,
    SpanStatus, TraceId, TracePage, TraceQuery, TraceRow,
};
use crate::service::caller::Caller;
use crate::service::logs::ListLogs;
use crate::service::request::GetTrace;
use crate::service::text::{choice, given};
use crate::service::{Service, within_deadline};

/// Spans that are read at once.
const SPANS_AT_ONCE: usize = 5_000;

impl Service {
    /// A trace with its spans, and what they say together.
    pub async fn read_trace(&self, caller: &Caller, request: ReadTrace) -> Result<TraceReport, Problem> {
        within_deadline(self.report(caller, request)).await
    }

    async fn report(&self, caller: &Caller, request: ReadTrace) -> Result<TraceReport, Problem> {
        let project = caller.project(Scope::Read)?;
        let (with_spans, with_tree) = view(given(request.view.as_deref()).unwrap_or("full"))?;
        let [with_logs] = choice("include", request.include.as_deref(), ["logs"])?;
        let is_first = given(request.cursor.as_deref()).is_none();
        let asked = GetTrace { trace_id: request.trace_id, limit: request.limit, cursor: request.cursor };
        let (query, mut page) = self.read_trace_page(project, &asked).await?;
        let trace_id = query.trace_id.clone();
        let row = self.store.trace_row(project, &trace_id).await?;
        if page.total == 0 {
            // Logs alone make a trace too.
            let log = self.newest_log(project, &trace_id).await?.ok_or_else(|| not_found(&trace_id))?;
            page.last_activity = page.last_activity.max(Some(log.timestamp));
            page.agent_name = page.agent_name.or(log.agent_name);
        }
        let anatomy =
            if is_first { self.anatomy(project, &trace_id, &page).await? } else { Anatomy::default() };
        let row = self.row(row, &trace_id, &page, &anatomy);
        let stale = self.stale();
        let (head, totals) = answer::read(&row, self.clock.now(), stale);
        let is_abandoned = row.summary.status(row.last_activity < stale) == SpanStatus::Abandoned;
        let open_until = if is_abandoned { row.last_activity } else { self.clock.now() };
        let logs = if with_logs {
            let of_trace = ListLogs { trace_id: Some(trace_id.into()), ..ListLogs::default() };
            Some(self.page_of_log_list(project, of_trace).await?)
        } else {
            None
        };
        let page = self.answer(project, &asked, query, page)?;
        let timing = is_first.then(|| anatomy.timing(open_until));
        Ok(TraceReport {
            head,
            totals,
            kinds: timing.as_ref().map(Timing::kinds),
            critical_path: timing.as_ref().and_then(Timing::critical_path),
            first_error: anatomy.first_error(),
            logs,
            total: page.total,
            returned: page.returned,
            limit: page.limit,
            truncated: page.truncated,
            next: page.next,
            spans: with_spans.then_some(page.spans),
            tree: with_tree.then_some(page.tree),
            untrusted: true,
        })
    }

    /// All spans of the trace of which `page` is the first page.
    async fn anatomy(
        &self,
        project: &ProjectId,
        trace_id: &TraceId,
        page: &TracePage,
    ) -> Result<Anatomy, Problem> {
        let mut anatomy = Anatomy::default();
        page.spans.iter().for_each(|span| anatomy.add(span));
        let mut after = page.next.clone();
        while let Some(position) = after.filter(|_| (anatomy.len() as u64) < MAX_SPANS_PER_TRACE) {
            let query =
                TraceQuery { trace_id: trace_id.clone(), limit: SPANS_AT_ONCE, after: Some(position) };
            let page = self.store.trace(project, &query).await?;
            page.spans.iter().for_each(|span| anatomy.add(span));
            after = page.next;
        }
        Ok(anatomy)
    }

    async fn newest_log(&self, project: &ProjectId, trace_id: &TraceId) -> Result<Option<Log>, Problem> {
        let query = LogQuery {
            event_type: EventFilter::Any,
            level: LevelFilter::Any,
            since: self.clock.now().minus(self.options.logs_kept),
            until: None,
            trace_id: Some(trace_id.clone()),
            agent_name: None,
            words: Vec::new(),
            limit: 1,
            before: None,
        };
        Ok(self.store.logs(project, &query).await?.logs.pop())
    }

    /// What is known of the trace: what the store keeps, or what its spans say where a script wrote them and they have
    /// not been adopted yet.
    fn row(
        &self,
        kept: Option<TraceRow>,
        trace_id: &TraceId,
        page: &TracePage,
        anatomy: &Anatomy,
    ) -> TraceRow {
        let mut row = kept.unwrap_or_else(|| TraceRow {
            trace_id: trace_id.clone(),
            summary: anatomy.summary.clone(),
            last_activity: page.last_activity.unwrap_or_else(|| self.clock.now()),
        });
        // A log or a metric may be all that names the agent.
        row.summary.agent_name = row.summary.agent_name.or_else(|| page.agent_name.clone());
        row
    }
}

/// Whether spans and tree are wanted.
fn view(word: &str) -> Result<(bool, bool), Problem> {
    match word.trim().to_ascii_lowercase().as_str() {
        "full" => Ok((true, true)),
        "spans" => Ok((true, false)),
        "tree" => Ok((false, true)),
        "summary" => Ok((false, false)),
        _ => Err(Problem::invalid("view", format!("`view` can't be {}", quoted(word)))
            .hint("one of full, spans, tree, summary")),
    }
}

/// No trace of that id is held.
pub(super) fn not_found(trace_id: &TraceId) -> Problem {
    Problem::new(Code::TraceNotFound, format!("there is no trace {}", quoted(trace_id.as_str())))
        .at("trace_id")
}
