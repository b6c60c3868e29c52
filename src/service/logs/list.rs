//! Logs, as the API lists them.

use serde::{Deserialize, Serialize};

use super::{LogList, MAX_LOGS, event_filter, level_filter, request::ListLogs, within_bytes};
use crate::model::{LogPosition, LogQuery, Problem, ProjectId, Scope, TraceId};
use crate::service::answer::LogView;
use crate::service::caller::Caller;
use crate::service::stretch::Stretch;
use crate::service::text::{choice, given, limit, optional_name, words};
use crate::service::{Service, cursor, within_deadline};

/// Where a page ended, and of which stretch it is.
#[derive(Serialize, Deserialize)]
struct Place {
    #[serde(flatten)]
    stretch: Stretch,
    before: LogPosition,
}

impl Service {
    /// A page of logs, newest first, with a histogram where that is wanted.
    pub async fn list_logs(&self, caller: &Caller, request: ListLogs) -> Result<LogList, Problem> {
        within_deadline(async {
            let project = caller.project(Scope::Read)?;
            self.page_of_log_list(project, request).await
        })
        .await
    }

    pub(in crate::service) async fn page_of_log_list(
        &self,
        project: &ProjectId,
        request: ListLogs,
    ) -> Result<LogList, Problem> {
        let [with_histogram] = choice("include", request.include.as_deref(), ["histogram"])?;
        let (query, stretch) = self.list_query(project, &request).await?;
        let page = self.store.logs(project, &query).await?;
        let total = page.total;
        let (logs, next) = within_bytes(page);
        let next =
            next.map(|before| cursor::encode(project, &request, Place { stretch, before })).transpose()?;
        let limit = query.limit;
        let histogram =
            if with_histogram { Some(self.histogram(project, query, stretch).await?) } else { None };
        Ok(LogList {
            total: total.value,
            total_exact: total.exact,
            returned: logs.len(),
            limit,
            truncated: next.is_some(),
            next,
            items: logs.into_iter().map(LogView::from).collect(),
            histogram,
            untrusted: true,
        })
    }

    async fn list_query(
        &self,
        project: &ProjectId,
        request: &ListLogs,
    ) -> Result<(LogQuery, Stretch), Problem> {
        let asked = Stretch::parse(&request.period, self.options.logs_kept, self.clock.now())?;
        let cursor = given(request.cursor.as_deref());
        let place: Option<Place> = cursor.map(|text| cursor::decode(project, request, text)).transpose()?;
        let stretch = place.as_ref().map_or(asked, |place| place.stretch);
        let trace_id = match given(request.trace_id.as_deref()) {
            Some(id) => Some(self.held_trace(project, TraceId::parse("trace_id", id)?).await?),
            None => None,
        };
        let query = LogQuery {
            event_type: event_filter(request.event_type.as_deref())?,
            level: level_filter(request.level.as_deref(), request.min_level.as_deref())?,
            since: stretch.since,
            until: Some(stretch.until),
            trace_id,
            agent_name: optional_name("agent", request.agent.as_deref())?,
            words: words("q", request.q.as_deref())?,
            limit: limit(request.limit.as_ref(), 100, MAX_LOGS)?,
            before: place.map(|place| place.before),
        };
        Ok((query, stretch))
    }
}
