//! A server on a store of its own, keys to it, and callers who bear them.

use assert_cmd::Command;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::bench::File;
use crate::support::server::{BINARY, Server};

/// What `arguments` answer in a pipe, having ended well.
pub(crate) fn run(store: &str, arguments: &[&str]) -> Value {
    let output = Command::new(BINARY).args(["--store", store]).args(arguments).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stdout}{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// A key to the records of `project`, as `watchglass key create` makes it.
pub(crate) fn make_key(store: &str, project: &str, scopes: &str) -> Value {
    run(store, &["key", "create", "--project", project, "--scope", scopes])
}

/// A store in a file and a server on it.
pub(crate) struct World {
    pub(crate) file: File,
    pub(crate) server: Server,
}

impl World {
    pub(crate) fn new() -> Self {
        let file = File::new();
        let server = Server::start_on(&file.store());
        Self { file, server }
    }

    pub(crate) fn caller(&self, project: &str, scopes: &str) -> Caller {
        let key = make_key(&self.file.store(), project, scopes);
        Caller::new(&self.server, key["key"].as_str().unwrap())
    }
}

/// Whoever sends requests with one key, or with none.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client,
    base: String,
    key: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) challenge: Option<String>,
    pub(crate) body: String,
}

impl Caller {
    pub(crate) fn new(server: &Server, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::without_key(server) }
    }

    pub(crate) fn without_key(server: &Server) -> Self {
        // The tests' process is not the program's: nobody has named the provider of cryptography yet.
        rustls::crypto::ring::default_provider().install_default().ok();
        Self { client: Client::builder().no_proxy().build().unwrap(), base: server.url(""), key: None }
    }

    pub(crate) fn key(&self) -> &str {
        self.key.as_deref().unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Sends one message to `/mcp`.
    pub(crate) async fn mcp(&self, method: &str, params: Value) -> Answer {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = self
            .request(Method::POST, "/mcp")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .json(&message);
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.mcp("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Calls a tool that must answer well.
    pub(crate) async fn ok(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(tool, arguments).await;
        let result = answer.json()["result"].clone();
        assert!(answer.status.is_success() && result["isError"] != true, "{tool}: {answer:?}");
        result["structuredContent"].clone()
    }

    /// Opens a session over SSE; gives the open stream and where to post.
    pub(crate) async fn open_sse(&self) -> (Response, String) {
        let mut stream = self.request(Method::GET, "/sse").send().await.unwrap();
        assert_eq!(stream.status(), StatusCode::OK);
        let first = String::from_utf8(stream.chunk().await.unwrap().unwrap().to_vec()).unwrap();
        let path = first.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
        (stream, path)
    }

    /// Posts an `initialize` into a session.
    pub(crate) async fn post(&self, path: &str) -> Answer {
        let params = json!({ "protocolVersion": "2024-11-05", "capabilities": {},
            "clientInfo": { "name": "t", "version": "1" } });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        Answer::of(self.request(Method::POST, path).json(&message).send().await.unwrap()).await
    }
}

impl Answer {
    async fn of(response: Response) -> Self {
        let challenge = response.headers().get("www-authenticate");
        Self {
            status: response.status(),
            challenge: challenge.map(|value| value.to_str().unwrap().to_owned()),
            body: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no json: {self:?}"))
    }
}
