//! The Messages API in small: asks for a tool, then answers with what the tool gave.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Requests = Arc<Mutex<Vec<Value>>>;

/// A server for the length of a test.
pub(super) struct FakeApi {
    url: String,
    requests: Requests,
}

impl FakeApi {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Requests::default();
        let router = Router::new().route("/v1/messages", post(answer)).with_state(Arc::clone(&requests));
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, requests }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// All that it was asked.
    pub(super) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer(
    State(requests): State<Requests>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Json<Value> {
    // Which header takes the key differs between releases of the package.
    let key = headers.get("x-api-key").or_else(|| headers.get("authorization")).expect("a key");
    assert!(key.to_str().unwrap().ends_with("sk-test"), "{key:?}");
    let messages = request["messages"].as_array().unwrap().clone();
    requests.lock().unwrap().push(request);
    let (content, input) = match &messages[..] {
        [asked] => {
            let input = json!({ "text": asked["content"] });
            (json!({ "type": "tool_use", "id": "toolu_1", "name": "count_words", "input": input }), 20)
        }
        [_, asked, used] => {
            let used = &used["content"][0];
            assert_eq!(used["tool_use_id"], asked["content"][0]["id"]);
            let text = format!("There are {} words.", used["content"].as_str().unwrap());
            (json!({ "type": "text", "text": text }), 40)
        }
        other => panic!("no such turn: {other:?}"),
    };
    let output = if input == 20 { 5 } else { 15 };
    Json(json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-of-the-test",
        "content": [content],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": { "input_tokens": input, "output_tokens": output },
    }))
}
