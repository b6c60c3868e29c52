//! Fields that metadata tells of, in all the names the field uses for them.

mod told;
mod usage;

use serde_json::{Map, Value};

use super::text::is_name;
use super::{SpanId, TraceId, Usage};
use told::Told;

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
            usage: usage::of(metadata),
            cost_pico_usd: cost(Told(metadata)),
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
}

/// The cost that the client reports: as a whole, or by what was read and what was written.
fn cost(told: Told<'_>) -> Option<i64> {
    let whole = ["cost_usd", "llm.cost.total", "gen_ai.usage.cost"];
    whole.into_iter().find_map(|name| told.number(name).and_then(pico_usd)).or_else(|| {
        let parts = ["llm.cost.prompt", "llm.cost.completion"];
        parts.into_iter().filter_map(|name| told.number(name).and_then(pico_usd)).reduce(i64::saturating_add)
    })
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
    fn ids_that_can_not_be_ids_are_left_alone() {
        let odd = lifted(json!({"trace_id": "a b", "span_id": 7, "agent_name": "", "cost_usd": -1}));
        assert_eq!(lifted(json!({"agent_name": "x".repeat(257), "model": "a\u{0}b"})), Lifted::default());
        assert_eq!(odd, Lifted::default());
    }

    #[test]
    fn money_is_exact_to_a_pico_dollar() {
        for told in [
            json!({"cost_usd": 0.001_088}),
            json!({"cost_usd": "0.001088", "llm.cost.total": 1}),
            json!({"llm.cost.total": 0.001_088, "llm.cost.prompt": 1}),
            json!({"llm.cost.prompt": 0.001, "llm.cost.completion": 0.000_088}),
            json!({"llm": {"cost": {"total": 0.001_088}}}),
        ] {
            assert_eq!(lifted(told.clone()).cost_pico_usd, Some(1_088_000_000), "{told}");
        }
        assert_eq!(
            lifted(json!({"llm.cost.prompt": 0.5, "llm.cost.completion": -1})).cost_pico_usd,
            Some(500_000_000_000)
        );
        for told in [json!("free"), json!(9.1e6), json!("inf"), json!(null), json!([1])] {
            assert_eq!(lifted(json!({"cost_usd": told})).cost_pico_usd, None);
        }
    }
}
