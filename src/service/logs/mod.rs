//! Reading logs back.

mod answer;
mod histogram;
mod list;
mod published;
mod request;

use std::time::Duration;

pub use answer::{Histogram, LevelCounts, LogBin, LogList};
pub use published::PublishedLog;
pub use request::{ListLogs, RecentLogs};

use super::answer::{LogView, LogsAnswer};
use super::caller::Caller;
use super::request::QueryLogs;
use super::text::{given, integer, limit, words};
use super::{Service, cursor, within_deadline};
use crate::model::{
    EventFilter, EventType, Level, LevelFilter, Log, LogPage, LogPosition, LogQuery, Problem, ProjectId,
    Scope, TraceId, is_none_word,
};

/// Logs that one answer may hold.
const MAX_LOGS: i64 = 200;
/// Bytes of logs that one answer may hold; MCP sends an answer twice, as text and as structure.
pub(super) const MAX_PAGE_BYTES: usize = 512 * 1024;

impl Service {
    /// A page of logs, newest first.
    pub async fn query_logs(&self, caller: &Caller, request: QueryLogs) -> Result<LogsAnswer, Problem> {
        within_deadline(self.page_of_logs(caller, request)).await
    }

    async fn page_of_logs(&self, caller: &Caller, request: QueryLogs) -> Result<LogsAnswer, Problem> {
        let project = caller.project(Scope::Read)?;
        let mut query = self.log_query(project, &request)?;
        if let Some(trace_id) = query.trace_id.take() {
            query.trace_id = Some(self.held_trace(project, trace_id).await?);
        }
        let page = self.store.logs(project, &query).await?;
        let total = page.total;
        let (logs, next) = within_bytes(page);
        let next = next.map(|position| cursor::encode(project, &request, position)).transpose()?;
        Ok(LogsAnswer {
            total: total.value,
            total_exact: total.exact,
            returned: logs.len(),
            limit: query.limit,
            truncated: next.is_some(),
            next,
            logs: logs.into_iter().map(LogView::from).collect(),
            untrusted: true,
        })
    }

    fn log_query(&self, project: &ProjectId, request: &QueryLogs) -> Result<LogQuery, Problem> {
        let kept = i64::try_from(self.options.logs_kept.as_secs() / 60).unwrap_or(i64::MAX);
        let minutes = integer("since_minutes", request.since_minutes.as_ref(), 60, 1, kept)?;
        let since = Duration::from_secs(minutes.unsigned_abs() * 60);
        let before = given(request.cursor.as_deref())
            .map(|text| cursor::decode(project, request, text))
            .transpose()?;
        Ok(LogQuery {
            event_type: event_filter(request.event_type.as_deref())?,
            level: level_filter(request.level.as_deref(), request.min_level.as_deref())?,
            since: self.clock.now().minus(since),
            until: None,
            trace_id: given(request.trace_id.as_deref())
                .map(|id| TraceId::parse("trace_id", id))
                .transpose()?,
            agent_name: given(request.agent_name.as_deref()).map(ToOwned::to_owned),
            words: words("text", request.text.as_deref())?,
            limit: limit(request.limit.as_ref(), 100, MAX_LOGS)?,
            before,
        })
    }
}

/// As many of a page's logs as fit an answer, and where to go on.
fn within_bytes(page: LogPage) -> (Vec<Log>, Option<LogPosition>) {
    let mut bytes = 0;
    let mut logs = Vec::with_capacity(page.logs.len());
    for log in page.logs {
        bytes += size(&log);
        if bytes > MAX_PAGE_BYTES && !logs.is_empty() {
            let next = logs.last().map(Log::position);
            return (logs, next);
        }
        logs.push(log);
    }
    (logs, page.next)
}

/// Nothing and `*` mean all; a trailing `*` means all that begin so; anything else is literal.
pub(super) fn event_filter(text: Option<&str>) -> Result<EventFilter, Problem> {
    match text {
        None => Ok(EventFilter::Any),
        Some(text) if is_none_word(text) || text == "*" => Ok(EventFilter::Any),
        Some(text) => match text.strip_suffix('*') {
            Some(prefix) => Ok(EventFilter::Prefix(EventType::parse("event_type", prefix)?.into())),
            None => Ok(EventFilter::Exactly(EventType::parse("event_type", text)?)),
        },
    }
}

/// Exactly one level, or it and those above it.
pub(super) fn level_filter(level: Option<&str>, min_level: Option<&str>) -> Result<LevelFilter, Problem> {
    match (given(level), given(min_level)) {
        (None, None) => Ok(LevelFilter::Any),
        (Some(level), None) => Ok(LevelFilter::Exactly(Level::parse("level", level)?)),
        (None, Some(level)) => Ok(LevelFilter::AtLeast(Level::parse("min_level", level)?)),
        (Some(_), Some(_)) => {
            Err(Problem::invalid("min_level", "`level` and `min_level` exclude each other"))
        }
    }
}

fn size(log: &Log) -> usize {
    let metadata = serde_json::to_string(&log.metadata).map_or(0, |text| text.len());
    log.message.len() + metadata + 300
}
