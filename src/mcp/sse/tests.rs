use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::header;
use futures::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::http::testing::behind_open_gate;
use crate::mcp::testing::{Echo, call, initialize};

/// An open stream and the router that it came from.
struct Client {
    router: Router,
    stream: BodyDataStream,
    endpoint: String,
}

async fn router(limits: Limits, stop: &CancellationToken) -> Router {
    behind_open_gate(Legacy::new(Echo::default(), limits, Arc::default(), stop.clone()).routes()).await
}

async fn get_sse(router: &Router) -> Response {
    router.clone().oneshot(Request::get("/sse").body(Body::empty()).unwrap()).await.unwrap()
}

impl Client {
    async fn open(router: Router) -> Self {
        let response = get_sse(&router).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["deprecation"], "true");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        let mut client =
            Self { router, stream: response.into_body().into_data_stream(), endpoint: String::new() };
        let (event, data) = client.event().await.unwrap();
        assert_eq!(event, "endpoint");
        client.endpoint = data;
        client
    }

    async fn initialized() -> Self {
        let mut client = Self::open(router(Limits::default(), &CancellationToken::new()).await).await;
        assert_eq!(client.post(initialize("2024-11-05").to_string()).await, StatusCode::ACCEPTED);
        assert_eq!(client.message().await["result"]["protocolVersion"], "2024-11-05");
        client
    }

    /// The next event; `None` once the stream has ended.
    async fn event(&mut self) -> Option<(String, String)> {
        loop {
            let bytes = self.stream.next().await?.unwrap();
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if let (Some(event), Some(data)) = (field("event: "), field("data: ")) {
                return Some((event, data));
            }
        }
    }

    async fn message(&mut self) -> Value {
        let (event, data) = self.event().await.expect("an event");
        assert_eq!(event, "message");
        serde_json::from_str(&data).unwrap()
    }

    async fn post_to(&self, address: &str, kind: &str, body: impl Into<Body>) -> StatusCode {
        let request = Request::post(address).header(header::CONTENT_TYPE, kind).body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["deprecation"], "true");
        response.status()
    }

    async fn post(&self, body: impl Into<Body>) -> StatusCode {
        self.post_to(&self.endpoint, "application/json", body).await
    }
}

#[tokio::test]
async fn a_call_is_accepted_and_answered_on_the_stream() {
    let mut client = Client::initialized().await;
    assert_eq!(client.post(call(1, &json!({ "ü": "\r\n" })).to_string()).await, StatusCode::ACCEPTED);
    assert_eq!(client.message().await["result"]["content"][0]["text"], "{\"ü\":\"\\r\\n\"}");
}

#[tokio::test]
async fn refusals_with_an_id_go_to_the_stream_and_others_to_the_post() {
    let mut client = Client::initialized().await;
    assert_eq!(client.post("{").await, StatusCode::BAD_REQUEST);
    assert_eq!(client.post("[]").await, StatusCode::BAD_REQUEST);
    let duplicate =
        r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"x","arguments":{"a":1,"a":2}}}"#;
    assert_eq!(client.post(duplicate).await, StatusCode::ACCEPTED);
    assert_eq!(client.message().await["result"]["isError"], true);
}

#[tokio::test]
async fn both_spellings_of_the_parameter_work_and_unknown_sessions_are_not_found() {
    let mut client = Client::initialized().await;
    let other = client.endpoint.replace("sessionId", "session_id");
    assert_eq!(
        client.post_to(&other, "application/json", call(1, &json!({})).to_string()).await,
        StatusCode::ACCEPTED
    );
    assert_eq!(client.message().await["id"], 1);
    for address in
        ["/messages", "/messages?sessionId=", "/messages?sessionId=0123", "/messages?sessionId=%ff"]
    {
        assert_eq!(
            client.post_to(address, "application/json", "{}").await,
            StatusCode::NOT_FOUND,
            "{address}"
        );
    }
}

#[tokio::test]
async fn a_body_must_be_json_and_below_the_limit() {
    let client = Client::initialized().await;
    assert_eq!(
        client.post_to(&client.endpoint, "text/plain", "{}").await,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let large = vec![b' '; crate::mcp::wire::MAX_MESSAGE_BYTES + 1];
    assert_eq!(client.post(large).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn dropping_the_stream_ends_the_session() {
    let Client { router, stream, endpoint } = Client::initialized().await;
    drop(stream);
    loop {
        let request = Request::post(&endpoint).header(header::CONTENT_TYPE, "application/json");
        let response = router.clone().oneshot(request.body(Body::from("{")).unwrap()).await.unwrap();
        if response.status() == StatusCode::NOT_FOUND {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_number_of_sessions_is_bounded() {
    let router = router(Limits { sessions: 1, ..Limits::default() }, &CancellationToken::new()).await;
    let first = Client::open(router.clone()).await;
    assert_eq!(get_sse(&router).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(first.stream);
    while get_sse(&router).await.status() != StatusCode::OK {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_key_does_not_take_all_sessions() {
    let limits = Limits { per_key: 1, ..Limits::default() };
    let sessions = Sessions::new(limits);
    let stop = CancellationToken::new();
    let open = |key: Option<&str>| {
        let grant = Grant { key_id: key.map(str::to_owned), ..Grant::local() };
        sessions.open(&grant, &stop, limits.stall).map(|opened| opened.id)
    };
    assert!(open(Some("one")).is_ok() && open(Some("other")).is_ok());
    assert!(open(Some("one")).unwrap_err().message.contains("with this key, the limit is 1"));
    assert!(open(None).is_ok() && open(None).is_ok(), "without keys nobody is told from others");
}

#[tokio::test]
async fn ids_are_long_and_differ() {
    let router = router(Limits::default(), &CancellationToken::new()).await;
    let (first, second) = (Client::open(router.clone()).await, Client::open(router).await);
    assert_ne!(first.endpoint, second.endpoint);
    assert_eq!(first.endpoint.trim_start_matches("/messages?sessionId=").len(), 48);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_initialize_is_let_go() {
    let mut client = Client::open(router(Limits::default(), &CancellationToken::new()).await).await;
    assert!(client.event().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off() {
    let mut client = Client::initialized().await;
    // Accepted while there is room, then refused, and at last there is no session any more.
    let mut id = 0;
    while client.post(call(id, &json!({})).to_string()).await != StatusCode::NOT_FOUND {
        id += 1;
    }
    while client.event().await.is_some() {}
}

#[tokio::test]
async fn stopping_ends_the_stream() {
    let stop = CancellationToken::new();
    let mut client = Client::open(router(Limits::default(), &stop).await).await;
    stop.cancel();
    assert!(client.event().await.is_none());
}
