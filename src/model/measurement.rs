//! From what a call of `record_metric` says to what a series takes.

use serde_json::{Map, Value};

use super::text::quoted;
use super::{Code, Labels, MAX_LABEL_VALUE_BYTES, MAX_LABELS, MetricKind, OVERFLOW_LABEL, Problem};

/// Metrics that are not recorded but told from something else, and from what.
const DERIVED: [(&str, &str); 2] = [
    ("agent_active_requests", "it is counted from the spans that are open"),
    ("agent_dead_letters", "it is the length of the lists that are watched"),
];

const MAX_NAME_CHARS: usize = 200;
const MAX_LABEL_NAME_CHARS: usize = 128;

/// What a call of `record_metric` says, before Prometheus's rules are put to it.
#[derive(Debug, Clone)]
pub struct Measurement<'a> {
    /// The name as the caller gave it, such as `agent.request.duration_ms`.
    pub name: &'a str,
    /// The value as the caller gave it.
    pub value: f64,
    /// The labels as the caller gave them.
    pub labels: &'a Map<String, Value>,
    /// The kind, where the caller gave one.
    pub kind: Option<MetricKind>,
}

/// A [`Measurement`] as a series takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalized {
    /// The Prometheus name.
    pub name: String,
    /// The series' labels.
    pub labels: Labels,
    /// How it adds up.
    pub kind: MetricKind,
    /// The value in the base unit.
    pub value: f64,
}

impl Measurement<'_> {
    /// Puts Prometheus's rules to it: one name form, base units, `_total` on counters; and maps the published
    /// families: `agent.request.duration_ms`, `agent.request.errors`, `agent.tokens.input|output`.
    pub fn normalize(&self) -> Result<Normalized, Problem> {
        check_name(self.name)?;
        if !self.value.is_finite() {
            return Err(Problem::new(Code::InvalidNumber, "`value` must be a finite number").at("value"));
        }
        let mut labels = labels(self.labels)?;
        let mut name = prometheus_name(self.name);
        let mut value = self.value;
        if let Some(base) = name.strip_suffix("_ms").or_else(|| name.strip_suffix("_milliseconds")) {
            name = format!("{base}_seconds");
            value /= 1_000.0;
        }
        if let Some(token_type) = name.strip_prefix("agent_tokens_").filter(|rest| *rest != "total") {
            labels.insert("token_type".into(), token_type.to_owned());
            name = "agent_tokens_total".into();
        }
        let kind = self.kind.unwrap_or_else(|| infer_kind(&name));
        if kind == MetricKind::Counter && !name.ends_with("_total") {
            name.push_str("_total");
        }
        if let Some((own, why)) = DERIVED.iter().find(|(own, _)| name.trim_end_matches("_total") == *own) {
            let problem = Problem::invalid("metric_name", format!("`{own}` can't be recorded"));
            return Err(problem.hint(*why));
        }
        if let Some(own) = own_kind(&name).filter(|own| *own != kind) {
            let (own, kind) = (own.as_str(), kind.as_str());
            let message = format!("`{name}` is a {own}, it can't be recorded as a {kind}");
            return Err(Problem::new(Code::MetricTypeConflict, message).at("kind"));
        }
        if kind == MetricKind::Counter && value < 0.0 {
            return Err(Problem::new(Code::InvalidNumber, format!("a counter can't grow by `{value}`"))
                .at("value")
                .hint("a counter only grows; give `kind` as gauge for what also falls"));
        }
        if kind == MetricKind::Histogram && value < 0.0 && name.ends_with("_seconds") {
            return Err(Problem::new(Code::InvalidNumber, format!("a duration can't be `{}`", self.value))
                .at("value")
                .hint("a duration is 0 or more"));
        }
        for label in required_labels(&name) {
            labels.entry((*label).to_owned()).or_insert_with(|| "unknown".to_owned());
        }
        Ok(Normalized { name, labels, kind, value })
    }
}

/// The kind of the families that spans feed too: a caller that took one for another kind would stop the counting.
fn own_kind(name: &str) -> Option<MetricKind> {
    match name {
        "agent_request_duration_seconds" | "agent_span_duration_seconds" => Some(MetricKind::Histogram),
        "agent_request_errors_total"
        | "agent_span_errors_total"
        | "agent_tokens_total"
        | "agent_cost_usd_total"
        | "agent_unpriced_calls_total" => Some(MetricKind::Counter),
        _ => None,
    }
}

/// The labels that a published family always has.
fn required_labels(name: &str) -> &'static [&'static str] {
    match name {
        "agent_request_duration_seconds" => &["agent_name"],
        "agent_request_errors_total" => &["agent_name", "error_type"],
        "agent_tokens_total" => &["agent_name", "token_type"],
        _ => &[],
    }
}

/// The kind that a normalised name tells of.
fn infer_kind(name: &str) -> MetricKind {
    let last = name.rsplit('_').next().unwrap_or(name);
    match last {
        "total" | "count" | "calls" | "errors" | "requests" | "tokens" | "retries" | "failures"
        | "events" => MetricKind::Counter,
        "seconds" | "duration" | "latency" => MetricKind::Histogram,
        _ => MetricKind::Gauge,
    }
}

fn check_name(name: &str) -> Result<(), Problem> {
    let length = name.chars().count();
    if length > MAX_NAME_CHARS {
        return Err(Problem::too_large("metric_name", "characters", MAX_NAME_CHARS, length));
    }
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == ':');
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:.-/".contains(&byte));
    // Of a name without any of these nothing would be left.
    let named = name.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if first && rest && named {
        return Ok(());
    }
    let problem = Problem::invalid("metric_name", format!("`metric_name` can't be {}", quoted(name)));
    let suggestion = prometheus_name(name);
    Err(if suggestion.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        problem.hint(format!("try `{}`", suggestion.trim_start_matches(|c: char| c.is_ascii_digit())))
    } else {
        problem.hint("a letter first, then letters, digits and . _ : - /")
    })
}

/// Every character that Prometheus doesn't take becomes `_`; runs of `_` become one.
fn prometheus_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        let keep = character.is_ascii_alphanumeric() || character == ':';
        if keep {
            out.push(character);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_end_matches('_').to_owned()
}

fn labels(given: &Map<String, Value>) -> Result<Labels, Problem> {
    if given.len() > MAX_LABELS {
        return Err(Problem::too_large("labels", "labels", MAX_LABELS, given.len()));
    }
    let mut labels = Labels::new();
    for (name, value) in given {
        let field = format!("labels.{name}");
        let name = label_name(name)?;
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(bool) => bool.to_string(),
            _ => return Err(Problem::invalid(field, "a label must be a text, a number or a boolean")),
        };
        if value.len() > MAX_LABEL_VALUE_BYTES {
            return Err(Problem::too_large(field, "bytes", MAX_LABEL_VALUE_BYTES, value.len()));
        }
        let (value, _) = super::text::without_nul(value);
        if labels.insert(name.clone(), value).is_some() {
            return Err(Problem::invalid(field, format!("two labels are both named `{name}`"))
                .hint("dots and underscores are the same in a label's name"));
        }
    }
    Ok(labels)
}

fn label_name(name: &str) -> Result<String, Problem> {
    let refuse = |rule: &str| {
        let shown = quoted(name);
        Err(Problem::invalid("labels", format!("a label can't be named {shown}")).hint(rule.to_owned()))
    };
    let length = name.chars().count();
    if length > MAX_LABEL_NAME_CHARS {
        return Err(Problem::too_large("labels", "characters in a name", MAX_LABEL_NAME_CHARS, length));
    }
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !first || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte)) {
        return refuse("a letter or _ first, then letters, digits, _ and .");
    }
    let name = name.replace('.', "_");
    let reserved = ["le", "quantile", "job", "instance", OVERFLOW_LABEL];
    if name.starts_with("__") || reserved.contains(&name.as_str()) {
        return refuse(
            "names that begin with __, and le, quantile, job, instance, are Prometheus's; otel_metric_overflow is ours",
        );
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn normalize(name: &str, value: f64, labels: Value) -> Result<Normalized, Problem> {
        Measurement { name, value, labels: labels.as_object().unwrap(), kind: None }.normalize()
    }

    fn expect(name: &str, value: f64, labels: Value) -> (String, MetricKind, f64, Value) {
        let point = normalize(name, value, labels).unwrap();
        (point.name, point.kind, point.value, json!(point.labels))
    }

    #[test]
    fn the_published_families_keep_their_names_and_labels() {
        use MetricKind::{Counter, Histogram};
        let agent = json!({"agent_name": "a"});
        assert_eq!(
            expect("agent.request.duration_ms", 2_500.0, agent.clone()),
            ("agent_request_duration_seconds".into(), Histogram, 2.5, agent)
        );
        assert_eq!(
            expect("agent.request.errors", 3.0, json!({})),
            (
                "agent_request_errors_total".into(),
                Counter,
                3.0,
                json!({"agent_name": "unknown", "error_type": "unknown"})
            )
        );
        for token_type in ["input", "output", "cache_read"] {
            assert_eq!(
                expect(&format!("agent.tokens.{token_type}"), 12.0, json!({"agent_name": "a"})),
                (
                    "agent_tokens_total".into(),
                    Counter,
                    12.0,
                    json!({"agent_name": "a", "token_type": token_type})
                )
            );
        }
    }

    #[test]
    fn other_names_follow_prometheus_and_are_kept() {
        use MetricKind::{Counter, Gauge, Histogram};
        assert_eq!(expect("agent.tool_calls", 1.0, json!({})).0, "agent_tool_calls_total");
        assert_eq!(expect("agent.tool_calls", 1.0, json!({})).1, Counter);
        assert_eq!(expect("cache-hit/ratio", 0.5, json!({})).0, "cache_hit_ratio");
        assert_eq!(expect("cache-hit/ratio", 0.5, json!({})).1, Gauge);
        assert_eq!(expect("tool.latency", 0.5, json!({})).1, Histogram);
        assert_eq!(expect("tool.wait_ms", 250.0, json!({})).0, "tool_wait_seconds");
    }

    #[test]
    fn bad_names_labels_and_values_are_refused_with_a_way_out() {
        assert_eq!(normalize("x y", 1.0, json!({})).unwrap_err().hint.as_deref(), Some("try `x_y`"));
        for name in ["", "*", "{}", "🌍", "1a", "_", "_-:", &"a".repeat(201)] {
            assert!(normalize(name, 1.0, json!({})).is_err(), "{name}");
        }
        for label in ["le", "__name__", "_.name__", "otel.metric.overflow", "job", "a-b", "1a", "", "é"] {
            let problem = normalize("m", 1.0, json!({label: "x"})).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("labels"), "{label}");
        }
        assert!(normalize("m", 1.0, json!({"a.b": 1, "a_b": 2})).is_err());
        assert_eq!(normalize("m", f64::NAN, json!({})).unwrap_err().code, Code::InvalidNumber);
        assert_eq!(normalize("m.total", -1.0, json!({})).unwrap_err().code, Code::InvalidNumber);
        assert_eq!(normalize("m.wait_ms", -1.0, json!({})).unwrap_err().code, Code::InvalidNumber);
        assert!(normalize("agent.active_requests", 1.0, json!({})).is_err());
        let gauge = Measurement {
            name: "agent.tokens.input",
            value: 1.0,
            labels: &Map::new(),
            kind: Some(MetricKind::Gauge),
        };
        assert_eq!(gauge.normalize().unwrap_err().code, Code::MetricTypeConflict);
    }

    proptest! {
        #[test]
        fn a_normalised_name_is_its_own(name in "[a-zA-Z_:][a-zA-Z0-9_:./-]{0,60}", value in 0.0..1e9) {
            let Ok(once) = normalize(&name, value, json!({})) else { return Ok(()) };
            let again = Measurement {
                name: &once.name,
                value: once.value,
                labels: json!(once.labels).as_object().unwrap(),
                kind: Some(once.kind),
            }
            .normalize()
            .unwrap();
            prop_assert_eq!(again, once);
        }
    }
}
