//! By what lines are told apart.

use super::super::super::text::given;
use super::super::UNKNOWN;
use super::super::number::Number;
use crate::model::text::quoted;
use crate::model::{Dimension, DimensionKind, Problem};

/// Numbers in one answer, at most.
const MAX_NUMBERS: usize = 8;
/// What counts tokens of one type.
const TOKENS: [&str; 5] =
    ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "other_tokens"];
/// The group of everything, where lines are not told apart.
pub(super) const ALL: &str = "";

/// By what lines are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    None,
    Agent,
    Model,
    Span,
    Tool,
    TokenType,
}

impl By {
    const ALL: [(&'static str, Self); 6] = [
        ("none", Self::None),
        ("agent", Self::Agent),
        ("model", Self::Model),
        ("span", Self::Span),
        ("tool", Self::Tool),
        ("token_type", Self::TokenType),
    ];

    /// What the argument `by` says, with its name.
    pub(super) fn parse(text: &str) -> Result<(&'static str, Self), Problem> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).ok_or_else(|| {
            Problem::invalid("by", format!("`by` can't be {}", quoted(text)))
                .hint(format!("one of {}", Self::ALL.map(|(name, _)| name).join(", ")))
        })
    }

    /// Of what lines are made.
    pub(super) const fn dimension(self) -> DimensionKind {
        match self {
            Self::None | Self::Agent | Self::TokenType => DimensionKind::Agent,
            Self::Model | Self::Span | Self::Tool => DimensionKind::Step,
        }
    }

    const fn default_metric(self) -> &'static str {
        match self {
            Self::None | Self::Agent => "requests",
            Self::Model | Self::Span | Self::Tool => "ended",
            Self::TokenType => "tokens",
        }
    }

    /// The numbers that are asked for, each known of what they are asked of.
    pub(super) fn numbers(self, name: &str, metrics: Option<&str>) -> Result<Vec<Number>, Problem> {
        let metrics = given(metrics).unwrap_or(self.default_metric());
        if metrics.split(',').count() > MAX_NUMBERS {
            let count = metrics.split(',').count();
            return Err(Problem::too_large("metric", "names", MAX_NUMBERS, count));
        }
        let numbers = metrics.split(',').map(|metric| Number::parse(metric.trim()));
        let numbers: Vec<Number> = numbers.collect::<Result<_, _>>()?;
        let known = |number: &Number| match self {
            Self::None | Self::Agent => true,
            Self::Model | Self::Span | Self::Tool => number.of_steps,
            Self::TokenType => number.name == "tokens",
        };
        match numbers.iter().find(|number| !known(number)) {
            None if self == Self::TokenType => TOKENS.into_iter().map(Number::parse).collect(),
            None => Ok(numbers),
            Some(number) => {
                Err(Problem::invalid("metric", format!("`{}` is not counted by {name}", number.name)).hint(
                    format!("leave `metric` out to get `{}`, or ask by none or agent", self.default_metric()),
                ))
            }
        }
    }

    /// What a line of this number and group is called.
    pub(super) fn names<'a>(self, number: &Number, group: &'a str) -> (&'static str, Option<&'a str>) {
        match self {
            Self::TokenType => ("tokens", number.name.strip_suffix("_tokens")),
            _ => (number.name, Some(group).filter(|group| *group != ALL)),
        }
    }

    /// The group that a cell belongs to, if to any.
    pub(super) fn group<'a>(self, agent: &'a str, dimension: &'a Dimension) -> Option<&'a str> {
        match (self, dimension) {
            (Self::None | Self::TokenType, _) => Some(ALL),
            (Self::Agent, _) => Some(agent),
            (Self::Model, Dimension::Step { kind: "llm", model, .. }) => {
                Some(if model.is_empty() { UNKNOWN } else { model })
            }
            (Self::Span, Dimension::Step { name, .. })
            | (Self::Tool, Dimension::Step { kind: "tool", name, .. }) => Some(name),
            _ => None,
        }
    }
}
