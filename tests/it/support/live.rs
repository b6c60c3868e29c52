//! One who watches `/api/v1/live`, as a browser does.

use std::sync::LazyLock;

use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use super::mcp::in_time;
use super::server::Server;

/// An open stream of events.
pub(crate) struct Watcher {
    pub(crate) response: Response,
    /// The id that it was last told.
    pub(crate) last_id: String,
    unread: String,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Watcher {
    /// Watches what `query` asks for.
    pub(crate) async fn open(server: &Server, query: &str) -> Self {
        Self::from(ask(server, query, None, None).await).await
    }

    /// The same with a key.
    pub(crate) async fn open_with(server: &Server, key: &str) -> Self {
        Self::from(ask(server, "", None, Some(key)).await).await
    }

    /// Comes back, as a browser does, to this or another server.
    pub(crate) async fn back(server: &Server, last_id: &str) -> Self {
        let watcher = Self::from(ask(server, "", Some(last_id), None).await).await;
        let last_id = if watcher.last_id.is_empty() { last_id.to_owned() } else { watcher.last_id };
        Self { last_id, ..watcher }
    }

    async fn from(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        let mut watcher = Self { response, last_id: String::new(), unread: String::new() };
        let first = watcher.block().await.expect("a first word");
        assert!(first.starts_with("retry: "), "{first}");
        watcher
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        in_time("an event", self.event()).await
    }

    async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(kind), Some(data)) = (field("event: "), field("data: ")) {
                let data = serde_json::from_str(data).expect("data is json");
                return Some(Event { kind: kind.to_owned(), data });
            }
        }
    }

    /// The messages of the next logs, so many.
    pub(crate) async fn messages(&mut self, count: usize) -> Vec<String> {
        let mut messages = Vec::new();
        while messages.len() < count {
            messages.push(self.next().await.expect("the stream goes on").message());
        }
        messages
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
                    id.clone_into(&mut self.last_id);
                }
                return Some(block);
            }
            let chunk = self.response.chunk().await.expect("the connection lives")?;
            self.unread.push_str(std::str::from_utf8(&chunk).expect("events are whole and UTF-8"));
        }
    }
}

impl Event {
    /// What a log says.
    pub(crate) fn message(&self) -> String {
        assert_eq!(self.kind, "log", "{self:?}");
        self.data["message"].as_str().expect("logs have a message").to_owned()
    }
}

/// Asks for the stream.
pub(crate) async fn ask(server: &Server, query: &str, last_id: Option<&str>, key: Option<&str>) -> Response {
    // One for all: to make one takes longer than all else. It keeps no connection, as each test has a runtime of its own.
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        // The tests' process is not the program's: nobody has named the provider of cryptography yet.
        rustls::crypto::ring::default_provider().install_default().ok();
        Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client")
    });
    let mut request =
        CLIENT.get(server.url(&format!("/api/v1/live{query}"))).header("accept-encoding", "gzip");
    if let Some(last_id) = last_id {
        request = request.header("last-event-id", last_id);
    }
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    in_time("the stream", request.send()).await.expect("the server answers")
}
