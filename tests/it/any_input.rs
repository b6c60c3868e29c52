//! Whatever the arguments of a tool are, the connection lives and the next call works.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::bench::{Bench, assert_works};
use crate::support::mcp::{Client, Outcome};

const TOOLS: [&str; 6] = ["log_event", "start_span", "end_span", "record_metric", "get_trace", "query_logs"];

/// Names that tools know, so that values reach what checks them.
const NAMES: &str = "event_type|message|metadata|level|trace_id|span_id|span_name|parent_span_id|status|metric_name\
                     |value|labels|kind|since_minutes|limit|cursor|text|min_level|agent_name|idempotency_key";

/// Cases for each transport; each is a call, and every one of them is a commit or a refusal.
const CASES: u32 = 64;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::from),
        "[a-z.*]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn arguments() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![4 => NAMES, 1 => any::<String>()];
    prop::collection::hash_map(name, value(), 0..8).prop_map(|entries| entries.into_iter().collect())
}

/// An answer is a result of the tool or a problem of the caller's, never a fault of the server's.
fn check(tool: &str, outcome: &Outcome) {
    if outcome.is_error {
        let problem = outcome.problem();
        let code = problem["code"].as_str().unwrap_or("SPAN_NOT_FOUND");
        assert!(code != "INTERNAL" && !code.starts_with("STORAGE"), "{tool}: {problem}");
    } else {
        assert_eq!(serde_json::from_str::<Value>(&outcome.text).unwrap(), outcome.structured, "{tool}");
    }
}

/// The same cases for one client after the other.
async fn run(client: &Client) {
    let mut runner = TestRunner::new_with_rng(
        Config { failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let strategy = (prop::sample::select(&TOOLS[..]), arguments());
    for _ in 0..CASES {
        let (tool, arguments) = strategy.new_tree(&mut runner).unwrap().current();
        let outcome = client.call(tool, arguments.into()).await;
        check(tool, &outcome);
    }
    assert_works(client, "any arguments").await;
}

#[tokio::test]
async fn arguments_of_any_form_harm_nothing() {
    let bench = Bench::start();
    for client in bench.clients().await {
        run(&client).await;
    }
}
