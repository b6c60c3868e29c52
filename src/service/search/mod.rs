//! Finding traces, spans and logs by their text.
//!
//! There is no index: traces are looked through as their list is, logs as by `query_logs`, spans from the newest on. Each
//! stops at a budget, says how far it got, and goes on with the next page.

mod answer;
mod request;
mod snippet;
mod spans;

use futures::future::try_join3;
use serde::{Deserialize, Serialize};

pub use answer::{Found, Looked, SearchAnswer};
pub use request::Search;

use super::caller::Caller;
use super::stretch::Stretch;
use super::text::{choice, given, limit, words};
use super::{Service, cursor, within_deadline};
use crate::model::{
    EventFilter, LevelFilter, LogPosition, LogQuery, Problem, ProjectId, Scope, SpanId, SpanPosition,
    Timestamp, TraceId, TraceListQuery, TracePosition, TraceSort,
};

/// Hits of one kind that one answer may hold.
const MAX_FOUND: i64 = 100;
/// What can be looked for.
const KINDS: [&str; 3] = ["traces", "spans", "logs"];

/// How far a kind has been looked through.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Progress<Position> {
    /// Not at all.
    Fresh,
    /// Up to here.
    Behind(Position),
    /// To the end.
    Done,
}

/// How far a search has come.
#[derive(Serialize, Deserialize)]
struct Place {
    #[serde(flatten)]
    stretch: Stretch,
    traces: Progress<TracePosition>,
    spans: Progress<SpanPosition>,
    logs: Progress<LogPosition>,
}

/// What is looked for.
struct Wanted {
    words: Vec<String>,
    stretch: Stretch,
    limit: usize,
}

/// What was found of one kind.
struct Batch<Position> {
    found: Vec<Found>,
    /// How many match, if that is known better than by what was found.
    total: u64,
    exact: bool,
    progress: Progress<Position>,
}

impl Service {
    /// Looks for records that hold all words of a text, or bear it as their id.
    pub async fn search(&self, caller: &Caller, request: Search) -> Result<SearchAnswer, Problem> {
        within_deadline(self.page_of_search(caller, request)).await
    }

    async fn page_of_search(&self, caller: &Caller, request: Search) -> Result<SearchAnswer, Problem> {
        let project = caller.project(Scope::Read)?;
        let words = words("q", Some(&request.q))?;
        if words.is_empty() {
            return Err(Problem::invalid("q", "`q` holds no word to search for"));
        }
        let kept = self.options.traces_kept.max(self.options.logs_kept);
        let asked = Stretch::parse(&request.period, kept, self.clock.now())?;
        let limit = limit(request.limit.as_ref(), 20, MAX_FOUND)?;
        let place = match given(request.cursor.as_deref()) {
            Some(text) => cursor::decode(project, &request, text)?,
            None => Place::first(asked, choice("kind", request.kind.as_deref(), KINDS)?),
        };
        let wanted = Wanted { words, stretch: place.stretch, limit };
        let mut items = match given(request.cursor.as_deref()) {
            Some(_) => Vec::new(),
            None => self.found_by_id(project, request.q.trim(), &wanted).await?,
        };
        let (traces, spans, logs) = try_join3(
            self.search_traces(project, &wanted, place.traces),
            self.search_spans(project, &wanted, place.spans),
            self.search_logs(project, &wanted, place.logs),
        )
        .await?;
        let looked = vec![traces.looked("traces"), spans.looked("spans"), logs.looked("logs")];
        let is_done = looked.iter().all(|looked| looked.complete);
        let total = traces.total + spans.total + logs.total;
        let total_exact = traces.exact && spans.exact && logs.exact;
        let known = items.len();
        for found in [traces.found, spans.found, logs.found].concat() {
            let is_known = |known: &Found| {
                (&known.kind, &known.trace_id, &known.span_id)
                    == (&found.kind, &found.trace_id, &found.span_id)
            };
            if !items.iter().take(known).any(is_known) {
                items.push(found);
            }
        }
        let place = Place {
            stretch: wanted.stretch,
            traces: traces.progress,
            spans: spans.progress,
            logs: logs.progress,
        };
        let next = if is_done { None } else { Some(cursor::encode(project, &request, place)?) };
        Ok(SearchAnswer {
            total: total.max(items.len() as u64),
            total_exact,
            returned: items.len(),
            limit: wanted.limit,
            truncated: next.is_some(),
            next,
            items,
            looked,
            untrusted: true,
        })
    }

    /// The trace and the span that bear this id, whenever they started.
    async fn found_by_id(
        &self,
        project: &ProjectId,
        id: &str,
        wanted: &Wanted,
    ) -> Result<Vec<Found>, Problem> {
        let mut found = Vec::new();
        if let Ok(trace_id) = TraceId::parse("q", id) {
            let trace_id = self.held_trace(project, trace_id).await?;
            let row = self.store.trace_row(project, &trace_id).await?;
            found.extend(row.map(|row| Found::trace(&row, self.stale(), &wanted.words).exactly()));
        }
        if let Ok(span_id) = SpanId::parse("q", id) {
            let span_id = self.held_span(project, span_id).await?;
            let span = self.store.span(project, &span_id).await?;
            found.extend(span.map(|span| spans::found(&span, &wanted.words).exactly()));
        }
        Ok(found)
    }

    async fn search_traces(
        &self,
        project: &ProjectId,
        wanted: &Wanted,
        progress: Progress<TracePosition>,
    ) -> Result<Batch<TracePosition>, Problem> {
        if progress.is_done() {
            return Ok(Batch::done());
        }
        let query = TraceListQuery {
            since: wanted.stretch.since,
            until: wanted.stretch.until,
            agent_name: None,
            session_id: None,
            status: None,
            stale: self.stale(),
            min_duration_ms: None,
            words: wanted.words.clone(),
            sort: TraceSort::Start,
            limit: wanted.limit,
            after: progress.position(),
        };
        let page = self.store.traces(project, &query).await?;
        Ok(Batch {
            found: page.traces.iter().map(|row| Found::trace(row, query.stale, &wanted.words)).collect(),
            total: page.total.value,
            exact: page.total.exact,
            progress: Progress::to(page.next),
        })
    }

    async fn search_logs(
        &self,
        project: &ProjectId,
        wanted: &Wanted,
        progress: Progress<LogPosition>,
    ) -> Result<Batch<LogPosition>, Problem> {
        if progress.is_done() {
            return Ok(Batch::done());
        }
        let query = LogQuery {
            event_type: EventFilter::Any,
            level: LevelFilter::Any,
            since: wanted.stretch.since,
            until: Some(wanted.stretch.until),
            trace_id: None,
            agent_name: None,
            words: wanted.words.clone(),
            limit: wanted.limit,
            before: progress.position(),
        };
        let page = self.store.logs(project, &query).await?;
        Ok(Batch {
            found: page.logs.iter().map(|log| Found::log(log, &wanted.words)).collect(),
            total: page.total.value,
            exact: page.total.exact,
            progress: Progress::to(page.next),
        })
    }
}

impl Place {
    /// The start of a search for these kinds; for all, if none is named.
    fn first(stretch: Stretch, kinds: [bool; 3]) -> Self {
        let all = kinds == [false; 3];
        let [traces, spans, logs] = kinds.map(|named| named || all);
        Self {
            stretch,
            traces: Progress::from(traces),
            spans: Progress::from(spans),
            logs: Progress::from(logs),
        }
    }
}

impl<Position> Progress<Position> {
    const fn from(is_wanted: bool) -> Self {
        if is_wanted { Self::Fresh } else { Self::Done }
    }

    fn to(next: Option<Position>) -> Self {
        next.map_or(Self::Done, Self::Behind)
    }

    const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Behind what to go on; `None` for the start.
    fn position(self) -> Option<Position> {
        match self {
            Self::Behind(position) => Some(position),
            Self::Fresh | Self::Done => None,
        }
    }
}

impl<Position: When> Batch<Position> {
    /// Of a kind that is not looked for, or no more.
    const fn done() -> Self {
        Self { found: Vec::new(), total: 0, exact: true, progress: Progress::Done }
    }

    fn looked(&self, kind: &str) -> Looked {
        let back_to = match &self.progress {
            Progress::Behind(position) => Some(position.when().to_rfc3339()),
            _ => None,
        };
        Looked { kind: kind.to_owned(), complete: self.progress.is_done(), back_to }
    }
}

/// The time of a position.
trait When {
    fn when(&self) -> Timestamp;
}

impl When for TracePosition {
    #[expect(clippy::cast_possible_truncation, reason = "microseconds, of which the rank by start is made")]
    fn when(&self) -> Timestamp {
        Timestamp::from_micros(self.rank as i64)
    }
}

impl When for SpanPosition {
    fn when(&self) -> Timestamp {
        self.start_time
    }
}

impl When for LogPosition {
    fn when(&self) -> Timestamp {
        self.timestamp
    }
}
