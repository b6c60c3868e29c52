//! What agents wrote comes back from every endpoint as data: visible and marked (S-26), as from every tool.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Operation, World};
use crate::support::bench::File;
use crate::support::redis::Server as Redis;
use crate::untrusted::{CANARY, PAYLOADS, hidden};

/// Sends every payload in every place of a record that takes it.
async fn plant(world: &World) -> usize {
    let mut taken = 0;
    for (number, payload) in PAYLOADS.into_iter().enumerate() {
        let span_id = format!("trace-1-planted-{number}");
        let told = json!({ payload: payload, "error": payload, "input": payload, "model": payload, "user_id": payload });
        let span = json!({ "trace_id": "trace-1", "span_id": span_id, "span_name": "s", "metadata": told });
        let named =
            json!({ "trace_id": format!("trace-p{number}"), "span_name": payload, "agent_name": payload });
        let session = json!({ "trace_id": "trace-1", "span_name": "s", "session_id": payload });
        let log = json!({ "event_type": "planted", "message": payload, "metadata": told });
        let linked =
            json!({ "event_type": "planted", "message": "m", "metadata": { "agent_name": payload } });
        let metric = json!({ "metric_name": "planted", "value": 1, "labels": { "agent_name": payload } });
        for (path, records) in [
            ("/api/v1/spans", json!([span, named, session])),
            ("/api/v1/logs", json!([log, linked])),
            ("/api/v1/metrics", json!([metric])),
        ] {
            let answer = world.send(world.request(&Method::POST, path).json(&records)).await;
            assert_eq!((answer.status, hidden(&answer.body)), (200, Vec::new()), "{path} {payload:?}");
            taken += records.as_array().unwrap().len();
            taken -= usize::try_from(answer.body["failed"].as_u64().unwrap()).unwrap();
        }
        let end = json!({ "status": "error", "metadata": { "error_type": payload, "output": payload } });
        let path = format!("/api/v1/spans/{span_id}/end");
        assert_eq!(world.send(world.request(&Method::POST, &path).json(&end)).await.status, 200);
    }
    taken
}

/// The addresses at which an operation shows most.
fn questions(operation: &Operation) -> Vec<String> {
    let mut addresses = vec![operation.address(&[])];
    for parameter in operation.parameters.iter().filter(|parameter| !parameter.in_path) {
        let choices = parameter.schema["enum"].as_array().or(parameter.schema["items"]["enum"].as_array());
        for choice in choices.into_iter().flatten().filter_map(Value::as_str) {
            addresses.push(operation.address(&[(&parameter.name, choice)]));
        }
    }
    addresses
}

async fn check(store: &str) {
    let world = World::start_on(store).await;
    let taken = plant(&world).await;
    assert!(taken > 30, "only {taken} records were taken");
    let mut shown = 0;
    for operation in world
        .operations()
        .await
        .iter()
        .filter(|operation| operation.method == Method::GET && operation.answers_json())
    {
        for address in questions(operation) {
            let answer = world.get(&address).await;
            answer.assert_sound(&address);
            assert_eq!((answer.status, hidden(&answer.body)), (200, Vec::new()), "{address}");
            let found = answer.body.to_string().matches(CANARY).count();
            assert!(found == 0 || answer.body.is_array() || answer.body["untrusted"] == true, "{address}");
            shown += found;
        }
        // What a refusal repeats of a question is no less visible, and no longer.
        for parameter in &operation.parameters {
            for payload in PAYLOADS {
                let long = payload.repeat(5);
                let written: String = url::form_urlencoded::byte_serialize(long.as_bytes()).collect();
                let address = operation.address(&[(&parameter.name, &written.replace('+', "%20"))]);
                let answer = world.get(&address).await;
                answer.assert_sound(&address);
                assert_eq!(hidden(&answer.body), [""; 0], "{address}");
            }
        }
    }
    assert!(shown > 0, "no endpoint shows what was planted");
}

#[tokio::test]
async fn no_endpoint_gives_back_more_than_data_from_sqlite() {
    check(&File::new().store()).await;
}

#[tokio::test]
async fn no_endpoint_gives_back_more_than_data_from_redis() {
    let Some(redis) = Redis::start(&[]) else { return };
    check(&redis.url()).await;
}
