//! What the command line alone can be given: long arguments, and bytes that are no text (B-01, B-15).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::command::{LONGEST_ARGUMENT, run, run_with_input};
use crate::support::server::BINARY;

const MESSAGE: usize = 256 * 1024;

/// Everything that is stored, newest first.
fn stored(file: &File) -> Vec<Value> {
    let logs = run(&file.store(), &["call", "query_logs"]).ok();
    logs["logs"].as_array().unwrap().clone()
}

#[test]
fn b_01_a_message_on_standard_input() {
    let file = File::new();
    for words in [&["log-event", "info", "e"][..], &["call", "log_event", r#"{"event_type":"e"}"#]] {
        let most = "x".repeat(MESSAGE);
        assert_eq!(run_with_input(&file.store(), words, most.as_bytes()).ok()["logged"], true, "{words:?}");
        for length in [MESSAGE + 1, 16 * 1024 * 1024] {
            let problem = run_with_input(&file.store(), words, &vec![b'x'; length]).problem();
            let told = (&problem["code"], &problem["field"], &problem["limit"]);
            assert_eq!(told, (&json!("FIELD_TOO_LARGE"), &json!("message"), &json!(MESSAGE)), "{words:?}");
        }
    }
    assert_eq!(file.rows()["logs"], 2);
}

#[test]
fn b_01_an_argument_as_long_as_the_system_takes() {
    let file = File::new();
    // The byte that ends it counts too.
    let longest = |before: &str, after: &str| {
        format!("{before}{}{after}", "x".repeat(LONGEST_ARGUMENT - 1 - before.len() - after.len()))
    };
    let log = longest(r#"{"event_type":"e","message":""#, r#""}"#);
    assert_eq!(run(&file.store(), &["call", "log_event", &log]).ok()["logged"], true);
    for words in [
        &["call", "log_event", "--event-type", &longest("", "")][..],
        &["start-span", "t", &longest("", "")],
        &["record-metric", "m", "1", &longest(r#"{"a":""#, r#""}"#)],
        &["log-event", "info", "e", &longest(r#"{"a":""#, r#""}"#)],
    ] {
        let problem = run_with_input(&file.store(), words, b"m").problem();
        assert_eq!(problem["code"], "FIELD_TOO_LARGE", "{problem}");
        assert!(problem.to_string().len() < 1_000, "{problem}");
    }
    assert_eq!((file.rows()["logs"], file.rows()["spans"], file.rows()["series"]), (1, 0, 0));
}

#[test]
fn b_15_arguments_that_are_no_text() {
    let file = File::new();
    drop(stored(&file));
    let odd = OsStr::from_bytes(b"\xff\xfe{}");
    for words in [
        ["call", "log_event"].map(OsStr::new),
        ["log-event", "info"].map(OsStr::new),
        ["start-span", "t"].map(OsStr::new),
        ["record-metric", "m"].map(OsStr::new),
    ] {
        let output = Command::new(BINARY)
            .args(words)
            .arg(odd)
            .env("WATCHGLASS_STORE", file.store())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{words:?}");
        let said = String::from_utf8(output.stderr).expect("what is said is text");
        assert!(said.contains("UTF-8"), "{words:?}: {said}");
    }
    assert_eq!(stored(&file), [json!(null); 0]);
}

#[test]
fn b_15_what_comes_from_elsewhere_is_kept_as_far_as_it_is_text() {
    let file = File::new();
    let odd = b"a\xff\xfeb";
    run_with_input(&file.store(), &["log-event", "info", "e"], odd).ok();
    run_with_input(&file.store(), &["call", "log_event", r#"{"event_type":"e"}"#], odd).ok();
    for words in [&["log-event", "info", "e"][..], &["call", "log_event", "--event-type", "e"]] {
        let output = Command::new(BINARY)
            .args(words)
            .env("WATCHGLASS_STORE", file.store())
            .env("GANTZ_ARG_MESSAGE", OsStr::from_bytes(odd))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
    }
    let messages: Vec<Value> = stored(&file).iter().map(|log| log["message"].clone()).collect();
    assert_eq!(messages, ["a\u{fffd}\u{fffd}b"; 4]);
}
