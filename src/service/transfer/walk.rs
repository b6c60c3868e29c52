//! Reading a store from one end to the other, page by page.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use futures::stream::try_unfold;

use super::{Export, Item, Kind};
use crate::model::{
    EventFilter, LevelFilter, LogPosition, LogQuery, Problem, ProjectId, Scope, SpanPosition, SpanQuery,
    SpanTime, Timestamp,
};
use crate::service::{Caller, Service, within_deadline};

/// Records of a page: few, as each may be large, and more for as long as they are small.
const SMALLEST_PAGE: usize = 25;
const LARGEST_PAGE: usize = 1_000;
/// Bytes that a page is meant to have.
const PAGE_BYTES: usize = 1024 * 1024;

/// Which records are wanted. Series are wanted as they stand, whatever the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection {
    /// Logs taken, spans started and points measured at this instant or later.
    pub(super) since: Timestamp,
    /// Before this instant. Without an end, a walk might never catch up with those who write.
    pub(super) until: Timestamp,
    /// Of these kinds, in the order of [`Kind::ALL`].
    pub(super) kinds: Vec<Kind>,
}

/// Pages of what is held.
pub type Pages = Pin<Box<dyn Stream<Item = Result<Vec<Item>, Problem>> + Send>>;

impl Service {
    /// All that is held of what is asked for, as it is held.
    ///
    /// # Errors
    /// A caller who may not read, a window that is none.
    pub fn all_of(self: &Arc<Self>, caller: &Caller, request: &Export) -> Result<Pages, Problem> {
        self.held(caller, request.selection(self.clock.now())?)
    }

    /// All that is held of the selection, in pages: logs from the newest on, spans and points from the oldest on.
    ///
    /// What is written meanwhile does not move the pages: each goes on behind the last record of the one before.
    pub(super) fn held(self: &Arc<Self>, caller: &Caller, selection: Selection) -> Result<Pages, Problem> {
        let project = caller.project(Scope::Read)?.clone();
        let kinds = selection.kinds.clone().into_iter();
        let walk = Walk {
            service: Arc::clone(self),
            project,
            selection,
            kinds,
            place: Place::Start,
            page: SMALLEST_PAGE,
        };
        Ok(Box::pin(try_unfold(walk, Walk::step)))
    }
}

struct Walk {
    service: Arc<Service>,
    project: ProjectId,
    selection: Selection,
    /// The kinds that are not begun.
    kinds: std::vec::IntoIter<Kind>,
    place: Place,
    /// How many records the next page is to have.
    page: usize,
}

/// From where the next page is read.
enum Place {
    /// Before the next kind.
    Start,
    Logs(Option<LogPosition>),
    Spans(Option<SpanPosition>),
    Points(Option<(Timestamp, String)>),
    Series,
}

impl Walk {
    /// The next page that is not empty.
    async fn step(mut self) -> Result<Option<(Vec<Item>, Self)>, Problem> {
        loop {
            let (items, next) = match &self.place {
                Place::Start => match self.kinds.next() {
                    None => return Ok(None),
                    Some(Kind::Logs) => (Vec::new(), Place::Logs(None)),
                    Some(Kind::Spans) => (Vec::new(), Place::Spans(None)),
                    Some(Kind::Points) => (Vec::new(), Place::Points(None)),
                    Some(Kind::Series) => (Vec::new(), Place::Series),
                },
                Place::Logs(before) => within_deadline(self.logs(before.clone())).await?,
                Place::Spans(after) => within_deadline(self.spans(after.clone())).await?,
                Place::Points(after) => within_deadline(self.points(after.clone())).await?,
                Place::Series => within_deadline(self.series()).await?,
            };
            self.place = next;
            if items.is_empty() {
                continue;
            }
            let bytes: usize = items.iter().map(Item::bytes).sum();
            let page = if bytes > PAGE_BYTES { self.page / 2 } else { self.page * 2 };
            self.page = page.clamp(SMALLEST_PAGE, LARGEST_PAGE);
            return Ok(Some((items, self)));
        }
    }

    async fn logs(&self, before: Option<LogPosition>) -> Result<(Vec<Item>, Place), Problem> {
        let query = LogQuery {
            event_type: EventFilter::Any,
            level: LevelFilter::Any,
            since: self.selection.since,
            until: Some(self.selection.until),
            trace_id: None,
            agent_name: None,
            words: Vec::new(),
            limit: self.page,
            before,
        };
        let page = self.service.store.logs(&self.project, &query).await?;
        let items = page.logs.into_iter().map(|log| Item::Log(Box::new(log))).collect();
        Ok((items, page.next.map_or(Place::Start, |next| Place::Logs(Some(next)))))
    }

    async fn spans(&self, after: Option<SpanPosition>) -> Result<(Vec<Item>, Place), Problem> {
        let query = SpanQuery {
            by: SpanTime::Start,
            since: self.selection.since,
            until: self.selection.until,
            newest_first: false,
            limit: self.page,
            after,
        };
        let page = self.service.store.spans(&self.project, &query).await?;
        let items = page.spans.into_iter().map(|span| Item::Span(Box::new(span))).collect();
        Ok((items, page.next.map_or(Place::Start, |next| Place::Spans(Some(next)))))
    }

    async fn points(&self, after: Option<(Timestamp, String)>) -> Result<(Vec<Item>, Place), Problem> {
        let Selection { since, until, .. } = self.selection;
        let points = self.service.store.points(&self.project, since, until, after, self.page).await?;
        let last = points.last().map(|point| (point.timestamp, point.id.clone()));
        let items = points.into_iter().map(|point| Item::Point(Box::new(point))).collect();
        Ok((items, last.map_or(Place::Start, |last| Place::Points(Some(last)))))
    }

    async fn series(&self) -> Result<(Vec<Item>, Place), Problem> {
        let series = self.service.store.dated_series(&self.project).await?;
        Ok((series.into_iter().map(Item::from).collect(), Place::Start))
    }
}
