//! Recounting the numbers from the records.

use std::ops::Range;
use std::time::Duration;

use super::numbers::instant;
use super::{Caller, Service, within_deadline};
use crate::model::{
    DimensionKind, Problem, ProjectId, RollupQuery, Scope, SpanQuery, SpanTime, Tier, Timestamp,
};

/// How long spans may have run that are gone and ended within what is held. Retention goes by their start, and the hour
/// in which such a span ended can't be recounted.
const LONGEST_RUN: Duration = Duration::from_secs(24 * 60 * 60);

/// Hours that can be recounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeHours {
    /// From the hour that starts here to the one that ends here.
    pub hours: Range<Timestamp>,
    /// Whether hours before have numbers and no longer all of their records, so that they stay as they are.
    pub more_before: bool,
}

impl WholeHours {
    /// Each hour's start, from the first on.
    pub fn starts(&self) -> impl Iterator<Item = Timestamp> + use<> {
        let until = self.hours.end;
        let next = |hour: &Timestamp| Some(hour.plus(Tier::Hour.width()));
        std::iter::successors(Some(self.hours.start), next).take_while(move |hour| *hour < until)
    }
}

impl Service {
    /// The hours, from `since` on, of which all records are held.
    ///
    /// # Errors
    /// A `since` that is no time and no duration, a caller who may not administer, a store that does not answer.
    pub async fn whole_hours(&self, caller: &Caller, since: Option<&str>) -> Result<WholeHours, Problem> {
        let project = caller.project(Scope::Admin)?;
        let now = self.clock.now();
        let asked = since.map(|text| instant("since", text, now)).transpose()?;
        let end = Tier::Hour.start_of(now).plus(Tier::Hour.width());
        let Some(oldest) = within_deadline(self.oldest(project)).await? else {
            return Ok(WholeHours { hours: end..end, more_before: false });
        };
        let first = Tier::Hour.start_of(oldest);
        let kept = now.minus(self.options.traces_kept);
        let are_gone = oldest < kept || within_deadline(self.has_numbers_before(project, first)).await?;
        let whole = if are_gone { next_hour(oldest.max(kept).plus(LONGEST_RUN)) } else { first };
        let start = asked.map_or(whole, |asked| Tier::Hour.start_of(asked).max(whole));
        let hours = start.min(end)..end;
        Ok(WholeHours { hours, more_before: are_gone && asked.is_none_or(|asked| asked < whole) })
    }

    /// Recounts the numbers of the hour that starts at `hour`.
    pub async fn rebuild_hour(&self, caller: &Caller, hour: Timestamp) -> Result<(), Problem> {
        self.store.rebuild(caller.project(Scope::Admin)?, hour).await
    }

    /// When the oldest record begins that adds to the numbers.
    async fn oldest(&self, project: &ProjectId) -> Result<Option<Timestamp>, Problem> {
        let (since, until) = (Timestamp::from_micros(0), self.clock.now());
        let query =
            SpanQuery { by: SpanTime::Start, since, until, newest_first: false, limit: 1, after: None };
        let spans = self.store.spans(project, &query).await?.spans;
        let points = self.store.points(project, since, until, None, 1).await?;
        let times = spans.iter().map(|span| span.start_time);
        Ok(times.chain(points.iter().map(|point| point.timestamp)).min())
    }

    async fn has_numbers_before(&self, project: &ProjectId, hour: Timestamp) -> Result<bool, Problem> {
        let query = RollupQuery {
            tier: Tier::Hour,
            since: Timestamp::from_micros(0),
            until: hour,
            dimension: DimensionKind::Agent,
            agent: None,
            bin: None,
        };
        let rollups = self.store.rollups(project, &query).await?;
        Ok(rollups.iter().any(|rollup| !rollup.tally.is_zero()))
    }
}

/// The first hour that starts at `at` or later.
fn next_hour(at: Timestamp) -> Timestamp {
    let start = Tier::Hour.start_of(at);
    if start == at { start } else { start.plus(Tier::Hour.width()) }
}
