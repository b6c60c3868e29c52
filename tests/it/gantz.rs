//! The tools under `gantz run`: the repository's own gantz.yaml, and the published one with only its commands swapped.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::gantz::{Manifest, Parameter, Tool};
use crate::support::redis::Server;
use crate::support::server::BINARY;
use crate::support::services::repository;

/// What those have who swap the command in the published file and leave all else: gantz does not know `stdin`.
const SWAPPED: &str = r#"
name: agent-observability
tools:
  - name: log_event
    description: Log an agent event
    parameters:
      - { name: level, type: string, default: "info", description: "debug, info, warn, error" }
      - { name: event_type, type: string, required: true }
      - { name: message, type: string, required: true }
      - { name: metadata, type: string, description: "JSON metadata" }
    script:
      command: watchglass
      args: ["log-event", "{{level}}", "{{event_type}}", "{{metadata}}"]
      stdin: "{{message}}"
  - name: start_span
    description: Start a trace span
    parameters:
      - { name: trace_id, type: string, required: true }
      - { name: span_name, type: string, required: true }
      - { name: parent_span_id, type: string }
    script: { command: watchglass, args: ["start-span", "{{trace_id}}", "{{span_name}}", "{{parent_span_id}}"] }
  - name: end_span
    description: End a trace span
    parameters:
      - { name: span_id, type: string, required: true }
      - { name: status, type: string, default: "ok" }
      - { name: metadata, type: string }
    script: { command: watchglass, args: ["end-span", "{{span_id}}", "{{status}}", "{{metadata}}"] }
  - name: record_metric
    description: Record a metric value
    parameters:
      - { name: metric_name, type: string, required: true }
      - { name: value, type: number, required: true }
      - { name: labels, type: string, description: "JSON labels" }
    script: { command: watchglass, args: ["record-metric", "{{metric_name}}", "{{value}}", "{{labels}}"] }
  - name: get_trace
    description: Get a complete trace
    parameters: [{ name: trace_id, type: string, required: true }]
    script: { command: watchglass, args: ["get-trace", "{{trace_id}}"] }
  - name: query_logs
    description: Query recent logs
    parameters:
      - { name: event_type, type: string }
      - { name: level, type: string }
      - { name: since_minutes, type: integer, default: "60" }
    script: { command: watchglass, args: ["query-logs", "{{event_type}}", "{{level}}", "{{since_minutes}}"] }
"#;

/// Texts that break what quotes, templates or shells handle carelessly.
const TEXTS: [&str; 7] = [
    "plain",
    "it's \"quoted\" \\ and\n\ttwo lines\n",
    "{{event_type}} and {{other}} and {{message",
    "$(touch injected) `touch injected` ; touch injected & $HOME ${PATH}",
    "👩‍👩‍👧 naïve",
    "--level=error",
    "",
];

/// gantz with one file on one store.
struct Gantz<'a> {
    manifest: Manifest,
    store: &'a str,
}

impl Gantz<'_> {
    fn call(&self, tool: &str, arguments: Value) -> Result<Value, Value> {
        let directory = Path::new(BINARY).parent().unwrap();
        let outcome = self.manifest.call(directory, self.store, tool, &arguments);
        // All of the text: a byte on standard error would be in it.
        let told = serde_json::from_str(&outcome.text);
        let told = told.unwrap_or_else(|_| panic!("{tool} {arguments}: not json: {outcome:?}"));
        if outcome.is_error { Err(told) } else { Ok(told) }
    }

    /// The logs of an event type, in whichever form they come.
    fn logs(&self, arguments: Value) -> Vec<Value> {
        let told = self.call("query_logs", arguments).unwrap();
        told.get("logs").unwrap_or(&told).as_array().unwrap().clone()
    }
}

fn own_file() -> Manifest {
    let text = fs::read_to_string(repository("gantz.yaml")).unwrap();
    assert!(!text.contains('$'), "gantz would expand it");
    Manifest::read(&text, &|_| None)
}

fn swapped_file() -> Manifest {
    Manifest::read(SWAPPED, &|_| None)
}

/// Runs a check with both files on both stores.
fn everywhere(check: impl Fn(&Gantz<'_>)) {
    for file in [own_file, swapped_file] {
        let sqlite = File::new();
        check(&Gantz { manifest: file(), store: &sqlite.store() });
        if let Some(redis) = Server::start(&[]) {
            check(&Gantz { manifest: file(), store: &redis.url() });
        }
    }
}

#[test]
fn the_file_shows_agents_what_the_published_one_did() {
    let (own, published) = (own_file(), swapped_file());
    assert_eq!(own.name, published.name);
    let shown = |manifest: &Manifest| -> Vec<String> {
        let parameters = |tool: &Tool| {
            let one = |parameter: &Parameter| {
                let (name, kind) = (&parameter.name, &parameter.r#type);
                format!(
                    "{name} {kind} {} {:?} {:?}",
                    parameter.required, parameter.default, parameter.description
                )
            };
            tool.parameters.iter().map(one).collect::<Vec<_>>().join("; ")
        };
        manifest
            .tools
            .iter()
            .map(|tool| format!("{}: {}: {}", tool.name, tool.description, parameters(tool)))
            .collect()
    };
    assert_eq!(shown(&own), shown(&published));
}

#[test]
fn logs_are_kept_as_they_were_sent_and_found_again() {
    everywhere(|gantz| {
        for (index, text) in TEXTS.iter().enumerate() {
            let event_type = format!("text.{index}");
            let metadata = json!({ "said": text }).to_string();
            let log =
                json!({ "level": "warn", "event_type": event_type, "message": text, "metadata": metadata });
            let told = gantz.call("log_event", log).unwrap();
            assert_eq!((&told["logged"], &told["event_type"]), (&json!(true), &json!(event_type)));
            let found = gantz.logs(json!({ "event_type": event_type, "level": "warn" }));
            assert_eq!(found.len(), 1);
            assert_eq!((&found[0]["message"], &found[0]["level"]), (&json!(text), &json!("warn")));
            let said = found[0].pointer("/metadata/said").or_else(|| found[0].get("said"));
            assert_eq!(said, Some(&json!(text)));
        }
        assert!(!Path::new("injected").exists(), "an agent's text was run");
        assert_eq!(gantz.logs(json!({ "event_type": "text.*", "since_minutes": 60 })).len(), TEXTS.len());
        assert_eq!(
            gantz.logs(json!({ "event_type": null, "level": null, "since_minutes": "60" })).len(),
            TEXTS.len()
        );
        assert_eq!(gantz.logs(json!({ "since_minutes": null, "level": "error" })).len(), 0);
    });
}

#[test]
fn what_is_left_out_or_null_has_its_default() {
    everywhere(|gantz| {
        gantz.call("log_event", json!({ "event_type": "short", "message": "m" })).unwrap();
        let nulls = json!({ "level": null, "event_type": "short", "message": "m", "metadata": null });
        gantz.call("log_event", nulls).unwrap();
        let found = gantz.logs(json!({ "event_type": "short" }));
        assert_eq!(found.iter().map(|log| log["level"].as_str()).collect::<Vec<_>>(), [Some("info"); 2]);

        for root in [json!({}), json!({ "parent_span_id": null }), json!({ "parent_span_id": "None" })] {
            let mut call = json!({ "trace_id": "t", "span_name": "agent_request" });
            call.as_object_mut().unwrap().extend(root.as_object().unwrap().clone());
            let started = gantz.call("start_span", call).unwrap();
            assert_eq!(
                (&started["parent_span_id"], &started["status"]),
                (&Value::Null, &json!("in_progress"))
            );
            let child =
                json!({ "trace_id": "t", "span_name": "llm_call", "parent_span_id": started["span_id"] });
            let child = gantz.call("start_span", child).unwrap();
            assert_eq!(child["parent_span_id"], started["span_id"]);
            let ended =
                gantz.call("end_span", json!({ "span_id": child["span_id"], "metadata": null })).unwrap();
            assert_eq!(ended["status"], "ok");
            let end = json!({ "span_id": started["span_id"], "status": "error", "metadata": r#"{"error": "boom"}"# });
            assert_eq!(gantz.call("end_span", end).unwrap()["status"], "error");
        }
        let trace = gantz.call("get_trace", json!({ "trace_id": "t" })).unwrap();
        assert_eq!(trace["spans"].as_array().unwrap().len(), 6);
        assert_eq!(trace["tree"]["roots"].as_array().unwrap().len(), 3);
        assert_eq!(gantz.call("get_trace", json!({ "trace_id": "unknown" })).unwrap()["spans"], json!([]));
    });
}

#[test]
fn numbers_come_through_in_every_form() {
    everywhere(|gantz| {
        for (value, number) in
            [(json!(1_000_000), 1e6), (json!(0.00001), 1e-5), (json!("12"), 12.0), (json!(2.5), 2.5)]
        {
            let metric = json!({ "metric_name": "m", "value": value });
            assert_eq!(gantz.call("record_metric", metric).unwrap()["value"].as_f64(), Some(number));
        }
        let labelled =
            json!({ "metric_name": "agent.tokens.input", "value": 5, "labels": r#"{"agent_name": "a"}"# });
        let told = gantz.call("record_metric", labelled).unwrap();
        assert_eq!((&told["recorded"], &told["metric"]), (&json!(true), &json!("agent.tokens.input")));
        for value in [json!("NaN"), json!("many"), json!("Infinity")] {
            let problem =
                gantz.call("record_metric", json!({ "metric_name": "m", "value": value })).unwrap_err();
            assert_eq!((&problem["code"], &problem["field"]), (&json!("INVALID_NUMBER"), &json!("value")));
        }
    });
}

#[test]
fn what_can_not_be_read_is_an_error_that_an_agent_understands() {
    everywhere(|gantz| {
        for tool in ["log_event", "record_metric"] {
            let (field, call) = match tool {
                "log_event" => {
                    ("metadata", json!({ "event_type": "e", "message": "m", "metadata": { "a": 1 } }))
                }
                _ => ("labels", json!({ "metric_name": "m", "value": 1, "labels": { "a": "b" } })),
            };
            let problem = gantz.call(tool, call).unwrap_err();
            assert_eq!(problem["field"], field);
            assert_eq!(problem["hint"], "pass the object as a json string");
        }
        let missing = gantz.call("log_event", json!({ "message": "m" })).unwrap_err();
        assert_eq!(missing["message"], "`event_type` is missing");
        let minutes = gantz.call("query_logs", json!({ "since_minutes": 1_000_000 })).unwrap_err();
        assert_eq!(
            (&minutes["code"], &minutes["field"]),
            (&json!("INVALID_NUMBER"), &json!("since_minutes"))
        );
        let unknown = gantz.call("end_span", json!({ "span_id": "unknown" }));
        let (Ok(told) | Err(told)) = &unknown;
        assert_eq!(told, &json!({ "error": "Span not found" }));
        let drop_in = gantz.manifest.tools.iter().any(Tool::takes_places);
        assert_eq!(unknown.is_ok(), drop_in, "the scripts took it for an answer");
    });
}

#[test]
fn a_store_that_is_gone_is_told_in_time() {
    for manifest in [own_file(), swapped_file()] {
        let gantz = Gantz { manifest, store: "redis://user:s3cret@127.0.0.1:1" };
        let problem = gantz.call("log_event", json!({ "event_type": "e", "message": "m" })).unwrap_err();
        assert_eq!((&problem["code"], &problem["retryable"]), (&json!("STORAGE_UNAVAILABLE"), &json!(true)));
        assert!(!problem.to_string().contains("s3cret"), "{problem}");
    }
}
