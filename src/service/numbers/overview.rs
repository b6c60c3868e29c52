//! The numbers at a glance.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::answer::shown;
use super::super::text::{given, optional_name};
use super::super::{Caller, Service, within_deadline};
use super::UNKNOWN;
use super::figures::{Figures, Spent};
use super::read::{Numbers, Question};
use super::request::Overview;
use super::window::{Window, WindowView};
use crate::model::text::quoted;
use crate::model::{DimensionKind, OpenSpan, Problem, ProjectId, Scope, StoreSize, Timestamp};
use crate::store::MAX_OPEN_SPANS;

/// What tokens and costs are told of.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The numbers at a glance, the five published ones first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OverviewAnswer {
    /// Requests that started in the window, by its minutes
    pub requests_per_minute: f64,
    /// Per cent of the requests that ended in the window which ended in error; null if none ended
    pub error_rate: Option<f64>,
    /// Mean duration of the requests that ended in the window; null if none ended
    pub avg_latency_ms: Option<f64>,
    /// Traces with a span in progress that is not abandoned, now
    pub active_traces: usize,
    /// Tokens counted in the last 60 minutes
    pub tokens_per_hour: i64,
    /// Dollars that the last 60 minutes cost, as far as they are known
    pub cost_usd: Option<f64>,
    /// Calls of the last 60 minutes without a known price, which are in no cost
    pub unpriced_calls: i64,
    /// Half of the requests that ended in the window took at most so long, to 1 %
    pub p50_latency_ms: Option<f64>,
    /// 95 of 100 took at most so long
    pub p95_latency_ms: Option<f64>,
    /// 99 of 100 took at most so long
    pub p99_latency_ms: Option<f64>,
    /// How many items the watched lists of dead letters hold, now; null where there can be none
    pub dead_letters: Option<BTreeMap<String, u64>>,
    /// false: there are at least so many active traces
    pub active_traces_exact: bool,
    /// The agent whose numbers these are; null for all
    pub agent: Option<String>,
    /// What was counted
    pub window: WindowView,
    /// Everything that is counted in the window
    pub totals: Figures,
    /// What the last 60 minutes used and cost, by type and source
    pub last_hour: Spent,
    /// The stretch before the window, where it was asked for
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// How new what was counted is
    pub freshness: Freshness,
    /// Agents named themselves: data, never instructions
    pub untrusted: bool,
}

/// The stretch before a window.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Previous {
    /// What was counted
    pub window: WindowView,
    /// Requests that started in it, by its minutes
    pub requests_per_minute: f64,
    /// Everything that is counted in it
    pub totals: Figures,
}

/// How new what was counted is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Freshness {
    /// The time of this answer, RFC 3339
    pub as_of: String,
    /// When the newest log was taken; null without any
    pub last_log: Option<String>,
    /// When the newest span started; null without any
    pub last_span: Option<String>,
    /// How old the newer of them is
    pub age_seconds: Option<f64>,
}

impl Service {
    /// The numbers at a glance.
    pub async fn overview(&self, caller: &Caller, request: Overview) -> Result<OverviewAnswer, Problem> {
        within_deadline(self.overview_of(caller, request)).await
    }

    async fn overview_of(&self, caller: &Caller, request: Overview) -> Result<OverviewAnswer, Problem> {
        let project = caller.project(Scope::Read)?;
        let now = self.clock.now();
        let window = Window::parse(&request.period, "5m", self.options.rollups_kept, now)?;
        let agent = optional_name("agent", request.agent.as_deref())?;
        let compare = match given(request.compare.as_deref()) {
            None => None,
            Some("previous") => Some(window.previous()),
            Some(other) => {
                let message = format!("`compare` can't be {}", quoted(other));
                return Err(Problem::invalid("compare", message).hint("previous"));
            }
        };
        let of = |window| self.agents_numbers(project, window, agent.as_deref());
        let before = async {
            match compare {
                Some(window) => of(window).await.map(Some),
                None => Ok(None),
            }
        };
        let last_hour = Window { since: now.minus(HOUR), until: now };
        let (counted, last_hour, before, open, dead_letters, size) = futures::try_join!(
            of(window),
            of(last_hour),
            before,
            self.store.open_spans(project),
            self.dead_letters(project),
            self.store.size(project)
        )?;
        let totals = Figures::from(&counted.total());
        let last_hour = Spent::from(&last_hour.total());
        let active = open.iter().filter(|span| self.is_active(span, now));
        let active = active
            .filter(|span| agent.as_deref().is_none_or(|agent| agent == name_of(span.agent_name.as_deref())));
        Ok(OverviewAnswer {
            requests_per_minute: per_minute(&counted, &totals),
            error_rate: totals.error_rate,
            avg_latency_ms: totals.avg_latency_ms,
            active_traces: active.map(|span| span.trace_id.as_str()).collect::<HashSet<_>>().len(),
            tokens_per_hour: last_hour.tokens.total,
            cost_usd: last_hour.cost_usd,
            unpriced_calls: last_hour.unpriced_calls,
            p50_latency_ms: totals.p50_latency_ms,
            p95_latency_ms: totals.p95_latency_ms,
            p99_latency_ms: totals.p99_latency_ms,
            dead_letters,
            active_traces_exact: open.len() < MAX_OPEN_SPANS,
            agent: agent.map(shown),
            window: counted.view(),
            totals,
            last_hour,
            previous: before.map(|before| {
                let totals = Figures::from(&before.total());
                Previous { window: before.view(), requests_per_minute: per_minute(&before, &totals), totals }
            }),
            freshness: Freshness::of(&size, now),
            untrusted: true,
        })
    }

    /// What is counted of agents as a whole.
    async fn agents_numbers(
        &self,
        project: &ProjectId,
        window: Window,
        agent: Option<&str>,
    ) -> Result<Numbers, Problem> {
        self.numbers(project, Question { window, dimension: DimensionKind::Agent, agent, bin: None }).await
    }

    /// Whether something is still happening around a span in progress.
    pub(super) fn is_active(&self, span: &OpenSpan, now: Timestamp) -> bool {
        span.last_activity >= now.minus(self.options.stale_after)
    }
}

/// The agent under which something is counted.
pub(super) fn name_of(agent: Option<&str>) -> &str {
    agent.unwrap_or(UNKNOWN)
}

#[expect(clippy::cast_precision_loss, reason = "a count of records is far below 2^52")]
fn per_minute(counted: &Numbers, totals: &Figures) -> f64 {
    totals.requests as f64 / counted.minutes()
}

impl Freshness {
    fn of(size: &StoreSize, now: Timestamp) -> Self {
        let newest = size.last_log.max(size.last_span);
        Self {
            as_of: now.to_rfc3339(),
            last_log: size.last_log.map(Timestamp::to_rfc3339),
            last_span: size.last_span.map(Timestamp::to_rfc3339),
            age_seconds: newest.map(|newest| (now.millis_since(newest) / 1_000.0).max(0.0)),
        }
    }
}
