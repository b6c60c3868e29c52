//! Tools and models: steps by what they call.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::answer::shown;
use super::super::text::optional_name;
use super::super::{Caller, Service, within_deadline};
use super::UNKNOWN;
use super::figures::Spent;
use super::number::float;
use super::ranking::{Order, Ranked, order};
use super::read::Question;
use super::request::{Models, Tools};
use super::window::Window;
use crate::model::{Dimension, DimensionKind, ErrorGroup, Measure, Problem, Scope, Tally};

/// How the calls of one thing went.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Calls {
    /// Calls that ended
    pub calls: i64,
    /// That ended in error
    pub errors: i64,
    /// That were cancelled
    pub cancelled: i64,
    /// Per cent of the calls that ended in error
    pub error_rate: Option<f64>,
    /// Mean duration
    pub avg_latency_ms: Option<f64>,
    /// Half of the calls took at most so long, to 1 %
    pub p50_latency_ms: Option<f64>,
    /// 95 of 100 took at most so long, to 1 %
    pub p95_latency_ms: Option<f64>,
    /// 99 of 100 took at most so long, to 1 %
    pub p99_latency_ms: Option<f64>,
}

/// A tool and how it does.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ToolView {
    /// The tool
    pub tool: String,
    /// How its calls went
    #[serde(flatten)]
    pub calls: Calls,
    /// The last call that failed, whichever agent's it was; null if none did in the window
    pub last_error: Option<LastError>,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LastError {
    /// When it ended, RFC 3339
    pub time: String,
    /// What it said
    pub message: String,
    /// Its trace
    pub trace_id: String,
    /// The call
    pub span_id: String,
    /// By what failures like it are known
    pub fingerprint: String,
}

/// A model, what was asked of it and what that cost.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelView {
    /// The model; null where calls don't name one
    pub model: Option<String>,
    /// How its calls went
    #[serde(flatten)]
    pub calls: Calls,
    /// What they used and cost
    #[serde(flatten)]
    pub spent: Spent,
}

const TOOL_ORDERS: &[Order<ToolView>] = &[
    ("calls", |row| Some(float(row.calls.calls))),
    ("errors", |row| Some(float(row.calls.errors))),
    ("error_rate", |row| row.calls.error_rate),
    ("avg_latency_ms", |row| row.calls.avg_latency_ms),
    ("p95_latency_ms", |row| row.calls.p95_latency_ms),
    ("name", |_| None),
];

const MODEL_ORDERS: &[Order<ModelView>] = &[
    ("calls", |row| Some(float(row.calls.calls))),
    ("errors", |row| Some(float(row.calls.errors))),
    ("error_rate", |row| row.calls.error_rate),
    ("avg_latency_ms", |row| row.calls.avg_latency_ms),
    ("p95_latency_ms", |row| row.calls.p95_latency_ms),
    ("tokens", |row| Some(float(row.spent.tokens.total))),
    ("cost_usd", |row| row.spent.cost_usd),
    ("unpriced_calls", |row| Some(float(row.spent.unpriced_calls))),
    ("name", |_| None),
];

impl Service {
    /// Tools and how they do.
    pub async fn tools(&self, caller: &Caller, request: Tools) -> Result<Ranked<ToolView>, Problem> {
        within_deadline(self.tools_of(caller, request)).await
    }

    /// Models and what they cost.
    pub async fn models(&self, caller: &Caller, request: Models) -> Result<Ranked<ModelView>, Problem> {
        within_deadline(self.models_of(caller, request)).await
    }

    async fn tools_of(&self, caller: &Caller, request: Tools) -> Result<Ranked<ToolView>, Problem> {
        let project = caller.project(Scope::Read)?;
        let order = order(TOOL_ORDERS, request.sort.as_deref())?;
        let agent = optional_name("agent", request.agent.as_deref())?;
        let Tools { period, limit, cursor, .. } = &request;
        let page = self.page(project, ("tools", &request), period, limit.as_ref(), cursor.as_deref())?;
        let question = of_steps(page.window, agent.as_deref());
        let counted = self.numbers(project, question).await?;
        let tools = counted.by(|_, _, dimension| match dimension {
            Dimension::Step { kind: "tool", name, .. } => Some(name.as_str()),
            _ => None,
        });
        let failures = self.failures(project, question).await?;
        let mut last = BTreeMap::<&str, &ErrorGroup>::new();
        for group in failures.groups.iter().filter(|group| group.kind == "tool") {
            let known = last.entry(&group.step).or_insert(group);
            if group.last_seen > known.last_seen {
                *known = group;
            }
        }
        let rows = tools.iter().map(|(tool, tally)| ToolView {
            tool: shown(*tool),
            calls: tally.into(),
            last_error: last.get(tool).map(|group| LastError::from(*group)),
        });
        page.of(rows.collect(), order, |row| &row.tool, counted.view())
    }

    async fn models_of(&self, caller: &Caller, request: Models) -> Result<Ranked<ModelView>, Problem> {
        let project = caller.project(Scope::Read)?;
        let order = order(MODEL_ORDERS, request.sort.as_deref())?;
        let agent = optional_name("agent", request.agent.as_deref())?;
        let Models { period, limit, cursor, .. } = &request;
        let page = self.page(project, ("models", &request), period, limit.as_ref(), cursor.as_deref())?;
        let question = of_steps(page.window, agent.as_deref());
        let counted = self.numbers(project, question).await?;
        let models = counted.by(|_, _, dimension| match dimension {
            Dimension::Step { kind: "llm", model, .. } => Some(model.as_str()),
            _ => None,
        });
        let rows = models.iter().map(|(model, tally)| ModelView {
            model: (!model.is_empty()).then(|| shown(*model)),
            calls: tally.into(),
            spent: tally.into(),
        });
        page.of(rows.collect(), order, |row| row.model.as_deref().unwrap_or(UNKNOWN), counted.view())
    }
}

/// What is asked of steps, those of one agent or of all.
const fn of_steps(window: Window, agent: Option<&str>) -> Question<'_> {
    Question { window, dimension: DimensionKind::Step, agent, bin: None }
}

impl From<&Tally> for Calls {
    fn from(tally: &Tally) -> Self {
        Self {
            calls: tally.ended(),
            errors: tally[Measure::Error],
            cancelled: tally[Measure::Cancelled],
            error_rate: tally.error_rate(),
            avg_latency_ms: tally.mean_millis(),
            p50_latency_ms: tally.quantile_millis(0.5),
            p95_latency_ms: tally.quantile_millis(0.95),
            p99_latency_ms: tally.quantile_millis(0.99),
        }
    }
}

impl From<&ErrorGroup> for LastError {
    fn from(group: &ErrorGroup) -> Self {
        Self {
            time: group.last_seen.to_rfc3339(),
            message: shown(group.sample_message.as_str()),
            trace_id: shown(group.sample_trace_id.as_str()),
            span_id: shown(group.sample_span_id.as_str()),
            fingerprint: group.fingerprint.clone(),
        }
    }
}
