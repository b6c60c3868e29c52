//! Spans: steps of an agent's run, nested into a trace.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::redact::merge_marks;
use super::text::quoted;
use super::{
    Code, CostSource, Lifted, MAX_SPANS_PER_TRACE, Pricing, Problem, SpanId, Timestamp, TraceId, Usage,
};

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// An agent at work, usually a root.
    Agent,
    /// A call of a model.
    Llm,
    /// A call of a tool.
    Tool,
    /// A fixed sequence of steps.
    Chain,
    /// A search for context.
    Retriever,
    /// Anything else.
    Other,
}

impl SpanKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Agent, Self::Llm, Self::Tool, Self::Chain, Self::Retriever, Self::Other];

    /// Reads a kind from the argument `field`, in any case.
    pub fn parse(field: &str, text: &str) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|kind| text.trim().eq_ignore_ascii_case(kind.as_str())).ok_or_else(|| {
            Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))
                .hint("one of agent, llm, tool, chain, retriever, other")
        })
    }

    /// The word that is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Llm => "llm",
            Self::Tool => "tool",
            Self::Chain => "chain",
            Self::Retriever => "retriever",
            Self::Other => "other",
        }
    }

    /// The kind that a span's attributes or its name tell of.
    ///
    /// Attributes: `openinference.span.kind`, `gen_ai.operation.name`. Names: `llm_call`, `tool.*`,
    /// `agent_*`, as the published agent uses them, and the forms of the `OTel` `GenAI` conventions
    /// (`chat MODEL`, `execute_tool NAME`, `invoke_agent NAME`).
    pub fn infer(name: &str, metadata: &Map<String, Value>) -> Self {
        let attribute = |key: &str| metadata.get(key).and_then(Value::as_str);
        let declared = attribute("openinference.span.kind").or_else(|| attribute("gen_ai.operation.name"));
        let word = declared.unwrap_or(name).to_ascii_lowercase();
        let first = word.split([' ', '.', '_', ':', '/', '-']).next().unwrap_or_default();
        match first {
            "agent" | "invoke" => Self::Agent,
            "llm" | "chat" | "text" | "generate" | "completion" | "embedding" | "embeddings" => Self::Llm,
            "tool" | "execute" => Self::Tool,
            "chain" | "workflow" => Self::Chain,
            "retriever" | "retrieval" | "reranker" => Self::Retriever,
            _ => Self::Other,
        }
    }
}

/// How a span stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanStatus {
    /// Started and not ended.
    InProgress,
    /// Ended well.
    Ok,
    /// Ended in failure.
    Error,
    /// Ended before it was done.
    Cancelled,
    /// Started long ago, and nothing has happened in its trace since. Computed when read, never stored.
    Abandoned,
}

impl SpanStatus {
    /// Reads the status that a span ends with, or one of its synonyms, from the argument `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Problem> {
        Self::from_word(text).filter(|status| *status != Self::InProgress).ok_or_else(|| {
            Problem::invalid(field, format!("`{field}` can't be {}", quoted(text))).hint(
                "one of ok (success, succeeded, completed, done), error (failed, failure, err, exception, \
                 timeout), cancelled (canceled, aborted, interrupted)",
            )
        })
    }

    /// The status that `word` means, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "in_progress" => Some(Self::InProgress),
            "ok" | "success" | "succeeded" | "completed" | "done" => Some(Self::Ok),
            "error" | "failed" | "failure" | "err" | "exception" | "timeout" => Some(Self::Error),
            "cancelled" | "canceled" | "aborted" | "interrupted" => Some(Self::Cancelled),
            _ => None,
        }
    }

    /// The word that is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
        }
    }
}

impl fmt::Display for SpanStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One step of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Unique in the project.
    pub span_id: SpanId,
    /// The step it is part of; `None` for a root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent was named by trace context and is not held here, which makes this a local root.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parent_remote: bool,
    /// Whether its parent had not arrived a minute after it ended, which makes it a request for good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphan: bool,
    /// What the step is called.
    pub name: String,
    /// What the step is.
    pub kind: SpanKind,
    /// When it started.
    pub start_time: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// How it stands.
    pub status: SpanStatus,
    /// What went wrong, where it ended in failure and said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The agent whose step it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The model that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Who runs the model, as the caller calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The tokens that were used.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
    /// What the client says it cost, in pico-dollars (10⁻¹² USD), so that money stays an integer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_cost_pico_usd: Option<i64>,
    /// What it cost by the price list at its own time, in pico-dollars; also kept where the client reports a cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_cost_pico_usd: Option<i64>,
    /// What the caller said at the start and at the end, as it was said; the end wins.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Whether it seemed to end before it started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clock_skew: bool,
    /// Where something was taken out of it: paths such as `metadata.password`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
    /// A digest of what the start said, by which a repeated start is told from a conflicting one.
    pub fingerprint: String,
}

/// The end of a span, before the span is known.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEnd {
    /// The span to end.
    pub span_id: SpanId,
    /// When it ended.
    pub end_time: Timestamp,
    /// How.
    pub status: SpanStatus,
    /// What the caller has to say about it.
    pub metadata: Map<String, Value>,
    /// Where something was taken out of it.
    pub redacted: Vec<String>,
}

impl Span {
    /// How long after a span's end its parent may still arrive.
    pub const PARENT_AWAITED: Duration = Duration::from_secs(60);

    /// Whether this is where a request enters: no parent, or one that another system holds.
    pub const fn is_root(&self) -> bool {
        self.parent_span_id.is_none() || self.parent_remote || self.orphan
    }

    /// What the call cost, in pico-dollars, and who says so: the client's word comes before the price list's.
    pub const fn cost(&self) -> Option<(i64, CostSource)> {
        match (self.reported_cost_pico_usd, self.computed_cost_pico_usd) {
            (Some(cost), _) => Some((cost, CostSource::Reported)),
            (None, Some(cost)) => Some((cost, CostSource::Computed)),
            (None, None) => None,
        }
    }

    /// Where its cost comes from, or that there should be one; `None` of what costs nothing by itself.
    pub fn cost_source(&self) -> Option<CostSource> {
        let is_priced = self.kind == SpanKind::Llm && !self.usage.is_empty();
        self.cost().map(|(_, source)| source).or_else(|| is_priced.then_some(CostSource::Unpriced))
    }

    /// Whether this is a root in progress.
    pub fn is_open_root(&self) -> bool {
        self.is_root() && self.status == SpanStatus::InProgress
    }

    /// The span as its start was answered, whatever has become of it since.
    #[must_use]
    pub fn as_started(mut self) -> Self {
        (self.status, self.end_time, self.duration_ms) = (SpanStatus::InProgress, None, None);
        self
    }

    /// No span of that id is held.
    pub fn not_found() -> Problem {
        Problem::new(Code::SpanNotFound, "span not found").at("span_id")
    }

    /// A span of that id is held, and its start said something else.
    pub fn conflict() -> Problem {
        Problem::new(Code::SpanConflict, "another span has this id").at("span_id")
    }

    /// The trace holds `held` spans, and may hold no more.
    pub fn no_room(held: u64) -> Problem {
        Problem::new(Code::TraceTooLarge, "the trace holds as many spans as a trace may")
            .at("trace_id")
            .exceeding(MAX_SPANS_PER_TRACE, held.saturating_add(1))
    }

    /// Ends the span, or tells that it has ended already in just this way (`Ok(false)`).
    ///
    /// # Errors
    /// [`SpanAlreadyEnded`](Code::SpanAlreadyEnded) if it ended with another status; what is stored stays.
    pub fn end(&mut self, end: SpanEnd, pricing: &dyn Pricing) -> Result<bool, Problem> {
        if self.status != SpanStatus::InProgress {
            return if self.status == end.status { Ok(false) } else { Err(self.already_ended(end.status)) };
        }
        let duration_ms = end.end_time.millis_since(self.start_time);
        self.clock_skew = duration_ms < 0.0;
        self.duration_ms = Some(duration_ms.max(0.0));
        self.end_time = Some(end.end_time);
        self.status = end.status;
        self.metadata.extend(end.metadata);
        merge_marks(&mut self.redacted, end.redacted);
        self.adopt(Lifted::from_metadata(&self.metadata));
        self.price(pricing);
        Ok(true)
    }

    /// Computes what the call cost, if it is one of a model and tells its tokens.
    pub fn price(&mut self, pricing: &dyn Pricing) {
        let model = self.model.as_deref().filter(|_| self.kind == SpanKind::Llm && !self.usage.is_empty());
        self.computed_cost_pico_usd = model
            .and_then(|model| pricing.price(model, self.provider.as_deref(), &self.usage, self.start_time));
    }

    /// Takes the fields that its metadata tells of. What the call itself said stays.
    pub fn adopt(&mut self, lifted: Lifted) {
        self.agent_name = self.agent_name.take().or(lifted.agent_name);
        self.session_id = self.session_id.take().or(lifted.session_id);
        self.model = lifted.model.or(self.model.take());
        self.provider = lifted.provider.or(self.provider.take());
        self.error = lifted.error.or(self.error.take());
        self.usage = lifted.usage;
        self.reported_cost_pico_usd = lifted.cost_pico_usd;
    }

    /// The W3C ids that stand for this span's ids and differ from them, each with the id it stands for.
    pub fn w3c_aliases(&self) -> impl Iterator<Item = (String, &str)> {
        [(self.trace_id.to_w3c(), self.trace_id.as_str()), (self.span_id.to_w3c(), self.span_id.as_str())]
            .into_iter()
            .filter(|(alias, id)| alias != id)
    }

    fn already_ended(&self, asked: SpanStatus) -> Problem {
        let ended = self.end_time.map_or_else(String::new, |time| format!(" at {}", time.to_rfc3339()));
        Problem::new(
            Code::SpanAlreadyEnded,
            format!("the span ended{ended} with status `{}`, it can't end again with `{asked}`", self.status),
        )
        .at("status")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Unpriced;
    use serde_json::json;

    fn span(metadata: Value) -> Span {
        Span {
            start_time: Timestamp::from_micros(5_000_000),
            metadata: serde_json::from_value(metadata).unwrap(),
            redacted: vec!["metadata.step".into()],
            ..crate::model::testing::span("agent_request")
        }
    }

    fn end(status: SpanStatus, micros: i64) -> SpanEnd {
        SpanEnd {
            span_id: SpanId::stored("1111111111111111"),
            end_time: Timestamp::from_micros(micros),
            status,
            metadata: serde_json::from_value(json!({"error": "boom", "step": 2})).unwrap(),
            redacted: vec!["metadata.error".into(), "metadata.step".into()],
        }
    }

    #[test]
    fn ending_twice_is_harmless_the_same_way_and_refused_otherwise() {
        let mut span = span(json!({"step": 1}));
        assert!(span.end(end(SpanStatus::Error, 7_500_000), &Unpriced).unwrap());
        assert_eq!((span.duration_ms, span.error.as_deref()), (Some(2_500.0), Some("boom")));
        assert_eq!(span.metadata["step"], 2);
        assert_eq!(span.redacted, ["metadata.step", "metadata.error"]);
        let before = span.clone();
        assert!(!span.end(end(SpanStatus::Error, 9_000_000), &Unpriced).unwrap());
        assert_eq!(
            span.end(end(SpanStatus::Ok, 9_000_000), &Unpriced).unwrap_err().code,
            Code::SpanAlreadyEnded
        );
        assert_eq!(span, before);
    }

    #[test]
    fn an_end_before_the_start_lasts_nothing_and_says_so() {
        let mut span = span(json!({}));
        span.end(end(SpanStatus::Ok, 1), &Unpriced).unwrap();
        assert_eq!((span.duration_ms, span.clock_skew), (Some(0.0), true));
    }

    #[test]
    fn kinds_come_from_attributes_then_names() {
        let infer = |name: &str, metadata: Value| SpanKind::infer(name, metadata.as_object().unwrap());
        assert_eq!(infer("llm_call", json!({})), SpanKind::Llm);
        assert_eq!(infer("tool.search", json!({})), SpanKind::Tool);
        assert_eq!(infer("agent_request", json!({})), SpanKind::Agent);
        assert_eq!(infer("invoke_agent billing", json!({})), SpanKind::Agent);
        assert_eq!(infer("execute_tool search", json!({})), SpanKind::Tool);
        assert_eq!(infer("step", json!({"openinference.span.kind": "LLM"})), SpanKind::Llm);
        assert_eq!(infer("step", json!({"gen_ai.operation.name": "chat"})), SpanKind::Llm);
        assert_eq!(infer("plan", json!({})), SpanKind::Other);
    }
}
