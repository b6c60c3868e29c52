//! Exports and imports over HTTP: lines of JSON, whole, checked and repeatable.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use watchglass::clock::{Clock, SystemClock};

use super::held::{Held, assert_same, fill};
use crate::access::world::{Caller, World};
use crate::support::bench::File;
use crate::support::server::Server;

/// An export as text.
async fn export(caller: &Caller, query: &str) -> String {
    let answer = caller.get(&format!("/api/v1/export{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body
}

fn lines(export: &str) -> Vec<Value> {
    export.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn send(caller: &Caller, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
    let answer = caller.request(Method::POST, "/api/v1/import").body(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// What became of an import that was answered.
async fn imported(caller: &Caller, body: impl Into<reqwest::Body>) -> Value {
    let (status, answer) = send(caller, body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

/// Lines with the first and the last of an export around them.
fn framed(records: &[Value]) -> String {
    let header = json!({ "type": "watchglass", "version": "0", "format": 1, "project": "p", "since": 0, "until": 1,
        "kinds": ["logs"], "exported_at": 1 });
    let end = json!({ "type": "end", "logs": records.len(), "spans": 0, "points": 0, "series": 0 });
    let all = std::iter::once(&header).chain(records).chain(std::iter::once(&end));
    all.map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n"
}

fn log(id: &str, message: &str) -> Value {
    json!({ "type": "log", "id": id, "timestamp": SystemClock.now(), "level": "info", "event_type": "e",
        "message": message })
}

#[tokio::test]
async fn an_export_is_imported_whole_and_only_once() {
    let (from, to) = (File::new(), World::new());
    fill(&from.store()).await;
    let server = Server::start_on(&from.store());
    let export = export(&Caller::without_key(&server), "").await;
    let told = lines(&export);
    let held = Held::of(&from.store(), "default").await;
    let (first, last) = (told.first().unwrap(), told.last().unwrap());
    assert_eq!(
        (&first["type"], &first["format"], &first["project"]),
        (&json!("watchglass"), &json!(1), &json!("default"))
    );
    assert_eq!(
        last,
        &json!({ "type": "end", "logs": held.logs.len(), "spans": held.spans.len(), "points": held.points.len(),
            "series": held.series.len() })
    );
    assert_eq!(told.len(), held.logs.len() + held.spans.len() + held.points.len() + held.series.len() + 2);

    let admin = to.caller("moved", "admin");
    let answer = imported(&admin, export.clone()).await;
    assert_eq!(
        (&answer["imported"], &answer["refused"], &answer["complete"]),
        (&json!(told.len() - 2), &json!(0), &json!(true)),
        "{answer}"
    );
    let again = imported(&admin, export).await;
    assert_eq!((&again["imported"], &again["already_there"]), (&json!(0), &json!(told.len() - 2)), "{again}");
    drop(to.server);
    assert_same(&Held::of(&to.file.store(), "moved").await, &held);
    assert!(Held::of(&to.file.store(), "default").await.spans.is_empty(), "the key says whose they are");
}

#[tokio::test]
async fn a_part_can_be_exported_and_a_question_can_be_wrong() {
    let file = File::new();
    fill(&file.store()).await;
    let server = Server::start_on(&file.store());
    let caller = Caller::without_key(&server);
    let spans = lines(&export(&caller, "?kinds=spans,series&since=7d").await);
    let inner = &spans[1..spans.len() - 1];
    assert!(inner.iter().all(|line| line["type"] == "span" || line["type"] == "series"), "{inner:?}");
    let until = spans[1]["start_time"].as_i64().unwrap() + 60_000_000;
    let until = watchglass::model::Timestamp::from_micros(until).to_rfc3339();
    let first = lines(&export(&caller, &format!("?kinds=spans&until={until}")).await);
    assert!(first.len() > 3 && first.len() < spans.len(), "{}", first.len());
    for (query, field) in [
        ("?since=soon", "since"),
        ("?since=1h&until=2h", "since"),
        ("?kinds=all", "kinds"),
        ("?limit=1", "limit"),
    ] {
        let answer = caller.get(&format!("/api/v1/export{query}")).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn keys_open_what_they_say() {
    let world = World::new();
    let [ingest, read, admin] = ["ingest", "read", "admin"].map(|scope| world.caller("default", scope));
    for (caller, export, import) in [(&ingest, 403, 403), (&read, 200, 403), (&admin, 403, 200)] {
        assert_eq!(caller.get("/api/v1/export").await.status, export);
        assert_eq!(send(caller, framed(&[])).await.0, import);
    }
}

#[tokio::test]
async fn each_bad_line_is_told_and_the_rest_is_taken() {
    let server = Server::start();
    let caller = Caller::without_key(&server);
    let mut records = vec![
        log("1", "one"),
        json!({ "type": "log", "id": "2" }),
        json!({ "type": "trace" }),
        json!({ "type": "span", "trace_id": "t", "span_id": "a|b", "name": "n", "kind": "tool", "start_time": 1,
            "status": "in_progress", "fingerprint": "" }),
        log("3", &"x".repeat(1024 * 1024)),
        log("4", "four"),
    ];
    let text = framed(&records).replace(r#"{"type":"trace"}"#, "{\"type\":\n");
    let answer = imported(&caller, text).await;
    assert_eq!((&answer["imported"], &answer["refused"]), (&json!(2), &json!(4)), "{answer}");
    let told: Vec<(u64, &str)> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_u64().unwrap(), error["message"].as_str().unwrap()))
        .collect();
    let expected = [
        (3, "`timestamp` is missing"),
        (4, "the line is no JSON at column 8"),
        (7, "the line has more than 1048576 bytes"),
    ];
    for error in expected {
        assert!(told.contains(&error), "{error:?} in {told:?}");
    }
    let span = answer["errors"].as_array().unwrap().iter().find(|error| error["line"] == 6).unwrap();
    assert_eq!((&span["record"], &span["field"]), (&json!("span a|b"), &json!("span_id")));

    records = (0..30).map(|_| json!({ "type": "log" })).collect();
    let answer = imported(&caller, framed(&records)).await;
    assert_eq!((&answer["refused"], answer["errors"].as_array().map(Vec::len)), (&json!(30), Some(20)));
}

#[tokio::test]
async fn what_is_no_whole_export_is_said() {
    let server = Server::start();
    let caller = Caller::without_key(&server);
    for (body, field) in [
        (String::new(), "body"),
        ("{}\n".to_owned(), "body"),
        (format!("{}\n", log("1", "m")), "body"),
        (framed(&[]).replace("\"format\":1", "\"format\":2"), "format"),
        (framed(&[]) + &log("1", "m").to_string(), "body"),
    ] {
        let (status, problem) = send(&caller, body.clone()).await;
        assert_eq!(
            (status, &problem["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{body}: {problem}"
        );
    }
    let whole = framed(&[log("1", "one"), log("2", "two")]);
    let cut: Vec<&str> = whole.lines().take(2).collect();
    let answer = imported(&caller, cut.join("\n")).await;
    assert_eq!((&answer["imported"], &answer["complete"]), (&json!(1), &json!(false)), "{answer}");
    assert_eq!(answer["errors"][0]["message"], "the export ends without its last line: it was cut off");
    let holed: Vec<&str> =
        whole.lines().enumerate().filter(|(line, _)| *line != 1).map(|(_, line)| line).collect();
    let answer = imported(&caller, holed.join("\n")).await;
    assert_eq!((&answer["imported"], &answer["complete"]), (&json!(1), &json!(false)), "{answer}");
    assert_eq!(answer["errors"][0]["message"], "the last line tells of 2 records, 1 came");
    // What was cut off goes on where it is sent again, and several exports may come as one.
    let answer = imported(&caller, whole.repeat(2)).await;
    assert_eq!(
        (&answer["imported"], &answer["already_there"], &answer["complete"]),
        (&json!(0), &json!(4), &json!(true))
    );
}

#[tokio::test]
async fn secrets_are_taken_out_and_old_records_left_out() {
    let server = Server::start();
    let caller = Caller::without_key(&server);
    let mut marked =
        log("1", "Authorization: Bearer sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    marked["redacted"] = json!(["metadata.password"]);
    let mut old = log("2", "old");
    old["timestamp"] = json!(SystemClock.now().minus(Duration::from_secs(8 * 24 * 3_600)));
    let answer = imported(&caller, framed(&[marked, old])).await;
    assert_eq!(
        (&answer["imported"], &answer["too_old"], &answer["refused"]),
        (&json!(1), &json!(1), &json!(0)),
        "{answer}"
    );
    let told = lines(&export(&caller, "").await);
    let message = told[1]["message"].as_str().unwrap();
    assert!(!message.contains("sk-ant") && message.contains("[REDACTED"), "{message}");
    assert_eq!(told[1]["redacted"], json!(["metadata.password", "message"]));
}
