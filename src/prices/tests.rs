use std::fs::File;
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::model::UsageDetails;

/// The model, the provider, the time in seconds, the usage, and what the package says in US dollars.
type Case = (String, Option<String>, i64, Value, Option<String>);

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn usage(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Usage {
    let known = |count: u64| (count > 0).then_some(count);
    Usage {
        input: known(input),
        cache_read: known(cache_read),
        cache_write: known(cache_write),
        output: known(output),
        details: UsageDetails::default(),
    }
}

/// The price in US dollars as a text.
fn dollars(
    prices: &Prices,
    model: &str,
    provider: Option<&str>,
    usage: &Usage,
    time: &str,
) -> Option<String> {
    let pico = prices.price(model, provider, usage, at(time))?;
    Some(Decimal::new(pico, 12).normalize().to_string())
}

/// `{"input": 1, "cache_write_1h": 2}` as usage.
fn usage_from(told: &Value) -> Usage {
    let mut types = told.as_object().unwrap().clone();
    let names = ["input", "cache_read", "cache_write", "output"];
    let details: Value = told
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .map(|(name, count)| (name.clone(), count.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    types.insert("details".into(), details);
    serde_json::from_value(types.into()).unwrap()
}

#[test]
fn every_answer_is_the_packages_own() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/prices/cases.json.gz");
    let cases: Vec<Case> =
        serde_json::from_reader(flate2::read::GzDecoder::new(File::open(file).unwrap())).unwrap();
    assert!(cases.len() >= 3_000, "only {} cases", cases.len());
    assert!(cases.iter().filter(|case| case.4.is_some()).count() >= 2_000, "too few with a price");
    let list = List::embedded();
    let mut wrong = Vec::new();
    for (model, provider, seconds, told, answer) in &cases {
        let (usage, at) = (usage_from(told), Timestamp::from_micros(seconds * 1_000_000));
        let found = list.find(model, provider.as_deref());
        let ours =
            found.and_then(|found| found.prices.at(at)?.cost(&usage)).map(|pico| Decimal::new(pico, 12));
        let theirs = answer.as_ref().map(|dollars| dollars.parse::<Decimal>().unwrap());
        let equal = match (ours, theirs) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() <= Decimal::new(1, 9),
            (ours, theirs) => ours == theirs,
        };
        if !equal {
            wrong.push(format!("{model} of {provider:?} at {seconds}, {told}: {ours:?}, not {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn what_was_measured_with_the_package_holds() {
    let prices = Prices::embedded();
    let now = "2026-11-22T09:30:00Z";
    let big = usage(700_000, 200_000, 100_000, 100_000);
    for (model, provider, usage, cost) in [
        ("claude-sonnet-4-20250514", None, big, "4.035"),
        ("claude-sonnet-4-5", None, big, "7.32"),
        ("gemini-2.5-pro", None, usage(150_000, 0, 0, 1_000), "0.1975"),
        ("gemini-2.5-pro", None, usage(250_000, 0, 0, 1_000), "0.64"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", Some("aws.bedrock"), big, "4.035"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", None, big, "4.035"),
        ("US.Anthropic.Claude-Sonnet-4-20250514-v1:0", Some("my-proxy"), big, "4.035"),
        ("anthropic/claude-sonnet-4", Some("openrouter"), big, "4.035"),
        ("anthropic/claude-sonnet-4", None, big, "4.035"),
        ("claude-opus-5-5", Some("anthropic"), usage(12, 2_000, 100, 7), "0.001088"),
    ] {
        assert_eq!(
            dollars(&prices, model, provider, &usage, now).as_deref(),
            Some(cost),
            "{model} {provider:?}"
        );
    }
    assert_eq!(dollars(&prices, "my-finetune", None, &big, now), None);
}

#[test]
fn providers_are_known_by_the_names_of_both_conventions() {
    let list = List::embedded();
    for (hint, id) in [
        ("anthropic", "anthropic"),
        ("aws.bedrock", "aws"),
        ("azure.ai.inference", "azure"),
        ("azure.ai.openai", "azure"),
        ("az.ai.openai", "azure"),
        ("azure", "azure"),
        ("cohere", "cohere"),
        ("deepseek", "deepseek"),
        ("gcp.gemini", "google"),
        ("gcp.gen_ai", "google"),
        ("gcp.vertex_ai", "google"),
        ("vertexai", "google"),
        ("groq", "groq"),
        ("groq.chat", "groq"),
        ("mistral_ai", "mistral"),
        ("mistralai", "mistral"),
        ("moonshot_ai", "moonshotai"),
        ("OpenAI", "openai"),
        ("openai.responses", "openai"),
        ("perplexity", "perplexity"),
        ("x_ai", "x-ai"),
        ("xai", "x-ai"),
    ] {
        let known = provider::ids(hint).find_map(|name| list.id_of(&name).map(str::to_owned));
        assert_eq!(known.as_deref(), Some(id), "{hint}");
    }
    assert!(!provider::ids("ibm.watsonx.ai").any(|name| list.id_of(&name).is_some()));
}

#[test]
fn a_provider_that_nobody_knows_does_not_hide_the_model() {
    let (prices, now) = (Prices::embedded(), "2026-11-22T09:30:00Z");
    let call = usage(1_000_000, 0, 0, 0);
    let known = dollars(&prices, "gpt-4o", Some("openai"), &call, now);
    assert_eq!(known.as_deref(), Some("2.5"));
    for (model, provider) in
        [("gpt-4o", Some("my-gateway")), ("openai/gpt-4o", None), ("openai/gpt-4o", Some("proxy"))]
    {
        assert_eq!(dollars(&prices, model, provider, &call, now), known, "{model} {provider:?}");
    }
    assert_eq!(dollars(&prices, "gpt-4o", Some("anthropic"), &call, now), None);
}

#[test]
fn the_first_override_that_fits_wins() {
    let override_of = |told: Value| serde_json::from_value::<Override>(told).unwrap();
    let prices = Prices::embedded().with_overrides(vec![
        override_of(json!({"model": "gpt-4o", "provider": "azure", "input_mtok": "1", "output_mtok": 2})),
        override_of(json!({"model": "my-*", "input_mtok": 0.5, "output_mtok": 0, "cache_read_mtok": "0.05"})),
    ]);
    let now = "2026-11-22T09:30:00Z";
    let call = usage(1_000_000, 1_000_000, 1_000_000, 1_000_000);
    let cost = |model, provider| dollars(&prices, model, provider, &call, now);
    assert_eq!(cost("GPT-4o", Some("azure.ai.openai")).as_deref(), Some("5"));
    assert_eq!(cost("my-model", None).as_deref(), Some("1.05"));
    assert_eq!(
        cost("gpt-4o", Some("openai")),
        dollars(&Prices::embedded(), "gpt-4o", Some("openai"), &call, now)
    );
    assert_eq!(cost("your-model", None), None);
}

#[test]
fn a_list_of_ones_own_replaces_the_embedded_one_and_is_checked() {
    let list = |models: Value| {
        json!([{"id": "own", "model_match": {"contains": "m"}, "models": models}]).to_string()
    };
    let model = |prices: Value| json!([{"id": "m", "match": {"equals": "m"}, "prices": prices}]);
    let prices =
        Prices::parse(&list(model(json!({"input_mtok": 0.1, "output_mtok": "2", "other_kcount": 1}))))
            .unwrap();
    let now = "2026-11-22T09:30:00Z";
    assert_eq!(dollars(&prices, "m", None, &usage(1_000_000, 0, 0, 0), now).as_deref(), Some("0.1"));
    assert_eq!(dollars(&prices, "gpt-4o", Some("openai"), &usage(1, 0, 0, 0), now), None);
    for (text, place) in [
        (
            list(model(json!({"input_mtok": -1}))),
            "`[0].models[0].prices.input_mtok`: a price can't be negative: `-1`",
        ),
        (
            list(model(json!({"input_mtok": {"base": 1}}))),
            "`[0].models[0].prices.input_mtok`: missing field `tiers`",
        ),
        (list(model(json!([]))), "provider `own`: model `m` has no prices"),
        (
            list(json!([{"id": "m", "match": {"regex": "("}, "prices": {}}])),
            "provider `own`: `(` is no regular expression",
        ),
        (list(json!([{"id": "m", "match": {"like": "m"}, "prices": {}}])), "`[0].models[0].match"),
        (list(model(json!([{"constraint": {"start_time": "9"}, "prices": {}}]))), "a constraint has either"),
        (
            list(model(json!([{"constraint": {"start_time": "9", "end_time": "x"}, "prices": {}}]))),
            "`9` is no time of day",
        ),
        ("[]".into(), "there is no model in it"),
        ("{}".into(), "expected a sequence"),
        ("[".into(), "EOF"),
    ] {
        let error = Prices::parse(&text).unwrap_err();
        assert!(error.contains(place), "{text}: {error}");
    }
}

#[test]
fn all_of_the_embedded_list_can_be_read_and_is_what_its_description_says() {
    let text = list::embedded_text().unwrap();
    assert!(List::parse(&text).is_ok());
    let meta: Value = serde_json::from_str(include_str!("prices.meta.json")).unwrap();
    assert_eq!(meta["sha256"], format!("{:x}", Sha256::digest(&text)));
}

#[test]
fn more_than_can_be_counted_has_no_price() {
    let (prices, now) = (Prices::embedded(), "2026-11-22T09:30:00Z");
    assert_eq!(dollars(&prices, "gpt-4o", Some("openai"), &usage(u64::MAX, u64::MAX, 0, 0), now), None);
}
