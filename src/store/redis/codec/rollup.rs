//! Roll-ups as fields of a hash: what is counted, then whose and of what, each a number of its own that commands add to.
//!
//! Texts are parted by a control character. Names have none, but for what scripts wrote: there it is spelt out.

use std::borrow::Cow;

use crate::model::{Dimension, DimensionKind, Latency, Measure, SpanKind, Tally};

/// Counts the changes of a hash, so that one who recounts sees them. No field of a count is called so.
pub(in super::super) const VERSION: &str = "version";

const SEPARATOR: char = '\u{1f}';
const ESCAPE: char = '\u{1e}';

/// Whose and of what, as the second part of its fields.
pub(in super::super) fn place(agent: &str, dimension: &Dimension) -> String {
    let texts = match dimension {
        Dimension::Agent => vec![agent],
        Dimension::Step { kind, name, model } => vec![agent, kind, name, model],
        Dimension::Error(fingerprint) => vec![agent, fingerprint],
    };
    texts.into_iter().map(escaped).collect::<Vec<_>>().join("\u{1f}")
}

/// The fields of a tally at a place, each with its count.
pub(in super::super) fn fields(place: &str, tally: &Tally) -> Vec<(String, i64)> {
    let measures = tally.counts().map(|(measure, count)| (measure.as_str().to_owned(), count));
    let latency = tally.latency.iter().map(|(bucket, count)| (format!("l{}", bucket.0), *count));
    measures.chain(latency).map(|(name, count)| (format!("{name}{SEPARATOR}{place}"), count)).collect()
}

/// The parts of a field: what is counted, and the place.
pub(in super::super) fn split(field: &str) -> Option<(&str, &str)> {
    field.split_once(SEPARATOR)
}

/// Whether a place is of this agent.
pub(in super::super) fn is_of(place: &str, agent: &str) -> bool {
    place.split(SEPARATOR).next() == Some(&*escaped(agent))
}

/// Adds what a field counts.
pub(in super::super) fn add(tally: &mut Tally, counted: &str, count: i64) {
    if let Some(measure) = Measure::from_name(counted) {
        tally[measure] = tally[measure].saturating_add(count);
    } else if let Some(bucket) = counted.strip_prefix('l').and_then(|bucket| bucket.parse().ok()) {
        *tally.latency.entry(Latency(bucket)).or_default() += count;
    }
}

/// Whose and of what a place is.
pub(in super::super) fn read_place(kind: DimensionKind, place: &str) -> Option<(String, Dimension)> {
    let mut texts = place.split(SEPARATOR).map(plain);
    let agent = texts.next()?;
    let dimension = match kind {
        DimensionKind::Agent => Dimension::Agent,
        DimensionKind::Step => {
            let kind = SpanKind::parse("kind", &texts.next()?).ok()?.as_str();
            Dimension::Step { kind, name: texts.next()?, model: texts.next()? }
        }
        DimensionKind::Error => Dimension::Error(texts.next()?),
    };
    Some((agent, dimension))
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains([SEPARATOR, ESCAPE]) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, "\u{1e}e").replace(SEPARATOR, "\u{1e}s"))
}

fn plain(text: &str) -> String {
    text.replace("\u{1e}s", "\u{1f}").replace("\u{1e}e", "\u{1e}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_place_comes_back(agent in ".{0,9}", name in "[\\x1d-\\x20es]{0,9}", model in ".{0,9}") {
            let dimension = Dimension::Step { kind: "tool", name, model };
            let told = place(&agent, &dimension);
            prop_assert!(is_of(&told, &agent));
            prop_assert_eq!(read_place(DimensionKind::Step, &told), Some((agent, dimension)));
        }
    }

    #[test]
    fn a_tally_comes_back_from_its_fields() {
        let mut tally = Tally::default();
        (tally[Measure::LlmCalls], tally[Measure::ComputedCost]) = (2, -7);
        tally.latency.insert(Latency(0), 3);
        tally.latency.insert(Latency(345), 1);
        let place = place("a", &Dimension::Agent);
        let mut told = Tally::default();
        for (field, count) in fields(&place, &tally) {
            let (counted, at) = split(&field).unwrap();
            assert_eq!(at, place);
            add(&mut told, counted, count);
        }
        assert_eq!(told, tally);
        assert_eq!(split(VERSION), None);
    }
}
