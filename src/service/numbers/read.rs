//! Adding up what a plan names.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;

use super::super::Service;
use super::plan::{Plan, Rows, ceil, minutes_from};
use super::window::{Window, WindowView};
use crate::model::{
    Contribution, Dimension, DimensionKind, Measure, Point, Problem, ProjectId, RollupQuery, Span, SpanQuery,
    SpanTime, Tally, Tier, Timestamp,
};

/// Records that are read for the edge of a window. Where there are more, its whole minute is counted.
const MAX_EDGE_RECORDS: usize = 5_000;
/// Records that are read at a time: all that may be, and one that is too many.
const PAGE: usize = MAX_EDGE_RECORDS + 1;

/// What a contribution does to a sum.
type Change = fn(&mut Tally, &Tally);

/// What is asked of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// Of when.
    pub(super) window: Window,
    /// Of what.
    pub(super) dimension: DimensionKind,
    /// Of this agent alone.
    pub(super) agent: Option<&'a str>,
    /// In bins of this width, whole minutes; where only hours are known, whole hours.
    pub(super) bin: Option<Duration>,
}

/// What was counted, by the bin's start, the agent and the dimension. Without bins all is in one.
#[derive(Debug)]
pub(super) struct Numbers {
    cells: BTreeMap<(Timestamp, String, Dimension), Tally>,
    window: Window,
    exact: bool,
}

impl Numbers {
    /// Everything.
    pub(super) fn total(&self) -> Tally {
        self.by(|_, _, _| Some(())).remove(&()).unwrap_or_default()
    }

    /// Sums by whatever `key` makes of a cell; what it makes nothing of is left out.
    pub(super) fn by<'a, K: Ord>(
        &'a self,
        key: impl Fn(Timestamp, &'a str, &'a Dimension) -> Option<K>,
    ) -> BTreeMap<K, Tally> {
        let mut sums = BTreeMap::<K, Tally>::new();
        for ((bin, agent, dimension), tally) in &self.cells {
            if let Some(key) = key(*bin, agent, dimension) {
                *sums.entry(key).or_default() += tally;
            }
        }
        sums
    }

    /// The minutes of what was counted.
    pub(super) fn minutes(&self) -> f64 {
        self.window.length().as_secs_f64() / 60.0
    }

    /// What was counted, as it is shown.
    pub(super) fn view(&self) -> WindowView {
        self.window.view(self.exact)
    }
}

impl Service {
    /// The first instant from which every minute is known.
    pub(super) fn minutes_from(&self) -> Timestamp {
        minutes_from(self.clock.now(), self.options.traces_kept)
    }

    /// What was counted in a window.
    pub(super) async fn numbers(
        &self,
        project: &ProjectId,
        question: Question<'_>,
    ) -> Result<Numbers, Problem> {
        let now = self.clock.now();
        let mut plan = Plan::new(question.window, question.bin, now, self.minutes_from());
        let mut cells = BTreeMap::<_, Tally>::new();
        let mut count = |given: Contribution, change: Change| {
            let bin = question.bin.map_or(question.window.since, |width| given.at.floor(width));
            change(cells.entry((bin, given.agent, given.dimension)).or_default(), &given.tally);
        };
        let edges = try_join_all(plan.edges.iter().map(|edge| self.edge(project, question, *edge))).await?;
        for (edge, given) in plan.edges.clone().into_iter().zip(edges) {
            match given {
                Some(given) => given.into_iter().for_each(|given| count(given, |sum, tally| *sum += tally)),
                None => plan.widen(edge),
            }
        }
        for (given, change) in self.unsettled(project, question, now).await? {
            if plan.counted.since <= given.at && given.at < plan.end {
                count(given, change);
            }
        }
        let rows = plan.rows.iter().map(|rows| rollup_query(question, *rows));
        let rows = try_join_all(rows.map(async |query| self.store.rollups(project, &query).await)).await?;
        for row in rows.into_iter().flatten() {
            let bin = question.bin.map_or(question.window.since, |_| row.bin);
            *cells.entry((bin, row.agent, row.dimension)).or_default() += &row.tally;
        }
        cells.retain(|_, tally| !tally.is_zero());
        Ok(Numbers { cells, window: plan.counted, exact: plan.exact })
    }

    /// What the records of an edge give; `None` if there are too many of them.
    async fn edge(
        &self,
        project: &ProjectId,
        question: Question<'_>,
        edge: Window,
    ) -> Result<Option<Vec<Contribution>>, Problem> {
        let of_agents = question.dimension == DimensionKind::Agent;
        let ended = self.edge_spans(project, edge, SpanTime::End);
        // Only requests count when they start, and only for their agent.
        let started = async {
            if of_agents { self.edge_spans(project, edge, SpanTime::Start).await } else { Ok(Some(vec![])) }
        };
        let points =
            async { if of_agents { self.edge_points(project, edge).await } else { Ok(Some(vec![])) } };
        let (ended, started, points) = futures::try_join!(ended, started, points)?;
        let (Some(ended), Some(started), Some(points)) = (ended, started, points) else { return Ok(None) };
        let is_start = |given: &Contribution| given.tally[Measure::Started] != 0;
        let starts = started.iter().flat_map(Span::contributions).filter(is_start);
        let ends = ended.iter().flat_map(Span::contributions).filter(|given| !is_start(given));
        let all = starts.chain(ends).chain(points);
        Ok(Some(all.filter(|given| question.wants(given)).collect()))
    }

    async fn edge_spans(
        &self,
        project: &ProjectId,
        edge: Window,
        by: SpanTime,
    ) -> Result<Option<Vec<Span>>, Problem> {
        let mut spans = Vec::new();
        let mut query = SpanQuery {
            by,
            since: edge.since,
            until: edge.until,
            newest_first: false,
            limit: PAGE,
            after: None,
        };
        loop {
            let page = self.store.spans(project, &query).await?;
            spans.extend(page.spans);
            if spans.len() > MAX_EDGE_RECORDS {
                return Ok(None);
            }
            query.after = page.next;
            if query.after.is_none() {
                return Ok(Some(spans));
            }
        }
    }

    async fn edge_points(
        &self,
        project: &ProjectId,
        edge: Window,
    ) -> Result<Option<Vec<Contribution>>, Problem> {
        let points = self.store.points(project, edge.since, edge.until, None, PAGE).await?;
        let given = points.iter().filter_map(Point::contribution);
        Ok((points.len() <= MAX_EDGE_RECORDS).then(|| given.collect()))
    }

    /// What becomes of the numbers once the job has settled the spans whose parent did not come: what they will give,
    /// and what they gave.
    async fn unsettled(
        &self,
        project: &ProjectId,
        question: Question<'_>,
        now: Timestamp,
    ) -> Result<Vec<(Contribution, Change)>, Problem> {
        // Being a request changes nothing of a step or a failure.
        if question.dimension != DimensionKind::Agent {
            return Ok(Vec::new());
        }
        let mut changes: Vec<(Contribution, Change)> = Vec::new();
        for mut span in self.store.orphans(project, now.minus(Span::PARENT_AWAITED)).await? {
            let less: Change = |sum, tally| *sum -= tally;
            changes.extend(span.contributions().into_iter().map(|given| (given, less)));
            span.orphan = true;
            let more: Change = |sum, tally| *sum += tally;
            changes.extend(span.contributions().into_iter().map(|given| (given, more)));
        }
        changes.retain(|(given, _)| question.wants(given));
        Ok(changes)
    }
}

impl Question<'_> {
    fn wants(&self, given: &Contribution) -> bool {
        given.dimension.kind() == self.dimension && self.agent.is_none_or(|agent| given.agent == agent)
    }
}

impl Plan {
    /// Takes the whole minute of an edge from its row.
    fn widen(&mut self, edge: Window) {
        let since = Tier::Minute.start_of(edge.since);
        let until = ceil(edge.until, Tier::Minute);
        self.rows.push(Rows { tier: Tier::Minute, since, until });
        self.counted.since = self.counted.since.min(since);
        self.counted.until = self.counted.until.max(until);
        self.end = self.end.max(until);
        self.exact = false;
    }
}

fn rollup_query(question: Question<'_>, rows: Rows) -> RollupQuery {
    RollupQuery {
        tier: rows.tier,
        since: rows.since,
        until: rows.until,
        dimension: question.dimension,
        agent: question.agent.map(ToOwned::to_owned),
        bin: question.bin,
    }
}
