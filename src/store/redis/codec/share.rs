//! What the spans of one shard add up to in their trace, as a hash: counts that commands add to, and for the rest the
//! earliest or the latest that was said, which commands keep.

use super::span::Fields;
use crate::model::{Failure, Head, Timestamp, TraceSummary};

/// One shard's share of a trace.
#[derive(Debug, Default)]
pub(in super::super) struct Share {
    summary: TraceSummary,
    session: Option<Told>,
    agent: Option<Told>,
}

/// What a span said, and where the span stands among others.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    time: i64,
    id: String,
    text: String,
}

impl Share {
    /// The share that a hash is; `None` where no span is left of it.
    pub(in super::super) fn decode(hash: &Fields) -> Option<Self> {
        let number = |field: &str| hash.get(field).and_then(|text| text.parse::<i64>().ok());
        let told = |field: &str| Told::decode(hash.get(field)?);
        let mut summary = TraceSummary {
            start_time: told("start_time").map(|told| Timestamp::from_micros(told.time)),
            end_time: number("end_time").map(Timestamp::from_micros),
            root: told("root").and_then(|told| serde_json::from_str::<Head>(&told.text).ok()),
            failure: told("failure").and_then(|told| serde_json::from_str::<Failure>(&told.text).ok()),
            ..TraceSummary::default()
        };
        for (name, count) in summary.counts.by_name() {
            *count = number(name).unwrap_or(0);
        }
        let share = Self { summary, session: told("session_id"), agent: told("agent_name") };
        (share.summary.counts.spans > 0).then_some(share)
    }

    /// Both together.
    pub(in super::super) fn plus(self, other: Self) -> Self {
        Self {
            summary: self.summary.plus(other.summary),
            session: earlier(self.session, other.session),
            agent: earlier(self.agent, other.agent),
        }
    }

    /// The whole trace, of which these are all shares.
    pub(in super::super) fn into_summary(self) -> TraceSummary {
        TraceSummary {
            session_id: self.session.map(|told| told.text),
            agent_name: self.agent.map(|told| told.text),
            ..self.summary
        }
    }
}

impl Told {
    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '|');
        let (time, id, text) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        Some(Self { time, id: id.to_owned(), text: text.to_owned() })
    }
}

fn earlier(one: Option<Told>, two: Option<Told>) -> Option<Told> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn shares_add_up_and_the_earliest_span_is_heard() {
        let late = hash(&[
            ("spans", "2"),
            ("open", "1"),
            ("start_time", "20||"),
            ("end_time", "30"),
            ("session_id", "20|b|late|r"),
        ]);
        let early = hash(&[
            ("spans", "1"),
            ("start_time", "10||"),
            ("session_id", "10|a|early"),
            ("agent_name", "10|a|x"),
        ]);
        let shares = [late, early].map(|hash| Share::decode(&hash).unwrap());
        let summary = shares.into_iter().reduce(Share::plus).unwrap().into_summary();
        assert_eq!((summary.counts.spans, summary.counts.open), (3, 1));
        assert_eq!(
            (summary.start_time.map(Timestamp::micros), summary.end_time.map(Timestamp::micros)),
            (Some(10), Some(30))
        );
        assert_eq!(
            (summary.session_id.as_deref(), summary.agent_name.as_deref()),
            (Some("early"), Some("x"))
        );
    }

    #[test]
    fn a_share_without_spans_is_none() {
        assert!(Share::decode(&hash(&[("start_time", "1||")])).is_none());
        assert!(Share::decode(&hash(&[])).is_none());
    }
}
