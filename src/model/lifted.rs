//! Fields that metadata tells of, in all the names the field uses for them.

use serde_json::{Map, Value};

use serde::{Deserialize, Serialize};

use super::text::is_name;
use super::{SpanId, TraceId};

/// Tokens by type. The types are disjoint, so a sum is a total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read that no cache held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Tokens read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Tokens written to a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Tokens written by the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
}

impl Usage {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each known type with its label value and its count.
    pub fn by_type(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("input", self.input),
            ("cache_read", self.cache_read),
            ("cache_write", self.cache_write),
            ("output", self.output),
        ]
        .into_iter()
        .filter_map(|(token_type, count)| Some((token_type, count?)))
    }
}

/// What metadata says of the record that carries it.
///
/// The metadata stays as it is; these are copies of what can be grouped, filtered and counted by.
/// A value of the wrong type, or an id that can't be one, is left where it stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lifted {
    /// The agent.
    pub agent_name: Option<String>,
    /// The conversation.
    pub session_id: Option<String>,
    /// The trace.
    pub trace_id: Option<TraceId>,
    /// The span.
    pub span_id: Option<SpanId>,
    /// The model.
    pub model: Option<String>,
    /// Who runs the model.
    pub provider: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// The cost that the client reports, in pico-dollars.
    pub cost_pico_usd: Option<i64>,
}

impl Lifted {
    /// Reads plain names, `OTel` `GenAI` names of three generations, and `OpenInference` names.
    pub fn from_metadata(metadata: &Map<String, Value>) -> Self {
        let find = Finder(metadata);
        Self {
            agent_name: find.name(&["agent_name", "gen_ai.agent.name", "agent.name"]),
            session_id: find.name(&["session_id", "gen_ai.conversation.id", "session.id"]),
            trace_id: find.text(&["trace_id"]).and_then(|id| TraceId::parse("trace_id", id).ok()),
            span_id: find.text(&["span_id"]).and_then(|id| SpanId::parse("span_id", id).ok()),
            model: find.name(&[
                "model",
                "gen_ai.response.model",
                "gen_ai.request.model",
                "llm.response.model_name",
                "llm.model_name",
                "llm.request.model_name",
            ]),
            provider: find.name(&[
                "provider",
                "gen_ai.provider.name",
                "gen_ai.system",
                "llm.provider",
                "llm.system",
            ]),
            error: find.text(&["error", "error_message", "exception.message", "error_type", "error.type"]),
            usage: find.usage(),
            cost_pico_usd: find.number(&["cost_usd", "llm.cost.total"]).and_then(pico_usd),
        }
    }
}

struct Finder<'a>(&'a Map<String, Value>);

impl Finder<'_> {
    fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| match self.0.get(*name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        })
    }

    /// A text that can name something, as an argument of the same name must.
    fn name(&self, names: &[&str]) -> Option<String> {
        self.text(names).filter(|name| is_name(name))
    }

    fn number(&self, names: &[&str]) -> Option<f64> {
        names.iter().find_map(|name| self.0.get(*name)?.as_f64())
    }

    fn count(&self, names: &[&str]) -> Option<u64> {
        names.iter().find_map(|name| self.0.get(*name)?.as_u64())
    }

    /// Plain `input_tokens` leaves cached tokens out, as vendors' interfaces report it; the names of both
    /// conventions include them.
    fn usage(&self) -> Usage {
        let cache_read = self.count(&[
            "cache_read_tokens",
            "gen_ai.usage.cache_read.input_tokens",
            "llm.token_count.prompt_details.cache_read",
        ]);
        let cache_write = self.count(&[
            "cache_write_tokens",
            "cache_creation_tokens",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ]);
        let with_cache = self.count(&[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
        ]);
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        Usage {
            input: self
                .count(&["input_tokens"])
                .or_else(|| with_cache.map(|input| input.saturating_sub(cached))),
            cache_read,
            cache_write,
            output: self.count(&[
                "output_tokens",
                "gen_ai.usage.output_tokens",
                "gen_ai.usage.completion_tokens",
                "llm.token_count.completion",
            ]),
        }
    }
}

/// Dollars as a client wrote them, in pico-dollars. Negative amounts, and amounts past nine million
/// dollars, are no cost of a call.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn pico_usd(dollars: f64) -> Option<i64> {
    (0.0..9.0e6).contains(&dollars).then(|| (dollars * 1e12).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lifted(metadata: Value) -> Lifted {
        Lifted::from_metadata(metadata.as_object().unwrap())
    }

    #[test]
    fn plain_input_excludes_cache_and_conventions_include_it() {
        let plain = lifted(json!({"input_tokens": 12, "cache_read_tokens": 2000, "output_tokens": 7}));
        let genai = lifted(json!({
            "gen_ai.usage.input_tokens": 2012,
            "gen_ai.usage.cache_read.input_tokens": 2000,
            "gen_ai.usage.output_tokens": 7,
        }));
        assert_eq!(plain.usage, genai.usage);
        assert_eq!(plain.usage.by_type().map(|(_, count)| count).sum::<u64>(), 2019);
    }

    #[test]
    fn a_bare_tokens_key_counts_nothing() {
        assert!(lifted(json!({"tokens": 500})).usage.is_empty());
    }

    #[test]
    fn ids_that_can_not_be_ids_are_left_alone() {
        let odd = lifted(json!({"trace_id": "a b", "span_id": 7, "agent_name": "", "cost_usd": -1}));
        assert_eq!(lifted(json!({"agent_name": "x".repeat(257), "model": "a\u{0}b"})), Lifted::default());
        assert_eq!(odd, Lifted::default());
    }

    #[test]
    fn money_is_exact_to_a_pico_dollar() {
        assert_eq!(lifted(json!({"cost_usd": 0.001_088})).cost_pico_usd, Some(1_088_000_000));
    }
}
