//! Agents and their numbers.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::answer::shown;
use super::super::{Caller, Service, within_deadline};
use super::bins::Bins;
use super::figures::Figures;
use super::number::float;
use super::overview::name_of;
use super::ranking::{Order, Ranked, order};
use super::read::{Numbers, Question};
use super::request::Agents;
use super::window::Window;
use crate::model::{DimensionKind, Problem, ProjectId, Scope, Tally, Tier, Timestamp};

/// An agent and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentView {
    /// The agent
    pub agent: String,
    /// Its traces with a span in progress that is not abandoned, now
    pub active_traces: usize,
    /// The last minute (further back the last hour) in which it was at work, RFC 3339; null if it wasn't in the window
    pub last_seen: Option<String>,
    /// Everything that is counted of it in the window
    #[serde(flatten)]
    pub figures: Figures,
    #[serde(skip)]
    seen: Option<Timestamp>,
}

const ORDERS: &[Order<AgentView>] = &[
    ("requests", |row| Some(float(row.figures.requests))),
    ("errors", |row| Some(float(row.figures.errors))),
    ("error_rate", |row| row.figures.error_rate),
    ("avg_latency_ms", |row| row.figures.avg_latency_ms),
    ("p95_latency_ms", |row| row.figures.p95_latency_ms),
    ("tokens", |row| Some(float(row.figures.spent.tokens.total))),
    ("cost_usd", |row| row.figures.spent.cost_usd),
    #[expect(clippy::cast_precision_loss, reason = "at most as many as there are open spans")]
    ("active_traces", |row| Some(row.active_traces as f64)),
    ("last_seen", |row| row.seen.map(|seen| float(seen.micros()))),
    ("name", |_| None),
];

/// What an agent is at, and when it last was.
#[derive(Default)]
struct Work<'a> {
    counted: Tally,
    seen: Option<Timestamp>,
    active: BTreeSet<&'a str>,
}

impl Service {
    /// Agents and their numbers.
    pub async fn agents(&self, caller: &Caller, request: Agents) -> Result<Ranked<AgentView>, Problem> {
        within_deadline(self.agents_of(caller, request)).await
    }

    async fn agents_of(&self, caller: &Caller, request: Agents) -> Result<Ranked<AgentView>, Problem> {
        let project = caller.project(Scope::Read)?;
        let now = self.clock.now();
        let order = order(ORDERS, request.sort.as_deref())?;
        let Agents { period, limit, cursor, .. } = &request;
        let page = self.page(project, ("agents", &request), period, limit.as_ref(), cursor.as_deref())?;
        let bins = Bins::new(page.window, None, now, self.minutes_from())?;
        let question = Question {
            window: page.window,
            dimension: DimensionKind::Agent,
            agent: None,
            bin: Some(bins.step),
        };
        let (counted, open) =
            futures::try_join!(self.numbers(project, question), self.store.open_spans(project))?;
        let last_seen = self.last_seen(project, page.window, &bins, &counted).await?;
        let mut agents = BTreeMap::<&str, Work<'_>>::new();
        for (agent, tally) in counted.by(|_, agent, _| Some(agent)) {
            let seen = last_seen.get(agent).copied();
            agents.insert(agent, Work { counted: tally, seen, ..Work::default() });
        }
        // On a later page, those that began after the first one are left out with all else of theirs.
        let until = page.window.until;
        for span in open.iter().filter(|span| self.is_active(span, now) && span.start_time <= until) {
            let work = agents.entry(name_of(span.agent_name.as_deref())).or_default();
            work.active.insert(span.trace_id.as_str());
        }
        let rows = agents.into_iter().map(|(agent, work)| AgentView {
            agent: shown(agent),
            active_traces: work.active.len(),
            last_seen: work.seen.map(Timestamp::to_rfc3339),
            figures: Figures::from(&work.counted),
            seen: work.seen,
        });
        let window = counted.view();
        page.of(rows.collect(), order, |row| &row.agent, window)
    }

    /// The last minute, or hour, in which each agent was at work: first the bin, then the minute in it.
    async fn last_seen(
        &self,
        project: &ProjectId,
        window: Window,
        bins: &Bins,
        counted: &Numbers,
    ) -> Result<BTreeMap<String, Timestamp>, Problem> {
        let mut last = latest(counted);
        let minutes_from = self.minutes_from();
        let wide: BTreeSet<Timestamp> = last
            .values()
            .copied()
            .filter(|bin| bins.step > Tier::Minute.width() && *bin >= minutes_from)
            .collect();
        let closer = wide.into_iter().map(|bin| {
            let bin = Window { since: bin.max(window.since), until: bin.plus(bins.step).min(window.until) };
            let width = Some(Tier::Minute.width());
            let question = Question { window: bin, dimension: DimensionKind::Agent, agent: None, bin: width };
            self.numbers(project, question)
        });
        for minutes in try_join_all(closer).await? {
            for (agent, minute) in latest(&minutes) {
                if last.get(&agent).is_some_and(|bin| *bin <= minute) {
                    last.insert(agent, minute);
                }
            }
        }
        Ok(last)
    }
}

/// The last bin of each agent.
fn latest(counted: &Numbers) -> BTreeMap<String, Timestamp> {
    let bins = counted.by(|bin, agent, _| Some((agent, bin)));
    bins.into_keys().map(|(agent, bin)| (agent.to_owned(), bin)).collect()
}
