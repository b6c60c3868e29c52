//! A counted point as a member of a sorted set: its id, then the rest as JSON. One point is always one member.

use serde::{Deserialize, Serialize};

use crate::model::{Labels, MetricKind, Point, Timestamp, TraceId};

#[derive(Serialize, Deserialize)]
struct Body {
    name: String,
    labels: Labels,
    kind: MetricKind,
    /// As text, since JSON's readers round.
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_id: Option<TraceId>,
}

/// The member that `point` is.
pub(in super::super) fn encode(point: &Point) -> String {
    let body = Body {
        name: point.name.clone(),
        labels: point.labels.clone(),
        kind: point.kind,
        value: point.value.to_string(),
        trace_id: point.trace_id.clone(),
    };
    format!("{}|{}", point.id, serde_json::to_string(&body).unwrap_or_default())
}

/// The point that a member is.
pub(in super::super) fn decode(member: &str, timestamp: Timestamp) -> Option<Point> {
    let (id, body) = member.split_once('|')?;
    let body: Body = serde_json::from_str(body).ok()?;
    Some(Point {
        id: id.to_owned(),
        timestamp,
        name: body.name,
        labels: body.labels,
        kind: body.kind,
        kind_given: true,
        value: body.value.parse().ok()?,
        trace_id: body.trace_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_comes_back_whole() {
        let point = Point {
            id: "0199".into(),
            timestamp: Timestamp::from_micros(7),
            name: "agent_tokens_total".into(),
            labels: Labels::from([("token_type".into(), "a|b".into())]),
            kind: MetricKind::Counter,
            kind_given: true,
            value: 0.1 + 0.2,
            trace_id: Some(TraceId::stored("t")),
        };
        assert_eq!(decode(&encode(&point), point.timestamp), Some(point));
        for member in ["", "0199", "0199|{}"] {
            assert_eq!(decode(member, Timestamp::from_micros(7)), None, "{member}");
        }
    }
}
