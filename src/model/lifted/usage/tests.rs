use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn usage(told: &Value) -> Usage {
    of(told.as_object().unwrap())
}

fn types(usage: &Usage) -> [Option<u64>; 4] {
    [usage.input, usage.cache_read, usage.cache_write, usage.output]
}

#[test]
fn forms_that_say_the_same_give_the_same() {
    for told in [
        json!({"input_tokens": 12, "cache_read_tokens": 2_000, "cache_write_tokens": 100, "output_tokens": 7}),
        json!({"input_tokens": "12", "cache_read_tokens": 2_000.0, "cache_creation_tokens": " 100 ", "output_tokens": "7"}),
        // The generations of OTel's conventions.
        json!({"gen_ai.usage.prompt_tokens": 2_112, "gen_ai.usage.completion_tokens": 7,
               "gen_ai.usage.cache_read_input_tokens": 2_000, "gen_ai.usage.cache_creation_input_tokens": 100}),
        json!({"gen_ai.usage.input_tokens": 2_112, "gen_ai.usage.output_tokens": 7,
               "gen_ai.usage.cache_read.input_tokens": 2_000, "gen_ai.usage.cache_creation.input_tokens": 100}),
        json!({"gen_ai.usage.input_tokens": 2_112, "gen_ai.usage.output_tokens": 7,
               "gen_ai.usage.cache_read.input_tokens": 2_000, "gen_ai.usage.cache_write.input_tokens": 100}),
        json!({"gen_ai.usage.text.input_tokens": 2_112, "gen_ai.usage.text.output_tokens": 7,
               "gen_ai.usage.text.cache_read.input_tokens": 2_000, "gen_ai.usage.cache_write.input_tokens": 100}),
        json!({"gen_ai": {"usage": {"input_tokens": 2_112, "output_tokens": 7,
               "cache_read": {"input_tokens": 2_000}, "cache_write.input_tokens": 100}}}),
        // OpenInference.
        json!({"llm.token_count.prompt": 2_112, "llm.token_count.completion": 7, "llm.token_count.total": 2_119,
               "llm.token_count.prompt_details.cache_read": 2_000, "llm.token_count.prompt_details.cache_write": 100}),
        json!({"llm.token_count.total": 2_119, "llm.token_count.completion": 7,
               "llm.token_count.prompt_details.cache_read": 2_000, "llm.token_count.prompt_details.cache_write": 100}),
        json!({"llm.token_count.total": 2_119, "llm.token_count.prompt": 2_112,
               "llm.token_count.prompt_details.cache_read": 2_000, "llm.token_count.prompt_details.cache_write": 100}),
        // What models' interfaces answer.
        json!({"usage": {"input_tokens": 12, "cache_read_input_tokens": 2_000, "cache_creation_input_tokens": 100,
               "output_tokens": 7}}),
        json!({"usage": {"input_tokens": 12, "cache_read_input_tokens": 2_000, "output_tokens": 7,
               "cache_creation": {"ephemeral_5m_input_tokens": 100}}}),
        json!({"usage": {"prompt_tokens": 2_112, "completion_tokens": 7, "total_tokens": 2_119,
               "prompt_tokens_details": {"cached_tokens": 2_000}, "cache_write_tokens": 100}}),
        json!({"usage": {"input_tokens": 2_112, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 2_000},
               "cache_write_tokens": 100}}),
        // A client that leaves cached tokens out of a name that has them in it.
        json!({"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 7,
               "gen_ai.usage.cache_read.input_tokens": 2_000, "gen_ai.usage.cache_creation.input_tokens": 100}),
    ] {
        let usage = usage(&told);
        assert_eq!(types(&usage), [Some(12), Some(2_000), Some(100), Some(7)], "{told}");
        assert_eq!(usage.by_type().map(|(_, count)| count).sum::<u64>(), 2_119);
    }
}

#[test]
fn parts_with_a_price_of_their_own_are_told_apart() {
    let otel = usage(&json!({
        "gen_ai.usage.input_tokens": 60, "gen_ai.usage.output_tokens": 40, "gen_ai.usage.reasoning.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 30, "gen_ai.usage.audio.input_tokens": 40,
        "gen_ai.usage.audio.cache_read.input_tokens": 20, "gen_ai.usage.audio.output_tokens": 25,
    }));
    assert_eq!(types(&otel), [Some(30), Some(30), None, Some(40)]);
    let details = UsageDetails {
        input_audio: 20,
        cache_read_audio: 20,
        output_audio: 25,
        reasoning: 10,
        ..UsageDetails::default()
    };
    assert_eq!(otel.details, details);
    let hour = usage(&json!({"usage": {"input_tokens": 1, "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 7}}}));
    assert_eq!((hour.cache_write, hour.details.cache_write_1h), (Some(12), 7));
    let openai = usage(&json!({"llm.token_count.prompt": 9, "llm.token_count.completion": 8,
        "llm.token_count.prompt_details.audio": 4, "llm.token_count.completion_details.reasoning": 3}));
    assert_eq!((openai.details.input_audio, openai.details.reasoning), (4, 3));
}

#[test]
fn what_can_be_no_count_is_not_trusted() {
    for absurd in [
        json!(-1),
        json!(1.5),
        json!(1e13),
        json!(1_000_000_000_001_u64),
        json!("many"),
        json!(""),
        json!("-3"),
        json!(null),
        json!([7]),
        json!({"tokens": 7}),
        json!(true),
        json!("NaN"),
        json!(u64::MAX),
    ] {
        let told = json!({"input_tokens": absurd, "gen_ai.usage.output_tokens": absurd, "usage": absurd});
        assert!(usage(&told).is_empty(), "{told}");
    }
    assert!(usage(&json!({"tokens": 500, "total_tokens": 500, "reasoning_tokens": 3})).is_empty());
    assert_eq!(usage(&json!({"input_tokens": 1_000_000_000_000_u64})).input, Some(1_000_000_000_000));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..10_000_u64).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-9]{0,25}".prop_map(Value::from),
        Just(json!({"cached_tokens": 5, "audio_tokens": 3, "reasoning_tokens": 1_u64 << 40})),
        Just(Value::Null),
    ]
}

proptest! {
    #[test]
    fn any_metadata_gives_types_and_parts_that_add_up(
        told in prop::collection::hash_map(prop::sample::select(names()), any_value(), 0..12),
        nested: bool,
    ) {
        let told: Map<String, Value> = told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let usage = if nested { usage(&json!({"usage": told})) } else { of(&told) };
        let of = usage.details;
        let [input, read, write, output] = types(&usage).map(|count| count.unwrap_or(0));
        let total: u64 = usage.by_type().map(|(_, count)| count).sum();
        prop_assert_eq!(total, input + read + write + output);
        prop_assert!(types(&usage).into_iter().flatten().all(|count| count <= 3_000_000_000_000));
        prop_assert!(of.input_audio + of.input_image <= input);
        prop_assert!(of.cache_read_audio + of.cache_read_image <= read);
        prop_assert!(of.cache_write_1h <= write);
        prop_assert!(of.output_audio + of.output_image + of.reasoning <= output);
    }

    #[test]
    fn conventions_that_include_the_cache_and_names_that_do_not_agree(
        input in 0..1_000_000_u64, read in 0..1_000_000_u64, write in 0..1_000_000_u64, output in 0..1_000_000_u64,
    ) {
        let plain = usage(&json!({"input_tokens": input, "cache_read_tokens": read, "cache_write_tokens": write,
            "output_tokens": output}));
        let otel = usage(&json!({"gen_ai.usage.input_tokens": input + read + write, "gen_ai.usage.output_tokens": output,
            "gen_ai.usage.cache_read.input_tokens": read, "gen_ai.usage.cache_write.input_tokens": write}));
        let inference = usage(&json!({"llm.token_count.total": input + read + write + output,
            "llm.token_count.completion": output, "llm.token_count.prompt_details.cache_read": read,
            "llm.token_count.prompt_details.cache_write": write}));
        prop_assert_eq!(plain, otel);
        prop_assert_eq!(plain, inference);
        prop_assert_eq!(types(&plain), [Some(input), Some(read), Some(write), Some(output)]);
    }
}

/// Every name that is read.
fn names() -> Vec<&'static str> {
    let lists = [
        ALL_INPUT,
        ALL_INPUT_BY_MODALITY,
        CACHE_READ,
        CACHE_READ_BY_MODALITY,
        CACHE_WRITE,
        CACHE_WRITE_5M,
        CACHE_WRITE_1H,
        OUTPUT,
        OUTPUT_BY_MODALITY,
        TOTAL,
        INPUT_AUDIO,
        INPUT_IMAGE,
        CACHE_READ_AUDIO,
        CACHE_READ_IMAGE,
        OUTPUT_AUDIO,
        OUTPUT_IMAGE,
        REASONING,
        INPUT_DETAILS,
        &[INPUT, "prompt_tokens_details"],
    ];
    lists.concat()
}
