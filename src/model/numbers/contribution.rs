//! What one record adds to the numbers.

use std::collections::BTreeMap;

use super::{Dimension, Latency, Measure, Tally, fingerprint, fold_message, fold_name};
use crate::model::{CostSource, Point, Span, SpanKind, SpanStatus, Timestamp, Usage};

/// The agent of whatever names none.
const UNKNOWN: &str = "unknown";
/// The metrics that are counted as well as kept, with the ones of `record_metric` that are brought to these names.
const TOKENS: &str = "agent_tokens_total";
const COST: &str = "agent_cost_usd_total";

/// What a record adds, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// At which instant.
    pub at: Timestamp,
    /// To whose numbers.
    pub agent: String,
    /// To which of them.
    pub dimension: Dimension,
    /// What.
    pub tally: Tally,
}

impl Contribution {
    /// Whether it counts among everything of its agent.
    pub fn is_of_agent(&self) -> bool {
        self.dimension == Dimension::Agent
    }
}

/// Tallies by the minute's start, the agent and the dimension.
pub type Sums = BTreeMap<(Timestamp, String, Dimension), Tally>;

/// What a record's change adds to its minutes: what it gives `after`, less what it gave `before`.
pub fn changes(before: &[Contribution], after: &[Contribution]) -> Sums {
    let mut sums = Sums::new();
    let mut cell = |given: &Contribution, change: fn(&mut Tally, &Tally)| {
        let place = (given.at.minute(), given.agent.clone(), given.dimension.clone());
        change(sums.entry(place).or_default(), &given.tally);
    };
    after.iter().for_each(|given| cell(given, |sum, tally| *sum += tally));
    before.iter().for_each(|given| cell(given, |sum, tally| *sum -= tally));
    sums.retain(|_, tally| !tally.is_zero());
    sums
}

impl Span {
    /// All that this span, as it now stands, adds to the numbers.
    ///
    /// A root is a request: it counts when it starts, and again, with its outcome, when it ends. Tokens and cost
    /// are those of `llm` spans alone, since an agent's span repeats the sums of its children.
    pub fn contributions(&self) -> Vec<Contribution> {
        let agent = self.agent_name.as_deref().unwrap_or(UNKNOWN);
        let give = |at, dimension, tally| Contribution { at, agent: agent.to_owned(), dimension, tally };
        let mut given = Vec::new();
        if self.is_root() {
            let mut tally = Tally::default();
            tally[Measure::Started] = 1;
            given.push(give(self.start_time, Dimension::Agent, tally));
        }
        let Some(end_time) = self.end_time.filter(|_| self.status != SpanStatus::InProgress) else {
            return given;
        };
        let (outcome, spent) = (self.outcome(), self.spent());
        let mut of_agent = spent.clone();
        if self.is_root() {
            of_agent += &outcome;
        }
        if self.kind == SpanKind::Tool {
            of_agent[Measure::ToolCalls] = 1;
            of_agent[Measure::ToolErrors] = i64::from(self.status == SpanStatus::Error);
        }
        if !of_agent.is_zero() {
            given.push(give(end_time, Dimension::Agent, of_agent));
        }
        let mut of_step = spent;
        of_step += &outcome;
        given.push(give(end_time, self.step(), of_step));
        if let Some(fingerprint) = self.error_fingerprint() {
            let mut tally = Tally::default();
            tally[Measure::Error] = 1;
            given.push(give(end_time, Dimension::Error(fingerprint), tally));
        }
        given
    }

    /// The dimension of steps like this one.
    pub fn step(&self) -> Dimension {
        let model = self.model.as_deref().filter(|_| self.kind == SpanKind::Llm).unwrap_or_default();
        Dimension::Step { kind: self.kind.as_str(), name: self.step_name(), model: model.to_owned() }
    }

    /// What steps like this one are called: of a tool its own name, without what says that it is one.
    pub fn step_name(&self) -> String {
        let told =
            ["gen_ai.tool.name", "tool.name"].into_iter().find_map(|key| self.metadata.get(key)?.as_str());
        let bare = || {
            ["execute_tool ", "tool.", "tool:", "tool/"]
                .into_iter()
                .find_map(|prefix| self.name.strip_prefix(prefix))
                .filter(|rest| !rest.trim().is_empty())
        };
        let name = match self.kind {
            SpanKind::Tool => told.filter(|name| crate::model::text::is_name(name)).or_else(bare),
            _ => None,
        };
        fold_name(name.unwrap_or(&self.name))
    }

    /// By what its failure is known, if it failed.
    pub fn error_fingerprint(&self) -> Option<String> {
        (self.status == SpanStatus::Error)
            .then(|| fingerprint(self.kind.as_str(), &self.step_name(), &self.folded_error()))
    }

    /// What its failure says, without what differs from one time to the next; empty if it says nothing.
    pub fn folded_error(&self) -> String {
        fold_message(self.error.as_deref().unwrap_or_default())
    }

    /// How it ended and how long it took.
    fn outcome(&self) -> Tally {
        let mut tally = Tally::default();
        tally[match self.status {
            SpanStatus::Error => Measure::Error,
            SpanStatus::Cancelled => Measure::Cancelled,
            SpanStatus::Ok | SpanStatus::InProgress | SpanStatus::Abandoned => Measure::Ok,
        }] = 1;
        #[expect(clippy::cast_possible_truncation, reason = "a duration, of whole microseconds")]
        let micros = (self.duration_ms.unwrap_or_default() * 1_000.0).round() as i64;
        tally[Measure::DurationMicros] = micros;
        tally.latency.insert(Latency::of_micros(micros), 1);
        tally
    }

    /// The tokens that a call of a model used, and what it cost.
    fn spent(&self) -> Tally {
        let mut tally = Tally::default();
        if self.kind != SpanKind::Llm {
            return tally;
        }
        tally[Measure::LlmCalls] = 1;
        add_usage(&mut tally, &self.usage);
        match self.cost() {
            Some((cost, CostSource::Reported)) => tally[Measure::ReportedCost] = cost,
            Some((cost, _)) => tally[Measure::ComputedCost] = cost,
            None => tally[Measure::UnpricedCalls] = i64::from(self.cost_source().is_some()),
        }
        tally
    }
}

fn add_usage(tally: &mut Tally, usage: &Usage) {
    for (token_type, count) in usage.by_type() {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        tally[token_measure(token_type)] = count;
    }
}

fn token_measure(token_type: &str) -> Measure {
    match token_type {
        "input" => Measure::InputTokens,
        "cache_read" => Measure::CacheReadTokens,
        "cache_write" => Measure::CacheWriteTokens,
        "output" => Measure::OutputTokens,
        _ => Measure::OtherTokens,
    }
}

impl Point {
    /// What a recorded measurement adds to the numbers: tokens and cost, where a client reports them by
    /// `record_metric` and not by its spans. Points that spans feed are not asked.
    #[expect(clippy::cast_possible_truncation, reason = "rounded, and cut at what 64 bits hold")]
    pub fn contribution(&self) -> Option<Contribution> {
        let mut tally = Tally::default();
        match self.name.as_str() {
            TOKENS => {
                let token_type = self.labels.get("token_type").map_or("", String::as_str);
                tally[token_measure(token_type)] = self.value.round() as i64;
            }
            COST => tally[Measure::ReportedCost] = (self.value * 1e12).round() as i64,
            _ => return None,
        }
        let agent = self.labels.get("agent_name").map_or(UNKNOWN, String::as_str);
        let given =
            Contribution { at: self.timestamp, agent: agent.to_owned(), dimension: Dimension::Agent, tally };
        (!given.tally.is_zero()).then_some(given)
    }
}
