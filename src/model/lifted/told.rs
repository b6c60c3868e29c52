//! Values in metadata, under flat names and in objects.

use serde_json::{Map, Value};

/// More tokens than any call has. Whoever says so counts something else.
const MAX_TOKENS: u64 = 1_000_000_000_000;

/// What metadata, or an object in it, tells.
#[derive(Clone, Copy)]
pub(super) struct Told<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Told<'a> {
    /// The value under a dotted name, or in objects of which the name is the path.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).or_else(|| {
            let (outer, inner) = name.split_once('.')?;
            self.object(outer)?.value(inner)
        })
    }

    pub(super) fn object(self, name: &str) -> Option<Self> {
        self.0.get(name)?.as_object().map(Self)
    }

    /// A number, which SDKs also write as a text.
    pub(super) fn number(self, name: &str) -> Option<f64> {
        match self.value(name)? {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_f64(),
        }
    }

    /// A count of tokens: whole, not negative, and no more than there can be.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    pub(super) fn count(self, name: &str) -> Option<u64> {
        let count = match self.value(name)? {
            Value::String(text) => text.trim().parse().ok()?,
            value => value.as_u64().or_else(|| {
                let number = value.as_f64()?;
                (number.fract() == 0.0 && (0.0..1e15).contains(&number)).then_some(number as u64)
            })?,
        };
        (count <= MAX_TOKENS).then_some(count)
    }

    /// The first count there is under these names.
    pub(super) fn first(self, names: &[&str]) -> Option<u64> {
        names.iter().find_map(|name| self.count(name))
    }

    /// The sum of the counts there are under these names.
    pub(super) fn sum(self, names: &[&str]) -> Option<u64> {
        names.iter().filter_map(|name| self.count(name)).reduce(|sum, count| sum + count)
    }
}
