//! What every answer has in common: tags, compression, methods, and one form of refusal.

use reqwest::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST,
    IF_NONE_MATCH, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use reqwest::{Method, RequestBuilder};

use serde_json::json;

use super::World;
use crate::access::world::{Caller, World as Guarded};

#[tokio::test]
async fn the_status_tells_what_runs_and_what_it_holds() {
    let status = World::start().await.get("/api/v1/status").await.body;
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&status["project"], &status["key_required"]), (&json!("default"), &json!(false)));
    for (what, count) in [("logs", 16), ("spans", 24), ("traces", 8)] {
        assert_eq!(status["holds"][what], json!({ "count": count, "exact": true }), "{what}");
    }
    let store = json!({
        "address": "memory:", "backend": "memory", "durability": "none",
        "durability_means": "an answered write may be lost",
    });
    assert_eq!(status["store"], store);
    assert_eq!((&status["kept"]["logs_seconds"], &status["content"]), (&json!(604_800), &json!("redacted")));
    assert!(status["prices"].as_str().unwrap().starts_with("genai-prices "), "{status}");
    assert!(status["uptime_seconds"].as_i64().unwrap() >= 0);
}

#[tokio::test]
async fn a_client_that_has_the_answer_is_told_so() {
    let world = World::start().await;
    let path = "/api/openapi.json";
    let first = world.get(path).await;
    let tag = first.headers[ETAG].to_str().unwrap().to_owned();
    assert_eq!(first.headers[CACHE_CONTROL], "private, no-cache");
    for (named, status) in [
        (tag.as_str(), 304),
        (tag.strip_prefix("W/").unwrap(), 304),
        (&format!("\"other\", {tag}"), 304),
        ("*", 304),
        ("\"other\"", 200),
        ("W/\"\"", 200),
    ] {
        let answer = world.send(world.request(&Method::GET, path).header(IF_NONE_MATCH, named)).await;
        assert_eq!(answer.status, status, "{named}");
        assert_eq!(answer.headers[ETAG], tag);
    }
    let compressed =
        world.request(&Method::GET, path).header(ACCEPT_ENCODING, "gzip").header(IF_NONE_MATCH, &tag);
    assert_eq!(world.send(compressed).await.status, 304, "the tag is that of the answer, however it is sent");
}

#[tokio::test]
async fn long_answers_are_compressed_for_whoever_asks() {
    let world = World::start().await;
    let ask = async |path: &str, encoding: &str| {
        let request = world.request(&Method::GET, path).header(ACCEPT_ENCODING, encoding);
        let response = request.send().await.unwrap();
        (response.headers().clone(), response.bytes().await.unwrap())
    };
    let (plain, text) = ask("/api/openapi.json", "identity").await;
    assert_eq!(plain.get(CONTENT_ENCODING), None);
    let (headers, bytes) = ask("/api/openapi.json", "gzip").await;
    assert_eq!(
        (&headers[CONTENT_ENCODING], &headers[VARY]),
        (&"gzip".parse().unwrap(), &"accept-encoding".parse().unwrap())
    );
    assert_eq!(headers[ETAG], plain[ETAG]);
    let mut unpacked = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut unpacked).unwrap();
    assert_eq!(unpacked, text);
    assert!(bytes.len() < text.len() / 4);
    let (short, _) = ask("/api/v1/status?x=1", "gzip").await;
    assert_eq!(short.get(CONTENT_ENCODING), None, "what is short is sent as it is");
}

#[tokio::test]
async fn a_head_has_all_but_the_body() {
    let world = World::start().await;
    let (get, head) =
        (world.get("/api/openapi.json").await, world.ask(&Method::HEAD, "/api/openapi.json").await);
    assert_eq!((head.status, head.body.is_null()), (200, true));
    for name in [ETAG, CONTENT_LENGTH, CONTENT_TYPE] {
        assert_eq!(head.headers.get(&name), get.headers.get(&name), "{name}");
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let world = World::start().await;
    for (method, path, status) in [
        (Method::GET, "/nowhere", 404),
        (Method::GET, "/api/nowhere", 404),
        (Method::GET, "/api/v1/status/", 404),
        (Method::PUT, "/api/v1/status", 405),
        (Method::DELETE, "/health", 405),
        (Method::GET, "/messages", 405),
        (Method::POST, "/messages", 404),
        (Method::GET, "/api/v1/status?api_key=a", 400),
        (Method::POST, "/mcp", 415),
    ] {
        let answer = world.ask(&method, path).await;
        answer.assert_sound(path);
        assert_eq!(answer.status, status, "{method} {path}");
    }
    let foreign = world.request(&Method::GET, "/api/v1/status").header(HOST, "evil.example");
    let answer = world.send(foreign).await;
    answer.assert_sound("host");
    assert_eq!((answer.status, &answer.body["field"]), (403, &"Host".into()));
    let put = world.ask(&Method::PUT, "/api/v1/status").await;
    assert_eq!(put.headers[ALLOW], "GET,HEAD");
    for operation in world.operations().await {
        let address = operation.address(&[]);
        let answer = world.ask(&Method::PATCH, &address).await;
        answer.assert_sound(&address);
        let allowed = answer.headers[ALLOW].to_str().unwrap();
        assert_eq!(answer.status, 405, "{address}");
        assert!(allowed.split(',').any(|one| one == operation.method.as_str()), "{address}: {allowed}");
    }
}

#[tokio::test]
async fn a_key_is_asked_for_in_the_same_form() {
    let guarded = Guarded::new();
    let status =
        guarded.caller("default", "read").request(Method::GET, "/api/v1/status").send().await.unwrap();
    assert_eq!(status.json::<serde_json::Value>().await.unwrap()["key_required"], true);
    let nobody = Caller::without_key(&guarded.server);
    let ask = async |key: Option<&str>| {
        let request = nobody.request(Method::GET, "/api/v1/status");
        let request = key.into_iter().fold(request, RequestBuilder::bearer_auth);
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.json::<serde_json::Value>().await.unwrap())
    };
    let (status, headers, problem) = ask(None).await;
    assert_eq!((status, &headers[CONTENT_TYPE]), (401, &"application/problem+json".parse().unwrap()));
    assert_eq!(headers[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(problem["type"], "urn:watchglass:problem:UNAUTHENTICATED");
    let mut last = ask(Some("wrong")).await;
    for _ in 0..20 {
        last = ask(Some("wrong")).await;
    }
    let (status, headers, problem) = last;
    assert_eq!((status, &headers[RETRY_AFTER]), (429, &"60".parse().unwrap()), "{problem}");
    assert_eq!((&problem["retryable"], &problem["status"]), (&true.into(), &429.into()));
}
