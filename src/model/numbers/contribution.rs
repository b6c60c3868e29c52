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
    for given in after {
        cell(given, |sum, tally| *sum += tally);
    }
    for given in before {
        cell(given, |sum, tally| *sum -= tally);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SpanId, testing};

    fn ended(kind: SpanKind, status: SpanStatus) -> Span {
        Span {
            kind,
            status,
            end_time: Some(Timestamp::from_micros(90_000_000)),
            duration_ms: Some(90_000.0),
            ..testing::span("tool.search")
        }
    }

    fn of(given: &[Contribution], dimension: &Dimension, measure: Measure) -> i64 {
        given.iter().filter(|given| given.dimension == *dimension).map(|given| given.tally[measure]).sum()
    }

    #[test]
    fn a_root_counts_when_it_starts_and_its_outcome_when_it_ends() {
        let running = testing::span("agent_request").contributions();
        assert_eq!(running.len(), 1);
        assert_eq!((running[0].at.micros(), running[0].tally[Measure::Started]), (0, 1));
        let failed = ended(SpanKind::Agent, SpanStatus::Error).contributions();
        let of_agent = |measure| of(&failed, &Dimension::Agent, measure);
        assert_eq!((of_agent(Measure::Started), of_agent(Measure::Error), of_agent(Measure::Ok)), (1, 1, 0));
        let errors =
            failed.iter().filter(|given| given.dimension.kind() == super::super::DimensionKind::Error);
        assert_eq!(errors.count(), 1);
    }

    #[test]
    fn a_step_is_no_request_and_a_tool_goes_by_its_own_name() {
        let step =
            Span { parent_span_id: Some(SpanId::stored("p")), ..ended(SpanKind::Tool, SpanStatus::Ok) };
        let given = step.contributions();
        let of_agent = |measure| of(&given, &Dimension::Agent, measure);
        assert_eq!(
            (of_agent(Measure::Started), of_agent(Measure::Ok), of_agent(Measure::ToolCalls)),
            (0, 0, 1)
        );
        let tool = Dimension::Step { kind: "tool", name: "search".into(), model: String::new() };
        assert_eq!(
            (of(&given, &tool, Measure::Ok), of(&given, &tool, Measure::DurationMicros)),
            (1, 90_000_000)
        );
        let orphan = Span { orphan: true, ..step };
        assert_eq!(of(&orphan.contributions(), &Dimension::Agent, Measure::Started), 1);
    }

    #[test]
    fn only_calls_of_models_spend_and_a_reported_cost_comes_first() {
        let usage = Usage { input: Some(10), output: Some(5), ..Usage::default() };
        let call = Span { usage, model: Some("m".into()), ..ended(SpanKind::Llm, SpanStatus::Ok) };
        let spent = |span: &Span| {
            let given = span.contributions();
            [Measure::InputTokens, Measure::ReportedCost, Measure::ComputedCost, Measure::UnpricedCalls]
                .map(|measure| of(&given, &Dimension::Agent, measure))
        };
        assert_eq!(spent(&call), [10, 0, 0, 1]);
        let computed = Span { computed_cost_pico_usd: Some(7), ..call.clone() };
        assert_eq!(spent(&computed), [10, 0, 7, 0]);
        assert_eq!(spent(&Span { reported_cost_pico_usd: Some(9), ..computed }), [10, 9, 0, 0]);
        assert_eq!(spent(&Span { kind: SpanKind::Agent, ..call }), [0, 0, 0, 0]);
    }

    #[test]
    fn a_change_adds_the_difference_to_each_minute() {
        let before = testing::span("agent_request");
        let after = Span { agent_name: Some("a".into()), ..ended(SpanKind::Agent, SpanStatus::Ok) };
        let sums = changes(&before.contributions(), &after.contributions());
        let at = |minute: i64, agent: &str| {
            let place = (Timestamp::from_micros(minute * 60_000_000), agent.to_owned(), Dimension::Agent);
            sums.get(&place).map(|tally| (tally[Measure::Started], tally[Measure::Ok]))
        };
        assert_eq!([at(0, UNKNOWN), at(0, "a"), at(1, "a")], [Some((-1, 0)), Some((1, 0)), Some((0, 1))]);
        assert!(changes(&after.contributions(), &after.contributions()).is_empty());
    }
}
