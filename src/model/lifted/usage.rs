//! Tokens, in all the forms in which clients report them.

use serde_json::{Map, Value};

use super::told::Told;
use crate::model::{Usage, UsageDetails};

/// Input that leaves cached tokens out: plain names, and the interface of Anthropic.
const INPUT: &str = "input_tokens";
/// Beside these, plain input is that of `OpenAI`'s responses, which has cached tokens in it.
const INPUT_DETAILS: &[&str] = &["input_tokens_details", "input_token_details"];
/// Input with cached tokens in it: both conventions, and the interface of `OpenAI`.
const ALL_INPUT: &[&str] =
    &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "prompt_tokens"];
const ALL_INPUT_BY_MODALITY: &[&str] =
    &["gen_ai.usage.text.input_tokens", "gen_ai.usage.image.input_tokens", "gen_ai.usage.audio.input_tokens"];
const CACHE_READ: &[&str] = &[
    "cache_read_tokens",
    "cache_read_input_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "input_token_details.cached_tokens",
];
const CACHE_READ_BY_MODALITY: &[&str] = &[
    "gen_ai.usage.text.cache_read.input_tokens",
    "gen_ai.usage.image.cache_read.input_tokens",
    "gen_ai.usage.audio.cache_read.input_tokens",
];
const CACHE_WRITE: &[&str] = &[
    "cache_write_tokens",
    "cache_creation_tokens",
    "cache_creation_input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
];
const CACHE_WRITE_5M: &[&str] = &["cache_creation.ephemeral_5m_input_tokens", "cache_creation_5m_tokens"];
const CACHE_WRITE_1H: &[&str] = &["cache_creation.ephemeral_1h_input_tokens", "cache_creation_1h_tokens"];
const OUTPUT: &[&str] = &[
    "output_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "completion_tokens",
];
const OUTPUT_BY_MODALITY: &[&str] = &[
    "gen_ai.usage.text.output_tokens",
    "gen_ai.usage.image.output_tokens",
    "gen_ai.usage.audio.output_tokens",
];
/// All together, from which what is missing follows.
const TOTAL: &[&str] = &["llm.token_count.total", "gen_ai.usage.total_tokens", "total_tokens"];
const INPUT_AUDIO: &[&str] = &[
    "gen_ai.usage.audio.input_tokens",
    "llm.token_count.prompt_details.audio",
    "prompt_tokens_details.audio_tokens",
    "input_token_details.audio_tokens",
];
const INPUT_IMAGE: &[&str] = &[
    "gen_ai.usage.image.input_tokens",
    "input_tokens_details.image_tokens",
    "input_token_details.image_tokens",
];
const CACHE_READ_AUDIO: &[&str] =
    &["gen_ai.usage.audio.cache_read.input_tokens", "input_token_details.cached_tokens_details.audio_tokens"];
const CACHE_READ_IMAGE: &[&str] =
    &["gen_ai.usage.image.cache_read.input_tokens", "input_token_details.cached_tokens_details.image_tokens"];
const OUTPUT_AUDIO: &[&str] = &[
    "gen_ai.usage.audio.output_tokens",
    "llm.token_count.completion_details.audio",
    "completion_tokens_details.audio_tokens",
    "output_token_details.audio_tokens",
];
const OUTPUT_IMAGE: &[&str] = &["gen_ai.usage.image.output_tokens", "output_tokens_details.image_tokens"];
const REASONING: &[&str] = &[
    "gen_ai.usage.reasoning.output_tokens",
    "llm.token_count.completion_details.reasoning",
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "output_tokens_details.thinking_tokens",
    "reasoning_tokens",
];

/// The tokens that metadata tells of, by itself or in an object `usage` as models' interfaces answer it.
pub(super) fn of(metadata: &Map<String, Value>) -> Usage {
    let told = Told(metadata);
    let usage = read(told);
    match told.object("usage") {
        Some(object) if usage.is_empty() => read(object),
        _ => usage,
    }
}

fn read(told: Told<'_>) -> Usage {
    let cache_read = told.first(CACHE_READ).or_else(|| told.sum(CACHE_READ_BY_MODALITY));
    let cache_write_1h = told.first(CACHE_WRITE_1H);
    let cache_write = told.first(CACHE_WRITE).or_else(|| {
        let parts = [cache_write_1h, told.first(CACHE_WRITE_5M)];
        parts.into_iter().flatten().reduce(|sum, count| sum + count)
    });
    let cached = cache_read.unwrap_or(0) + cache_write.unwrap_or(0);
    let (plain_input, plain_all_input) = match told.count(INPUT) {
        input if INPUT_DETAILS.iter().any(|name| told.object(name).is_some()) => (None, input),
        input => (input, None),
    };
    let all_input = plain_all_input
        .or_else(|| told.first(ALL_INPUT))
        .or_else(|| told.sum(ALL_INPUT_BY_MODALITY))
        // A whole that is less than its parts is that of a client which leaves them out, whatever it calls it.
        .map(|all| if all < cached { all + cached } else { all });
    let output = told.first(OUTPUT).or_else(|| told.sum(OUTPUT_BY_MODALITY));
    let total = told.first(TOTAL);
    let input = plain_input.or_else(|| all_input.map(|all| all - cached));
    let rest = |known: Option<u64>| total?.checked_sub(known?)?.checked_sub(cached);
    let part = |names: &[&str]| told.first(names).unwrap_or(0);
    let (cached_audio, cached_image) = (part(CACHE_READ_AUDIO), part(CACHE_READ_IMAGE));
    let usage = Usage {
        input: input.or_else(|| rest(output)),
        cache_read,
        cache_write,
        output: output.or_else(|| rest(input)),
        details: UsageDetails {
            input_audio: part(INPUT_AUDIO).saturating_sub(cached_audio),
            input_image: part(INPUT_IMAGE).saturating_sub(cached_image),
            cache_read_audio: cached_audio,
            cache_read_image: cached_image,
            cache_write_1h: cache_write_1h.unwrap_or(0),
            output_audio: part(OUTPUT_AUDIO),
            output_image: part(OUTPUT_IMAGE),
            reasoning: part(REASONING),
        },
    };
    usage.with_sound_details()
}

#[cfg(test)]
mod tests;
