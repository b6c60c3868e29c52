//! `watchglass copy`, from one store to another.

use serde_json::{Value, json};

use super::held::{Held, assert_same, fill};
use crate::support::bench::File;
use crate::support::command::{Finished, run};
use crate::support::redis::Server as Redis;

fn copied(from: &str, to: &str) -> Finished {
    run("memory:", &["copy", "--from", from, "--to", to])
}

/// What is told of a project.
fn told<'a>(answer: &'a Value, project: &str) -> &'a Value {
    let projects = answer["projects"].as_array().unwrap();
    projects
        .iter()
        .find(|told| told["project"] == project)
        .unwrap_or_else(|| panic!("no {project}: {answer}"))
}

/// Copies a full store to `there` and from there back to a new one.
async fn goes_round(here: &str, there: &str, back: &str) {
    fill(here).await;
    let held = Held::of(here, "default").await;
    let (logs, spans) = (held.logs.len(), held.spans.len());
    assert!(logs > 20 && spans > 40 && held.points.len() == 1, "{logs} logs, {spans} spans");
    let first = copied(here, there).ok();
    let counts = told(&first, "default");
    let expected = (held.logs.len() + held.spans.len() + held.points.len() + held.series.len()) as u64;
    assert_eq!((&counts["imported"], &counts["refused"]), (&json!(expected), &json!(0)), "{first}");
    assert_eq!(counts["kinds"]["logs"]["imported"], held.logs.len());
    assert_eq!(told(&first, "other")["imported"], 1);
    assert_same(&Held::of(there, "default").await, &held);

    let again = copied(here, there).ok();
    let counts = told(&again, "default");
    assert_eq!((&counts["imported"], &counts["already_there"]), (&json!(0), &json!(expected)), "{again}");
    assert_same(&Held::of(there, "default").await, &held);

    copied(there, back).ok();
    assert_same(&Held::of(back, "default").await, &held);
    assert_same(&Held::of(back, "other").await, &Held::of(here, "other").await);
}

#[tokio::test]
async fn a_copy_is_the_same_in_sqlite() {
    let files = [File::new(), File::new(), File::new()].map(|file| (file.store(), file));
    goes_round(&files[0].0, &files[1].0, &files[2].0).await;
}

#[tokio::test]
async fn a_copy_goes_to_redis_and_back() {
    let (Some(redis), files) = (Redis::start(&[]), [File::new(), File::new()]) else { return };
    goes_round(&files[0].store(), &redis.url(), &files[1].store()).await;
}

/// A copy that goes on where another was broken off, or where its source has gone on.
async fn goes_on(from: &str, to: &str) {
    fill(from).await;
    let part = ["copy", "--from", from, "--to", to, "--since", "150m"];
    let first = run("memory:", &part).ok();
    assert!(told(&first, "default")["imported"].as_u64() > Some(5), "{first}");
    run(from, &["call", "end_span", r#"{"span_id":"open","metadata":{"output":"done"}}"#]).ok();
    run(from, &["call", "log_event", r#"{"event_type":"later","message":"m"}"#]).ok();
    copied(from, to).ok();
    assert_same(&Held::of(to, "default").await, &Held::of(from, "default").await);

    let other = r#"{"span_id":"another","trace_id":"mine","span_name":"s"}"#;
    run(to, &["call", "start_span", other]).ok();
    run(from, &["call", "start_span", &other.replace("mine", "yours")]).ok();
    let clash = copied(from, to);
    assert_eq!(clash.status, 1, "{clash:?}");
    let answer: Value = serde_json::from_str(&clash.stdout).unwrap();
    let told = told(&answer, "default");
    assert_eq!(
        (&told["refused"], &told["errors"][0]["code"]),
        (&json!(1), &json!("SPAN_CONFLICT")),
        "{answer}"
    );
    assert_eq!(told["errors"][0]["record"], "span another");
}

#[tokio::test]
async fn a_copy_goes_on_in_sqlite() {
    let files = [File::new(), File::new()];
    goes_on(&files[0].store(), &files[1].store()).await;
}

#[tokio::test]
async fn a_copy_goes_on_in_redis() {
    let (Some(redis), file) = (Redis::start(&[]), File::new()) else { return };
    goes_on(&file.store(), &redis.url()).await;
}

#[tokio::test]
async fn one_project_can_be_copied_alone() {
    let (from, to) = (File::new(), File::new());
    fill(&from.store()).await;
    let words = ["copy", "--from", &from.store(), "--to", &to.store(), "--project", "other", "--since", "1d"];
    let answer = run("memory:", &words).ok();
    assert_eq!(
        (answer["projects"].as_array().map(Vec::len), &told(&answer, "other")["imported"]),
        (Some(1), &json!(1))
    );
    assert!(Held::of(&to.store(), "default").await.logs.is_empty());
}

#[test]
fn what_can_not_be_copied_is_said() {
    let file = File::new();
    run(&file.store(), &["call", "query_logs"]).ok();
    let (here, secret) = (file.store(), "redis://user:s3cret@127.0.0.1:1");
    let cases: [(&str, &str, i32, &str); 6] = [
        (&here, &here, 2, "are the same store"),
        ("sqlite:/nowhere/x.db", &here, 1, "there is no store to read at sqlite:/nowhere/x.db"),
        ("memory:", &here, 2, "`--from` is a store in memory"),
        ("postgres://user:s3cret@h", &here, 2, "`--from`: the store's address begins with no known scheme"),
        (&here, secret, 1, "can't open the store at 127.0.0.1:1"),
        (secret, &here, 1, "can't open the store at 127.0.0.1:1"),
    ];
    for (from, to, status, text) in cases {
        let finished = copied(from, to);
        assert_eq!(finished.status, status, "{from} {to}: {finished:?}");
        let said = finished.stdout + &finished.stderr;
        assert!(said.contains(text) && !said.contains("s3cret"), "{from} {to}: {said}");
    }
}
