use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::routes;
use crate::http::testing::behind_open_gate;
use crate::service::testing;

/// Asks an API on an empty store of its own.
async fn ask(request: Request) -> Response {
    let router = behind_open_gate(routes(Arc::new(testing::service().await))).await;
    router.oneshot(request).await.unwrap()
}

fn get(path: &str) -> Request {
    Request::get(path).body(Body::empty()).unwrap()
}

fn post(path: &str, body: &Value) -> Request {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    request.body(body.to_string().into()).unwrap()
}

async fn body(response: Response) -> Value {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&bytes)))
}

async fn asked(request: Request) -> (StatusCode, Value) {
    let response = ask(request).await;
    (response.status(), body(response).await)
}

#[tokio::test]
async fn the_document_is_as_it_was() {
    let (status, document) = asked(get("/api/openapi.json")).await;
    assert_eq!(status, StatusCode::OK);
    insta::assert_json_snapshot!(document);
}

/// The schemas of `document`: those that have a name, and those of parameters.
fn schemas(document: &Value) -> Vec<&Value> {
    let named =
        document["components"]["schemas"].as_object().into_iter().flat_map(|schemas| schemas.values());
    let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let parameters = operations
        .flat_map(|path| path.as_object().into_iter().flat_map(|path| path.values()))
        .flat_map(|operation| operation["parameters"].as_array().into_iter().flatten());
    named.chain(parameters.map(|parameter| &parameter["schema"])).collect()
}

#[tokio::test]
async fn no_schema_says_nothing() {
    let (_, document) = asked(get("/api/openapi.json")).await;
    assert!(schemas(&document).len() > 10);
    for schema in schemas(&document) {
        let says = ["type", "$ref", "anyOf", "oneOf", "enum"];
        assert!(says.iter().any(|word| schema.get(word).is_some()), "{schema}");
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    for (path, field) in
        [("/api/v1/status?limit=5", "limit"), ("/api/v1/status?a=%zz", "a"), ("/api/v1/status?a=%ff", "a")]
    {
        let (status, problem) = asked(get(path)).await;
        assert_eq!((status, &problem["field"]), (StatusCode::BAD_REQUEST, &json!(field)), "{path} {problem}");
    }
    let long = format!("/api/v1/status?q={}", "x".repeat(8 * 1024));
    assert_eq!(asked(get(&long)).await.0, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let first = ask(get("/api/openapi.json")).await;
    let tag = first.headers()[header::ETAG].clone();
    let again = Request::get("/api/openapi.json").header(header::IF_NONE_MATCH, &tag);
    let again = ask(again.body(Body::empty()).unwrap()).await;
    assert_eq!((again.status(), &again.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &tag));
}

#[tokio::test]
async fn records_come_alone_or_in_an_array_with_an_answer_for_each() {
    let log = json!({ "event_type": "a", "message": "b" });
    let (status, logged) = asked(post("/api/v1/logs", &log)).await;
    assert_eq!((status, &logged["logged"]), (StatusCode::OK, &json!(true)), "{logged}");
    let (status, results) = asked(post("/api/v1/logs", &json!([log, { "event_type": "a" }, 5]))).await;
    assert_eq!((status, &results["failed"]), (StatusCode::OK, &json!(2)), "{results}");
    assert_eq!(results["items"][0]["result"]["event_type"], "a");
    assert_eq!(results["items"][1]["error"]["field"], "message");
    assert_eq!(results["items"][2]["status"], 400);
    let (status, problem) = asked(post("/api/v1/spans/nowhere/end", &json!({}))).await;
    assert_eq!((status, &problem["error"]), (StatusCode::NOT_FOUND, &json!("Span not found")));
    let (status, problem) = asked(post("/api/v1/spans/a/end", &json!({ "span_id": "b" }))).await;
    assert_eq!((status, &problem["field"]), (StatusCode::BAD_REQUEST, &json!("span_id")));
}
