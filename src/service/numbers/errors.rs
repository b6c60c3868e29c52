//! Failures, those that are alike as one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::answer::shown;
use super::super::text::{given, optional_name};
use super::super::{Caller, Service, within_deadline};
use super::bins::Bins;
use super::number::float;
use super::ranking::{Order, Ranked, order};
use super::read::{Numbers, Question};
use super::request::Errors;
use crate::model::text::quoted;
use crate::model::{Dimension, DimensionKind, ErrorGroup, Measure, Problem, ProjectId, Scope, Timestamp};

/// Failures of whose kinds more than a count is looked up: the most frequent ones.
const MAX_GROUPS: usize = 1_000;
/// Agents that are named of one failure.
const MAX_AGENTS: usize = 20;

/// Failures that are alike: the same step with the same message, its numbers and ids aside.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ErrorView {
    /// By what they are known
    pub fingerprint: String,
    /// What failed: agent, llm, tool, chain, retriever or other; null where it is no longer held, as all below
    pub kind: Option<String>,
    /// What failed: its name
    pub step: Option<String>,
    /// What was said, with # in the place of numbers and ids
    pub message: Option<String>,
    /// How many in the window
    pub count: i64,
    /// Whose, the most frequent first; at most 20
    pub agents: Vec<String>,
    /// How many agents there are
    pub agents_total: usize,
    /// When the first one ended that is known, RFC 3339
    pub first_seen: Option<String>,
    /// When the last one ended, RFC 3339
    pub last_seen: Option<String>,
    /// The trace of the last one
    pub sample_trace_id: Option<String>,
    /// The span of the last one
    pub sample_span_id: Option<String>,
    /// What the last one said
    pub sample_message: Option<String>,
    /// The counts over time, where they were asked for
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    #[serde(skip)]
    seen: Option<(Timestamp, Timestamp)>,
}

/// Counts over time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Timeline {
    /// When the first stretch begins, RFC 3339
    pub since: String,
    /// How long each is
    pub step_seconds: u64,
    /// How many in each
    pub counts: Vec<i64>,
}

/// Counts of failures, and what else is known of them.
pub(super) struct Failures {
    pub(super) counted: Numbers,
    pub(super) groups: Vec<ErrorGroup>,
}

const ORDERS: &[Order<ErrorView>] = &[
    ("count", |row| Some(float(row.count))),
    ("last_seen", |row| row.seen.map(|(_, last)| float(last.micros()))),
    ("first_seen", |row| row.seen.map(|(first, _)| float(first.micros()))),
];

impl Service {
    /// Failures, those that are alike as one.
    pub async fn errors(&self, caller: &Caller, request: Errors) -> Result<Ranked<ErrorView>, Problem> {
        within_deadline(self.errors_of(caller, request)).await
    }

    async fn errors_of(&self, caller: &Caller, request: Errors) -> Result<Ranked<ErrorView>, Problem> {
        let project = caller.project(Scope::Read)?;
        let order = order(ORDERS, request.sort.as_deref())?;
        let agent = optional_name("agent", request.agent.as_deref())?;
        let with_timeline = match given(request.include.as_deref()) {
            None => false,
            Some("timeline") => true,
            Some(other) => {
                let message = format!("`include` can't be {}", quoted(other));
                return Err(Problem::invalid("include", message).hint("timeline"));
            }
        };
        let Errors { period, limit, cursor, .. } = &request;
        let page = self.page(project, ("errors", &request), period, limit.as_ref(), cursor.as_deref())?;
        let bins = Bins::new(page.window, None, self.clock.now(), self.minutes_from())?;
        let question = Question {
            window: page.window,
            dimension: DimensionKind::Error,
            agent: agent.as_deref(),
            bin: with_timeline.then_some(bins.step),
        };
        let Failures { counted, groups } = self.failures(project, question).await?;
        let groups: BTreeMap<&str, &ErrorGroup> =
            groups.iter().map(|group| (group.fingerprint.as_str(), group)).collect();
        let mut rows = BTreeMap::<&str, ErrorView>::new();
        for ((fingerprint, agent), count) in of_agents(&counted) {
            let row = rows
                .entry(fingerprint)
                .or_insert_with(|| ErrorView::new(fingerprint, groups.get(fingerprint).copied()));
            row.count += count;
            row.agents_total += 1;
            row.agents.push(shown(agent));
        }
        for row in rows.values_mut() {
            row.agents.truncate(MAX_AGENTS);
        }
        if with_timeline {
            let lines = counted.by(|bin, _, dimension| Some((fingerprint_of(dimension)?, bin)));
            for (fingerprint, row) in &mut rows {
                let count =
                    |start| lines.get(&(*fingerprint, start)).map_or(0, |tally| tally[Measure::Error]);
                row.timeline = Some(Timeline {
                    since: bins.starts().next().unwrap_or(page.window.since).to_rfc3339(),
                    step_seconds: bins.step.as_secs(),
                    counts: bins.starts().map(count).collect(),
                });
            }
        }
        page.of(rows.into_values().collect(), order, |row| &row.fingerprint, counted.view())
    }

    /// The failures of a window, with what is known of the most frequent.
    pub(super) async fn failures(
        &self,
        project: &ProjectId,
        question: Question<'_>,
    ) -> Result<Failures, Problem> {
        let question = Question { dimension: DimensionKind::Error, ..question };
        let counted = self.numbers(project, question).await?;
        let counts = counted.by(|_, _, dimension| fingerprint_of(dimension));
        let mut counts: Vec<(&str, i64)> =
            counts.into_iter().map(|(fingerprint, tally)| (fingerprint, tally[Measure::Error])).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let known: Vec<String> =
            counts.into_iter().take(MAX_GROUPS).map(|(fingerprint, _)| fingerprint.to_owned()).collect();
        let groups =
            if known.is_empty() { Vec::new() } else { self.store.error_groups(project, &known).await? };
        Ok(Failures { counted, groups })
    }
}

fn fingerprint_of(dimension: &Dimension) -> Option<&str> {
    match dimension {
        Dimension::Error(fingerprint) => Some(fingerprint),
        Dimension::Agent | Dimension::Step { .. } => None,
    }
}

/// Counts by failure and agent, the agents with most first.
fn of_agents(counted: &Numbers) -> Vec<((&str, &str), i64)> {
    let counts = counted.by(|_, agent, dimension| Some((fingerprint_of(dimension)?, agent)));
    let mut counts: Vec<_> = counts.into_iter().map(|(key, tally)| (key, tally[Measure::Error])).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

impl ErrorView {
    fn new(fingerprint: &str, group: Option<&ErrorGroup>) -> Self {
        Self {
            fingerprint: fingerprint.to_owned(),
            kind: group.map(|group| group.kind.clone()),
            step: group.map(|group| shown(group.step.as_str())),
            message: group.map(|group| shown(group.message.as_str())),
            count: 0,
            agents: Vec::new(),
            agents_total: 0,
            first_seen: group.map(|group| group.first_seen.to_rfc3339()),
            last_seen: group.map(|group| group.last_seen.to_rfc3339()),
            sample_trace_id: group.map(|group| shown(group.sample_trace_id.as_str())),
            sample_span_id: group.map(|group| shown(group.sample_span_id.as_str())),
            sample_message: group.map(|group| shown(group.sample_message.as_str())),
            timeline: None,
            seen: group.map(|group| (group.first_seen, group.last_seen)),
        }
    }
}
