//! The metrics that spans feed.

use super::{Labels, MetricKind, Point, Span, SpanKind, SpanStatus};

impl Span {
    /// The points that this span, having ended, adds to the agents' series.
    ///
    /// Token and cost counters come from `llm` spans alone, since an agent's span repeats the sums of its
    /// children. The published request family is fed by `record_metric` only, so nothing counts twice.
    pub fn derived_points(&self) -> Vec<Point> {
        let (Some(end_time), Some(duration_ms)) = (self.end_time, self.duration_ms) else {
            return Vec::new();
        };
        let agent = ("agent_name", self.agent_name.as_deref().unwrap_or("unknown"));
        let point = |index: usize, name: &str, kind, value, labels: &[(&str, &str)]| Point {
            id: format!("{}:{index}", self.span_id),
            timestamp: end_time,
            name: name.to_owned(),
            labels: labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<Labels>(),
            kind,
            kind_given: true,
            value,
            trace_id: None,
        };
        let step = [agent, ("span_kind", self.kind.as_str()), ("span_name", &self.name)];
        let mut points = vec![point(
            0,
            "agent_span_duration_seconds",
            MetricKind::Histogram,
            duration_ms / 1_000.0,
            &step,
        )];
        if self.status == SpanStatus::Error {
            points.push(point(1, "agent_span_errors_total", MetricKind::Counter, 1.0, &step));
        }
        if self.kind == SpanKind::Llm {
            for (index, (token_type, count)) in self.usage.by_type().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "exact to 9 quadrillion tokens")]
                let count = count as f64;
                let labels = [agent, ("token_type", token_type)];
                points.push(point(2 + index, "agent_tokens_total", MetricKind::Counter, count, &labels));
            }
            let of_model = [agent, ("model", self.model.as_deref().unwrap_or("unknown"))];
            if let Some((cost, _)) = self.cost() {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a series is a float; the span keeps the integer"
                )]
                let dollars = cost as f64 / 1e12;
                points.push(point(9, "agent_cost_usd_total", MetricKind::Counter, dollars, &of_model));
            } else if self.cost_source().is_some() {
                points.push(point(10, "agent_unpriced_calls_total", MetricKind::Counter, 1.0, &of_model));
            }
        }
        points
    }
}
