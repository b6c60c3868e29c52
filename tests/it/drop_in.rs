//! The drop-ins on a real Redis, in the place of the published scripts: what they write, what they read of what the
//! scripts wrote, and what they print.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::command::{Finished, run, run_with_input};
use crate::support::redis::Server;
use crate::support::services::require;

/// Whether each line is what `json.dumps` prints of its value.
const IS_DUMPED: &str = "
import json, sys
for line in sys.stdin:
    assert line == json.dumps(json.loads(line)) + '\\n', line
";

/// What the published `end_span` script does with the hash of a span, and what it prints of it.
const SCRIPT_ENDS: &str = "
import datetime, json, sys
fields = json.load(sys.stdin)
start = datetime.datetime.fromisoformat(fields['start_time'])
end = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
print(json.dumps([(end - start).total_seconds() >= 0, len(fields['start_time'])]))
";

/// `naive UTC, six digits`.
fn is_naive(time: &str) -> bool {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000000"
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn python(program: &str, input: &str) -> Option<String> {
    let python = require("python3")?;
    let output = assert_cmd::Command::new(python).args(["-c", program]).write_stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_they_write_has_the_published_keys_types_and_forms() {
    let Some(server) = Server::start(&[]) else { return };
    let address = server.url();
    let input = "  two\nlines, \u{1f44d}\n";
    let logged =
        run_with_input(&address, &["log-event", "warn", "agent.start", r#"{"step": 1}"#], input.as_bytes());
    assert_eq!(logged.stdout, "{\"logged\": true, \"event_type\": \"agent.start\"}\n");
    assert_eq!(server.command::<String>(&["TYPE", "logs:agent.start"]), "zset");
    let member: Vec<String> = server.command(&["ZRANGE", "logs:agent.start", "0", "-1", "WITHSCORES"]);
    let log: Value = serde_json::from_str(&member[0]).unwrap();
    let keys: Vec<&str> = log.as_object().unwrap().keys().map(String::as_str).take(4).collect();
    assert_eq!(keys, ["timestamp", "event_type", "message", "step"]);
    assert_eq!((text(&log["message"]), &log["step"], text(&log["level"])), (input, &json!(1), "warn"));
    assert!(is_naive(text(&log["timestamp"])), "{log}");
    let score: f64 = member[1].parse().unwrap();
    let seconds =
        chrono::NaiveDateTime::parse_from_str(text(&log["timestamp"]), "%Y-%m-%dT%H:%M:%S%.f").unwrap();
    #[expect(clippy::cast_precision_loss, reason = "exact to a microsecond")]
    let expected = seconds.and_utc().timestamp_micros() as f64 / 1e6;
    assert!((score - expected).abs() < 1e-6, "the score is the time in UTC");

    let started = run(&address, &["start-span", "t1", "agent_request", "None"]).ok();
    let keys: Vec<&str> = started.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["span_id", "trace_id", "parent_span_id", "name", "start_time", "status"]);
    assert!(is_naive(text(&started["start_time"])) && started["parent_span_id"].is_null(), "{started}");
    let id = text(&started["span_id"]);
    let hash: HashMap<String, String> = server.command(&["HGETALL", &format!("span:{id}")]);
    for field in ["span_id", "trace_id", "name", "start_time", "status"] {
        assert_eq!(hash[field], text(&started[field]), "{field}");
    }
    assert_eq!(hash["parent_span_id"], "");
    assert_eq!(server.command::<Vec<String>>(&["SMEMBERS", "trace:t1:spans"]), [id]);
    if let Some(told) = python(SCRIPT_ENDS, &json!(hash).to_string()) {
        assert_eq!(told, "[true, 26]\n", "the script that ends spans reads it");
    }

    let ended = run(&address, &["end-span", id, "ok", r#"{"tokens": 5}"#]).ok();
    let keys: Vec<&str> = ended.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["span_id", "duration_ms", "status"]);
    let hash: HashMap<String, String> = server.command(&["HGETALL", &format!("span:{id}")]);
    assert!(is_naive(&hash["end_time"]), "{hash:?}");
    assert_eq!(hash["duration_ms"].parse::<f64>().ok(), ended["duration_ms"].as_f64());
    assert_eq!(serde_json::from_str::<Value>(&hash["metadata"]).unwrap(), json!({ "tokens": 5 }));
}

/// Puts down what the scripts leave behind, in every form.
fn leave_behind(server: &Server) -> f64 {
    let now: Vec<String> = server.command(&["TIME"]);
    let now: f64 = now[0].parse().unwrap();
    let members = [
        r#"{"timestamp": "2026-11-22T09:30:00.123456", "event_type": "old", "message": "plain", "agent_name": "a"}"#,
        r#"{"timestamp": "2026-11-22T09:30:01", "event_type": "old", "message": "odd", "cost": NaN, "raw": "\udcff"}"#,
        r#"{"timestamp": "2026-11-22T09:30:02Z", "event_type": "other", "message": "more", "level": "warning", "id": 7}"#,
        "no json at all",
        "[1, 2]",
    ];
    for (index, member) in (0_u8..).zip(members) {
        let score = (now - 10.0 + f64::from(index)).to_string();
        server.command::<i64>(&["ZADD", "logs:old", &score, member]);
    }
    for (id, parent) in [
        ("a1b2c3d4", "{{parent_span_id}}"),
        ("b1b2c3d4", "a1b2c3d4"),
        ("c1b2c3d4", "<nil>"),
        ("d1b2c3d4", "None"),
        ("e1b2c3d4", ""),
    ] {
        let fields = ["span_id", id, "trace_id", "t", "parent_span_id", parent, "name", "llm_call"];
        let more = ["start_time", "2026-11-22T09:30:00", "status", "in_progress"];
        server.command::<i64>(&[&["HSET", &format!("span:{id}")][..], &fields, &more].concat());
        server.command::<i64>(&["SADD", "trace:t:spans", id]);
    }
    let ended = ["end_time", "2026-11-22T09:30:02.500000", "duration_ms", "2500.0", "status", "{{status}}"];
    let metadata = ["metadata", r#"{"x": NaN}"#];
    server.command::<i64>(&[&["HSET", "span:d1b2c3d4"][..], &ended, &metadata].concat());
    server.command::<i64>(&["SADD", "trace:t:spans", "gone"]);
    now
}

#[test]
fn what_the_scripts_left_behind_is_read() {
    let Some(server) = Server::start(&[]) else { return };
    leave_behind(&server);
    let store = server.url();
    let logs = run(&store, &["query-logs", "old", "", ""]).ok();
    let messages: Vec<&Value> = logs.as_array().unwrap().iter().map(|log| &log["message"]).collect();
    assert_eq!(messages, ["more", "odd", "plain"]);
    assert_eq!((&logs[0]["level"], logs[2].get("level")), (&json!("warn"), None));
    assert_eq!((&logs[1]["cost"], &logs[1]["raw"]), (&Value::Null, &json!("\u{fffd}")));
    assert!(is_naive(text(&logs[2]["timestamp"])));
    let warnings = run(&store, &["query-logs", "old", "warn", "6e+01"]).ok();
    assert_eq!(warnings.as_array().unwrap().len(), 1);

    let trace = run(&store, &["get-trace", "t"]).ok();
    let spans = trace["spans"].as_array().unwrap();
    assert_eq!((text(&trace["trace_id"]), spans.len()), ("t", 5));
    for span in spans {
        assert!(span.as_object().unwrap().values().all(Value::is_string), "{span}");
    }
    let ended = spans.iter().find(|span| span["span_id"] == "d1b2c3d4").unwrap();
    assert_eq!((text(&ended["duration_ms"]), text(&ended["parent_span_id"])), ("2500.0", ""));
    assert_eq!(text(&ended["metadata"]), r#"{"x": null}"#);
    assert_eq!(trace["tree"]["roots"].as_array().unwrap().len(), 4, "odd parents are roots");
    let ended = run(&store, &["end-span", "a1b2c3d4"]).ok();
    assert_eq!(ended["status"], "ok", "a span of theirs is ended by us");

    let logs = run(&store, &["call", "query_logs", r#"{"event_type": "old"}"#]).ok();
    assert_eq!(logs["total"], 3);
    let trace = run(&store, &["call", "get_trace", "--trace-id", "t"]).ok();
    assert_eq!(trace["total"], 5);
}

#[test]
fn what_they_print_is_what_python_prints() {
    let file = File::new();
    let mut stores = vec![file.store()];
    let server = Server::start(&[]);
    stores.extend(server.as_ref().map(Server::url));
    for store in stores {
        let metadata =
            json!({ "f": [0.1, 1e300, 1e16, 1e-5, -0.0, 5, 2.0], "é": "👍\u{7f}\t\"\\", "o": {}, "l": [] });
        let input = "ü 👩‍👩‍👧 \u{1}\u{2028}\n";
        let started = run(&store, &["start-span", "t", "tool.ü"]);
        let id = started.ok()["span_id"].clone();
        let finished = [
            run_with_input(
                &store,
                &["log-event", "", "e", &metadata.to_string(), "ignored"],
                input.as_bytes(),
            ),
            started,
            run(&store, &["start-span", "t", "child", text(&id)]),
            run(&store, &["end-span", text(&id), "", &metadata.to_string()]),
            run(&store, &["end-span", "unknown"]),
            run(&store, &["record-metric", "m", "1e+22", r#"{"agent_name": "ü"}"#]),
            run(&store, &["record-metric", "m", " 1_000 "]),
            run(&store, &["get-trace", "t"]),
            run(&store, &["get-trace", "nobody"]),
            run(&store, &["query-logs"]),
            run(&store, &["query-logs", "nothing"]),
        ];
        assert!(finished.iter().all(|finished| finished.status == 0), "{finished:?}");
        let said: String = finished.iter().map(|finished| finished.stdout.as_str()).collect();
        assert!(said.is_ascii() && said.lines().count() == finished.len(), "{said}");
        python(IS_DUMPED, &said);
        let [.., unknown_trace, logs, nothing] = finished;
        assert_eq!(unknown_trace.ok()["spans"], json!([]));
        assert_eq!(nothing.stdout, "[]\n");
        let log = &logs.ok()[0];
        assert_eq!((&log["f"], text(&log["message"])), (&metadata["f"], "ü 👩‍👩‍👧 \\u{1}\\u{2028}\n"));
    }
}

#[test]
fn errors_are_told_where_the_answer_would_be() {
    let file = File::new();
    let unknown = run(&file.store(), &["end-span", "unknown"]);
    assert_eq!((unknown.status, unknown.stdout.as_str()), (0, "{\"error\": \"Span not found\"}\n"));
    let refused = |words: &[&str]| run(&file.store(), words).problem();
    for (words, code, field) in [
        (&["log-event", "loud", "e"][..], "INVALID_ARGUMENT", "level"),
        (&["log-event", "info"], "INVALID_ARGUMENT", "event_type"),
        (&["log-event", "info", "e", "{"], "INVALID_ARGUMENT", "metadata"),
        (&["log-event", "info", "e", "map[a:1]"], "INVALID_ARGUMENT", "metadata"),
        (&["start-span", "t"], "INVALID_ARGUMENT", "span_name"),
        (&["end-span", ""], "INVALID_ARGUMENT", "span_id"),
        (&["record-metric", "m", "nan"], "INVALID_NUMBER", "value"),
        (&["record-metric", "m"], "INVALID_ARGUMENT", "value"),
        (&["query-logs", "", "", "soon"], "INVALID_NUMBER", "since_minutes"),
    ] {
        let problem = refused(words);
        assert_eq!((text(&problem["code"]), text(&problem["field"])), (code, field), "{words:?}");
    }
    let long = "x".repeat(256 * 1024);
    let whole = run_with_input(&file.store(), &["log-event", "info", "long"], long.as_bytes());
    assert_eq!(whole.status, 0, "{}", whole.stdout);
    let longer = run_with_input(&file.store(), &["log-event", "info", "long"], (long + "x").as_bytes());
    assert_eq!(longer.problem()["limit"], 262_144);
}

#[test]
fn all_pages_are_in_one_answer() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.url();
    let now: Vec<String> = server.command(&["TIME"]);
    let now: u32 = now[0].parse().unwrap();
    let mut add = vec!["ZADD".to_owned(), "logs:many".to_owned()];
    for index in 0..450_u32 {
        add.push(format!("{}.{index:03}", now - 60));
        add.push(json!({ "event_type": "many", "message": index.to_string() }).to_string());
    }
    let words: Vec<&str> = add.iter().map(String::as_str).collect();
    server.command::<i64>(&words);
    let logs = run(&store, &["query-logs", "many"]).ok();
    let numbers: Vec<u32> =
        logs.as_array().unwrap().iter().map(|log| text(&log["message"]).parse().unwrap()).collect();
    assert_eq!(numbers, (0..450).rev().collect::<Vec<_>>(), "newest first, none left out");
}

#[test]
fn the_log_is_silent_unless_somebody_chose_what_to_log() {
    // Without persistence, of which a server on it warns.
    let Some(server) = Server::start(&[]) else { return };
    let log = ["call", "log_event", "--event-type", "e", "--message", "m"];
    let silent: Finished = run(&server.url(), &log);
    assert_eq!((silent.status, silent.stderr.as_str()), (0, ""));
    let command = |arguments: &[&str]| {
        assert_cmd::Command::new(crate::support::server::BINARY)
            .args(["--store", &server.url()])
            .args(arguments)
            .args(log)
            .output()
            .unwrap()
    };
    assert!(command(&["--echo"]).stderr.is_empty());
    assert!(command(&["--log", "off"]).stderr.is_empty());
}
