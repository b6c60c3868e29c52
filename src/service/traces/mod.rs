//! Traces: lists of them, one as a whole, deleting them.

mod analysis;
mod answer;
mod critical;
mod delete;
mod published;
mod report;
mod request;
mod spans;

use serde::{Deserialize, Serialize};

pub use answer::{
    CriticalPath, DeletedTraces, FirstError, KindTotals, ListedTrace, PathStep, TraceHead, TraceList,
    TraceReport, TraceTokens, TraceTotals,
};
pub use published::PublishedTrace;
pub use request::{DeleteTrace, DeleteTraces, ListTraces, ReadTrace, RecentTraces};

use super::caller::Caller;
use super::stretch::Stretch;
use super::text::{choice, given, limit, millis, optional_name, words};
use super::{Service, cursor, within_deadline};
use crate::model::text::quoted;
use crate::model::{
    Problem, ProjectId, Scope, SpanStatus, TraceId, TraceListQuery, TracePosition, TraceRows, TraceSort,
};

/// Traces that one answer may hold.
const MAX_TRACES: i64 = 200;

/// Where a page ended, and of which stretch it is.
#[derive(Serialize, Deserialize)]
struct Place {
    #[serde(flatten)]
    stretch: Stretch,
    /// The bits of the rank: as a decimal it could come back as another number.
    rank: u64,
    trace_id: TraceId,
}

impl Service {
    /// A page of traces.
    pub async fn list_traces(&self, caller: &Caller, request: ListTraces) -> Result<TraceList, Problem> {
        within_deadline(self.page_of_traces(caller, request)).await
    }

    async fn page_of_traces(&self, caller: &Caller, request: ListTraces) -> Result<TraceList, Problem> {
        let project = caller.project(Scope::Read)?;
        let query = self.trace_query(project, &request)?;
        let [with_spans] = choice("include", request.include.as_deref(), ["spans"])?;
        let page = self.store.traces(project, &query).await?;
        let next =
            page.next.as_ref().map(|position| place(project, &request, &query, position)).transpose()?;
        let mut items: Vec<ListedTrace> =
            page.traces.iter().map(|row| ListedTrace::new(row, self.clock.now(), query.stale)).collect();
        if with_spans {
            self.add_spans(project, &page.traces, &mut items).await?;
        }
        let TraceRows { total, complete, .. } = page;
        Ok(TraceList {
            total: total.value,
            total_exact: total.exact,
            returned: items.len(),
            limit: query.limit,
            truncated: next.is_some(),
            next,
            complete,
            items,
            untrusted: true,
        })
    }

    fn trace_query(&self, project: &ProjectId, request: &ListTraces) -> Result<TraceListQuery, Problem> {
        let now = self.clock.now();
        let asked = Stretch::parse(&request.period, self.options.traces_kept, now)?;
        let cursor = given(request.cursor.as_deref());
        let place: Option<Place> = cursor.map(|text| cursor::decode(project, request, text)).transpose()?;
        let stretch = place.as_ref().map_or(asked, |place| place.stretch);
        Ok(TraceListQuery {
            since: stretch.since,
            until: stretch.until,
            agent_name: optional_name("agent", request.agent.as_deref())?,
            session_id: optional_name("session", request.session.as_deref())?,
            status: given(request.status.as_deref()).map(status).transpose()?,
            stale: self.stale(),
            min_duration_ms: millis("min_duration_ms", request.min_duration_ms.as_ref())?,
            words: words("q", request.q.as_deref())?,
            sort: sort(given(request.sort.as_deref()).unwrap_or("start"))?,
            limit: limit(request.limit.as_ref(), 50, MAX_TRACES)?,
            after: place
                .map(|place| TracePosition { rank: f64::from_bits(place.rank), trace_id: place.trace_id }),
        })
    }
}

fn place(
    project: &ProjectId,
    request: &ListTraces,
    query: &TraceListQuery,
    position: &TracePosition,
) -> Result<String, Problem> {
    let stretch = Stretch { since: query.since, until: query.until };
    let place = Place { stretch, rank: position.rank.to_bits(), trace_id: position.trace_id.clone() };
    cursor::encode(project, request, place)
}

fn status(word: &str) -> Result<SpanStatus, Problem> {
    let abandoned = word.trim().eq_ignore_ascii_case(SpanStatus::Abandoned.as_str());
    abandoned.then_some(SpanStatus::Abandoned).or_else(|| SpanStatus::from_word(word)).ok_or_else(|| {
        Problem::invalid("status", format!("`status` can't be {}", quoted(word)))
            .hint("one of in_progress, abandoned, ok, error, cancelled")
    })
}

fn sort(word: &str) -> Result<TraceSort, Problem> {
    Ok(match word.trim().to_ascii_lowercase().as_str() {
        "start" => TraceSort::Start,
        "duration" => TraceSort::Duration,
        "cost" => TraceSort::Cost,
        "tokens" => TraceSort::Tokens,
        "errors" => TraceSort::Errors,
        _ => {
            return Err(Problem::invalid("sort", format!("`sort` can't be {}", quoted(word)))
                .hint("one of start, duration, cost, tokens, errors"));
        }
    })
}
