//! Tokens, by what they were spent on.

use serde::{Deserialize, Serialize};

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
    /// What is known of those besides their type.
    #[serde(default, skip_serializing_if = "UsageDetails::is_empty")]
    pub details: UsageDetails,
}

/// Tokens that have a price of their own with some models. Each is a part of its type, and the parts of a type are
/// disjoint; what is left of it is text. 0 of what nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageDetails {
    /// Of the input: sound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub input_audio: u64,
    /// Of the input: pictures.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub input_image: u64,
    /// Of what was read from a cache: sound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_read_audio: u64,
    /// Of what was read from a cache: pictures.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_read_image: u64,
    /// Of what was written to a cache: what it keeps for an hour.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
    /// Of the output: sound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub output_audio: u64,
    /// Of the output: pictures.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub output_image: u64,
    /// Of the output: what the model thought.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning: u64,
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

    /// The same, without what can't be true of its parts: they are cut, one after the other, to what their type has
    /// left for them.
    #[must_use]
    pub fn with_sound_details(mut self) -> Self {
        let of = &mut self.details;
        for (whole, parts) in [
            (self.input, vec![&mut of.input_audio, &mut of.input_image]),
            (self.cache_read, vec![&mut of.cache_read_audio, &mut of.cache_read_image]),
            (self.cache_write, vec![&mut of.cache_write_1h]),
            (self.output, vec![&mut of.output_audio, &mut of.output_image, &mut of.reasoning]),
        ] {
            let mut left = whole.unwrap_or(0);
            for part in parts {
                *part = left.min(*part);
                left -= *part;
            }
        }
        self
    }
}

impl UsageDetails {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_no_more_than_their_type() {
        let details = UsageDetails { output_audio: 5, reasoning: 9, input_audio: 1, ..Default::default() };
        let usage = Usage { output: Some(7), details, ..Usage::default() }.with_sound_details();
        let sound = UsageDetails { output_audio: 5, reasoning: 2, ..UsageDetails::default() };
        assert_eq!((usage.details, usage.by_type().count()), (sound, 1));
    }
}
