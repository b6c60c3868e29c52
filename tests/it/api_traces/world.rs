//! A server, and short ways to ask it.

use reqwest::header::{HeaderMap, LINK};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::redis;
use crate::support::server::Server;

/// What keeps the records.
#[derive(Debug, Clone, Copy)]
pub(super) enum Engine {
    Sqlite,
    Redis,
}

/// A server on a store of its own.
pub(super) struct World {
    server: Server,
    client: Client,
    _store: (Option<redis::Server>, TempDir),
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl World {
    /// `None` where the engine's server is not installed.
    pub(super) fn start(engine: Engine) -> Option<Self> {
        // The tests' process is not the program's: nobody has named the provider of cryptography yet.
        rustls::crypto::ring::default_provider().install_default().ok();
        let directory = tempfile::tempdir().unwrap();
        let (store, redis) = match engine {
            Engine::Sqlite => (format!("sqlite:{}", directory.path().join("wg.db").display()), None),
            Engine::Redis => {
                let redis = redis::Server::start(&[])?;
                (redis.url(), Some(redis))
            }
        };
        let client = Client::builder().no_proxy().build().unwrap();
        Some(Self { server: Server::start_on(&store), client, _store: (redis, directory) })
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.server.url(path))
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no json: {text}"));
        Answer { status, headers, body }
    }

    /// What `GET` of a sound address answers.
    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.send(self.request(Method::GET, path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// The status and the field of a refusal.
    pub(super) async fn refused(&self, method: Method, path: &str) -> (u16, String) {
        let answer = self.send(self.request(method, path)).await;
        (answer.status, answer.body["field"].as_str().unwrap_or_default().to_owned())
    }

    /// What `POST` of a sound record answers, or of sound records.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.send(self.request(Method::POST, path).json(body)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(answer.body["failed"].as_u64().unwrap_or_default(), 0, "{path}: {}", answer.body);
        answer.body
    }

    pub(super) async fn delete(&self, path: &str) -> Value {
        let answer = self.send(self.request(Method::DELETE, path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Starts a span: `id` of `trace`, inside `parent`.
    pub(super) async fn begin(&self, trace: &str, id: &str, parent: Option<&str>, more: Value) {
        let mut span = json!({ "trace_id": trace, "span_id": id, "parent_span_id": parent });
        span.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/api/v1/spans", &span).await;
    }

    /// Ends a span.
    pub(super) async fn end(&self, id: &str, status: &str, metadata: Value) {
        let end = json!({ "status": status, "metadata": metadata });
        self.post(&format!("/api/v1/spans/{id}/end"), &end).await;
    }

    /// A trace of one span, which ends so.
    pub(super) async fn run(&self, trace: &str, agent: &str, status: &str, metadata: Value) {
        let root = format!("{trace}-root");
        self.begin(trace, &root, None, json!({ "span_name": "agent_request", "agent_name": agent })).await;
        self.end(&root, status, metadata).await;
    }

    /// Logs a message, with this metadata.
    pub(super) async fn log(&self, level: &str, message: &str, metadata: Value) {
        let log =
            json!({ "level": level, "event_type": "step.done", "message": message, "metadata": metadata });
        self.post("/api/v1/logs", &log).await;
    }

    /// The items of every page from `path` on; `between` is done before each next one.
    pub(super) async fn pages(&self, path: &str, mut between: impl AsyncFnMut()) -> Vec<Value> {
        let mut items = Vec::new();
        let mut page = self.get(path).await;
        loop {
            let of_page = page["items"].as_array().unwrap();
            assert_eq!(page["returned"], of_page.len(), "{path}");
            assert_eq!(page["truncated"], page["next"].is_string(), "{path}");
            items.extend(of_page.iter().cloned());
            let Some(next) = page["next"].as_str() else { return items };
            between().await;
            let separator = if path.contains('?') { '&' } else { '?' };
            page = self.get(&format!("{path}{separator}cursor={next}")).await;
        }
    }
}

impl Answer {
    /// Where the `Link` to the next page leads.
    pub(super) fn next(&self) -> Option<String> {
        let link = self.headers.get(LINK)?.to_str().unwrap();
        let (address, relation) = link.split_once(';').unwrap();
        assert_eq!(relation.trim(), r#"rel="next""#);
        Some(address.trim_start_matches('<').trim_end_matches('>').to_owned())
    }
}

/// The texts at `key` of each item.
pub(super) fn each<'a>(items: &'a Value, key: &str) -> Vec<&'a str> {
    items.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap_or_default()).collect()
}
