//! What calls cost: settings, and fresh cases against the package whose data is embedded.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::process::Command;

use serde_json::{Map, Value, json};
use watchglass::model::{Pricing, Timestamp, Usage};
use watchglass::prices::Prices;

use crate::support::command::run;
use crate::support::prometheus::get;
use crate::support::server::Server;
use crate::support::services::{repository, require};

/// The model, the provider, the time in seconds, the usage, and what the package says in US dollars.
type Case = (String, Option<String>, i64, Map<String, Value>, Option<String>);

/// `{"input": 1, "cache_write_1h": 2}` as usage.
fn usage(told: &Map<String, Value>) -> Usage {
    let is_type = |name: &str| ["input", "cache_read", "cache_write", "output"].contains(&name);
    let (mut types, mut details) = (Map::new(), Map::new());
    for (name, count) in told {
        if is_type(name) { &mut types } else { &mut details }.insert(name.clone(), count.clone());
    }
    types.insert("details".into(), details.into());
    serde_json::from_value(types.into()).unwrap()
}

/// The golden test has the same cases every time; these are new ones.
#[test]
#[expect(clippy::cast_precision_loss, reason = "compared to a nano-dollar")]
fn fresh_cases_cost_what_the_package_says() {
    let Some(python) = require("target/tools/venv-prices/bin/python") else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cases.json.gz");
    let seed = RandomState::new().hash_one(0) % 1_000_000;
    let made = Command::new(python)
        .arg(repository("tests/prices/generate.py"))
        .args([file.as_os_str(), seed.to_string().as_ref(), "6000".as_ref()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let cases: Vec<Case> =
        serde_json::from_reader(flate2::read::GzDecoder::new(File::open(file).unwrap())).unwrap();
    let prices = Prices::embedded();
    let mut compared = 0;
    for (model, provider, seconds, told, answer) in &cases {
        // Where the package knows no price we may, by what follows a gateway's prefix: the golden test tells those apart.
        let Some(dollars) = answer.as_ref().map(|dollars| dollars.parse::<f64>().unwrap()) else { continue };
        let at = Timestamp::from_micros(seconds * 1_000_000);
        let ours = prices.price(model, provider.as_deref(), &usage(told), at);
        let equal = ours.is_some_and(|pico| (pico as f64 / 1e12 - dollars).abs() <= 1e-9);
        assert!(
            equal,
            "seed {seed}: {model} of {provider:?} at {seconds}, {told:?}: {ours:?}, not {dollars}"
        );
        compared += 1;
    }
    assert!(compared >= 2_000, "only {compared} of {} had a price", cases.len());
}

#[tokio::test]
async fn settings_of_prices_are_checked_at_once_and_win() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let settings = |name: &str, text: &str| {
        std::fs::write(path(name), text).unwrap();
        path(name)
    };
    let store = format!("sqlite:{}", path("store.db"));
    let call = |config: &str, tool: &str, arguments: Value| {
        run(&store, &["--config", config, "call", tool, &arguments.to_string()])
    };
    let list = settings(
        "bad.json",
        r#"[{"id": "p", "models": [{"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": "x"}}]}]"#,
    );
    let bad = call(&settings("bad.toml", &format!("[prices]\nfile = '{list}'\n")), "query_logs", json!({}));
    assert_eq!(bad.status, 64, "{bad:?}");
    assert!(bad.stderr.contains("bad.json: `[0].models[0].prices.input_mtok`: "), "{bad:?}");

    let own =
        settings("own.toml", "[[prices.override]]\nmodel = 'My-*'\ninput_mtok = 2\noutput_mtok = '10.5'\n");
    let span = call(&own, "start_span", json!({"span_name": "llm_call", "agent_name": "a"})).ok();
    let metadata = json!({"model": "my-model", "input_tokens": 1_000_000, "output_tokens": 2_000_000});
    call(&own, "end_span", json!({"span_id": span["span_id"], "metadata": metadata})).ok();
    let other = call(&own, "start_span", json!({"span_name": "llm_call", "agent_name": "a"})).ok();
    let metadata = json!({"model": "nobodys-model", "input_tokens": 1});
    call(&own, "end_span", json!({"span_id": other["span_id"], "metadata": metadata})).ok();
    let server = Server::start_on(&store);
    let (_, series) = get(&server.url("/metrics"), "text/plain").await;
    for line in [
        "agent_cost_usd_total{agent_name=\"a\",model=\"my-model\"} 23",
        "agent_unpriced_calls_total{agent_name=\"a\",model=\"nobodys-model\"} 1",
    ] {
        assert!(series.contains(line), "{series}");
    }
}
