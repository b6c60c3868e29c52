//! Looking into the store for what has happened since an instant.

use super::event::{Happening, LiveKind};
use super::filter::Filter;
use crate::model::{LogPosition, Problem, ProjectId, SpanPosition, SpanQuery, SpanTime, Timestamp};
use crate::store::Store;

/// Records of a page.
const PAGE: usize = 200;

/// Records of each kind that are read, the newest.
const MOST_READ: usize = 2_000;

/// About how many bytes of them.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Events that are told at once: half of what is kept of them, so that who has seen all is not cut for it.
const MOST_TOLD: usize = 1_000;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of its times.
    pub(super) happenings: Vec<Happening>,
    /// The instant before which something may be missing, if there was more than is read at once.
    pub(super) complete_since: Option<Timestamp>,
}

impl Found {
    /// Leaves out the oldest of what is too much to be told at once.
    pub(super) fn shorten(&mut self) {
        let surplus = self.happenings.len().saturating_sub(MOST_TOLD);
        let left_out = self.happenings.drain(..surplus).next_back().and_then(|last| last.time());
        self.complete_since = left_out.max(self.complete_since);
    }
}

/// What is wanted of all that the store holds from `since` on.
pub(super) async fn look(
    store: &dyn Store,
    project: &ProjectId,
    filter: &Filter,
    (since, until): (Timestamp, Timestamp),
) -> Result<Found, Problem> {
    let (logs, starts, ends) = futures::try_join!(
        logs(store, project, filter, since),
        spans(store, project, filter, (since, until), SpanTime::Start),
        spans(store, project, filter, (since, until), SpanTime::End),
    )?;
    let mut all = Found::default();
    for found in [logs, starts, ends] {
        all.happenings.extend(found.happenings);
        all.complete_since = all.complete_since.max(found.complete_since);
    }
    all.happenings.sort_by(|one, other| place(one).cmp(&place(other)));
    Ok(all)
}

/// By what events are ordered: what happened at one instant, in the order in which it makes sense.
fn place(happening: &Happening) -> (Option<Timestamp>, LiveKind, &str) {
    (happening.time(), happening.kind(), happening.id())
}

async fn logs(
    store: &dyn Store,
    project: &ProjectId,
    filter: &Filter,
    since: Timestamp,
) -> Result<Found, Problem> {
    let mut found = Found::default();
    let Some(mut query) = filter.logs(since, PAGE) else { return Ok(found) };
    let mut bytes = 0;
    for _ in 0..MOST_READ / PAGE {
        let page = store.logs(project, &query).await?;
        let happened = page.logs.into_iter().map(|log| Happening::Log(Box::new(log)));
        found.happenings.extend(happened.inspect(|log| bytes += log.approximate_bytes()));
        query.before = page.next;
        if query.before.is_none() {
            return Ok(found);
        }
        if bytes > MOST_BYTES {
            break;
        }
    }
    found.complete_since = query.before.map(|LogPosition { timestamp, .. }| timestamp);
    Ok(found)
}

async fn spans(
    store: &dyn Store,
    project: &ProjectId,
    filter: &Filter,
    (since, until): (Timestamp, Timestamp),
    by: SpanTime,
) -> Result<Found, Problem> {
    let mut found = Found::default();
    let kind = match by {
        SpanTime::Start => LiveKind::SpanStart,
        SpanTime::End => LiveKind::SpanEnd,
    };
    if !filter.wants_spans(kind) {
        return Ok(found);
    }
    let mut bytes = 0;
    let mut query = SpanQuery { by, since, until, newest_first: true, limit: PAGE, after: None };
    for _ in 0..MOST_READ / PAGE {
        let page = store.spans(project, &query).await?;
        let happened = page.spans.into_iter().map(|span| match by {
            SpanTime::Start => Happening::SpanStart(Box::new(span.as_started())),
            SpanTime::End => Happening::SpanEnd(Box::new(span)),
        });
        let happened = happened.inspect(|span| bytes += span.approximate_bytes());
        found.happenings.extend(happened.filter(|happening| filter.matches(happening)));
        query.after = page.next;
        if query.after.is_none() {
            return Ok(found);
        }
        if bytes > MOST_BYTES {
            break;
        }
    }
    found.complete_since = query.after.map(|SpanPosition { start_time, .. }| start_time);
    Ok(found)
}
