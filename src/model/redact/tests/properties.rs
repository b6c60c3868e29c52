//! What holds for any metadata and any text.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::ContentPolicy;
use super::corpus::{HARMLESS, core, secrets_of_every_form};
use super::{log, redacted, redacted_as};
use crate::model::Log;

/// Values as agents send them, of which nothing is a secret.
fn harmless_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "[a-zäß ,.!?\n]{0,20}".prop_map(Value::from),
        proptest::sample::select(HARMLESS).prop_map(Value::from),
    ];
    let key = prop_oneof!["[a-z]{1,3}", Just("session_id".to_owned()), Just("max_tokens".to_owned())];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Puts `secret` into the `place`th text or key of `value`; into a new key, where there are not so many.
fn plant(value: &mut Value, place: &mut usize, secret: &str) {
    match value {
        Value::String(text) => {
            if *place == 0 {
                *text = format!("{text} {secret} {text}");
            }
            *place = place.wrapping_sub(1);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| plant(item, place, secret)),
        Value::Object(object) => {
            if *place == 0 {
                let value = object.shift_remove("a").unwrap_or_default();
                object.insert(format!("a {secret}"), value);
            }
            *place = place.wrapping_sub(1);
            object.values_mut().for_each(|item| plant(item, place, secret));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn a_planted_secret_never_survives(
        value in harmless_value(),
        (rule, secret) in proptest::sample::select(secrets_of_every_form()),
        place in 0_usize..12,
        as_text: bool,
    ) {
        let mut metadata = json!({ "v": value });
        let mut left = place;
        plant(&mut metadata, &mut left, &secret);
        if left <= place {
            metadata["more"] = secret.clone().into();
        }
        if as_text {
            metadata = json!({ "text": metadata.to_string() });
        }
        let log = redacted(log("", metadata));
        let text = Value::Object(log.metadata).to_string();
        prop_assert!(!text.contains(core(rule, &secret)), "{text}");
        prop_assert!(text.contains("[REDACTED:"), "{text}");
        prop_assert!(!log.redacted.is_empty());
    }

    #[test]
    fn what_holds_no_secret_stays_byte_for_byte(value in harmless_value()) {
        let given = log(&value.to_string(), json!({ "v": value, "text": value.to_string() }));
        prop_assert_eq!(redacted(given.clone()), given);
    }

    #[test]
    fn what_has_been_redacted_stays_as_it_is(
        value in harmless_value(),
        (_, secret) in proptest::sample::select(secrets_of_every_form()),
        place in 0_usize..12,
        text in "\\PC{0,40}",
        policy in proptest::sample::select(vec![ContentPolicy::Redacted, ContentPolicy::MetadataOnly]),
    ) {
        let mut metadata = json!({ "v": value, "password": text, "input": text });
        plant(&mut metadata, &mut place.clone(), &secret);
        let once = redacted_as(policy, log(&format!("{text}{secret}{text}"), metadata)).0;
        let twice = redacted_as(policy, Log { redacted: Vec::new(), ..once.clone() });
        prop_assert_eq!(&twice.0.message, &once.message);
        prop_assert_eq!(&twice.0.metadata, &once.metadata);
        prop_assert_eq!(twice.1, BTreeMap::new());
    }

    #[test]
    fn any_text_is_taken(text in "\\PC*|[\\[\\]{}\":,\\\\ a-z0-9]{0,60}|[0-9 -]{0,60}|(sk-|eyJ|://|Bearer |@|:|\\.){0,20}") {
        let once = redacted(log(&text, json!({})));
        prop_assert_eq!(redacted(log(&once.message, json!({}))).message, once.message);
    }
}
