//! A small MCP client that sends what it is told to, over each transport and in both eras.
//!
//! An SDK would check, mend or reorder what the tests mean to send; `clients.rs` drives the SDKs.

mod command;
mod inbox;
mod sse;
mod stdio;
mod streamable;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use self::command::Command;
use super::server::Server;
pub(crate) use sse::Sse;
pub(crate) use stdio::Stdio;
use streamable::Streamable;

/// Longer than any call may take, so that a hang is told from slowness.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// How a client begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// With `initialize`, as of 2025-11-25.
    Initialize,
    /// Not at all: every request says what it needs, as of 2026-07-28.
    Stateless,
}

impl Era {
    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Initialize => "2025-11-25",
            Self::Stateless => "2026-07-28",
        }
    }
}

/// One client and its connection.
pub(crate) struct Client {
    /// For the texts of failed assertions.
    pub(crate) name: &'static str,
    pub(crate) wire: Wire,
    era: Era,
    last_id: AtomicI64,
}

pub(crate) enum Wire {
    Stdio(Stdio),
    Sse(Sse),
    Streamable(Streamable),
    Command(Command),
}

/// What a tool answered.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) structured: Value,
    pub(crate) is_error: bool,
    /// The whole message.
    pub(crate) raw: Value,
}

/// An answer to bytes that may not have been a request.
#[derive(Debug)]
pub(crate) struct Unaddressed {
    /// The HTTP status, where the answer was an HTTP response.
    pub(crate) status: Option<u16>,
    pub(crate) body: Value,
}

/// A call that was sent; `None` if the connection ended before the answer.
pub(crate) type Pending = BoxFuture<'static, Option<Outcome>>;

impl Client {
    /// A process of its own on `store`.
    pub(crate) async fn stdio(store: &str) -> Self {
        Self::begin("stdio", Wire::Stdio(Stdio::start(store)), Era::Initialize)
            .await
            .expect("the process answers")
    }

    /// A process for each call on `store`.
    pub(crate) fn command(store: &str) -> Self {
        let wire = Wire::Command(Command::new(store));
        Self { name: "command", wire, era: Era::Stateless, last_id: AtomicI64::new(0) }
    }

    /// A session over HTTP+SSE; `None` if the server is gone.
    pub(crate) async fn sse(server: &Server) -> Option<Self> {
        Self::begin("sse", Wire::Sse(Sse::open(server.address()).await?), Era::Initialize).await
    }

    /// A connection to `/mcp`; `None` if the server is gone.
    pub(crate) async fn http(server: &Server, era: Era) -> Option<Self> {
        let wire = Wire::Streamable(Streamable::open(server.address(), era).await?);
        let name = if era == Era::Initialize { "http 2025-11-25" } else { "http 2026-07-28" };
        Self::begin(name, wire, era).await
    }

    async fn begin(name: &'static str, wire: Wire, era: Era) -> Option<Self> {
        let client = Self { name, wire, era, last_id: AtomicI64::new(0) };
        if era == Era::Initialize {
            let who = json!({ "name": "checks", "version": "1" });
            let params = json!({ "protocolVersion": era.version(), "capabilities": {}, "clientInfo": who });
            client.request("initialize", "", &params.to_string()).await?;
            let initialized = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            client.send_bytes(initialized);
        }
        Some(client)
    }

    /// Calls a tool and waits for the answer.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        self.call_text(tool, &arguments.to_string()).await
    }

    /// [`call`](Self::call) with arguments as they are to stand in the message.
    pub(crate) async fn call_text(&self, tool: &str, arguments: &str) -> Outcome {
        let answer = in_time(tool, self.start_text(tool, arguments)).await;
        answer.unwrap_or_else(|| panic!("{}: the connection ended during {tool}", self.name))
    }

    /// Sends a call at once, behind all that was sent before, and leaves the answer for later.
    pub(crate) fn start(&self, tool: &str, arguments: &Value) -> Pending {
        self.start_text(tool, &arguments.to_string())
    }

    fn start_text(&self, tool: &str, arguments: &str) -> Pending {
        if let Wire::Command(command) = &self.wire {
            let answer = command.call(tool, arguments);
            return Box::pin(async { answer.await.map(Outcome::of) });
        }
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments}{}}}"#, self.meta());
        let answer = self.request("tools/call", tool, &params);
        Box::pin(async { answer.await.map(Outcome::of) })
    }

    /// What `tools/list` says of the tools.
    pub(crate) async fn tools(&self) -> Vec<Value> {
        let params = format!("{{{}}}", self.meta().trim_start_matches(','));
        let answer = in_time("tools/list", self.request("tools/list", "", &params)).await;
        let tools = answer.expect("the server lives")["result"]["tools"].take();
        serde_json::from_value(tools).expect("a list of tools")
    }

    fn request(&self, method: &str, name: &str, params: &str) -> BoxFuture<'static, Option<Value>> {
        let id = self.next_id();
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        match &self.wire {
            Wire::Stdio(wire) => wire.send(id, message),
            Wire::Sse(wire) => wire.send(id, message),
            Wire::Streamable(wire) => wire.send(method, name, message),
            Wire::Command(_) => panic!("{} makes calls alone", self.name),
        }
    }

    /// An id that no request of this client has.
    pub(crate) fn next_id(&self) -> i64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What every request of the stateless era carries.
    fn meta(&self) -> String {
        if self.era == Era::Initialize {
            return String::new();
        }
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": self.era.version(),
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        format!(r#","_meta":{meta}"#)
    }

    /// Sends bytes as one message, whatever they are, and waits for an answer that nobody else awaits.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Unaddressed {
        match &self.wire {
            Wire::Stdio(wire) => wire.raw(bytes).await,
            Wire::Sse(wire) => wire.raw(bytes).await,
            Wire::Streamable(wire) => wire.raw(bytes).await,
            Wire::Command(_) => panic!("{} makes calls alone", self.name),
        }
    }

    /// The next message that nobody waits for, on a connection that has such.
    pub(crate) async fn unaddressed(&self) -> Value {
        match &self.wire {
            Wire::Stdio(wire) => wire.unaddressed().await,
            Wire::Sse(wire) => wire.unaddressed().await,
            Wire::Streamable(_) | Wire::Command(_) => panic!("{} answers only what it was asked", self.name),
        }
    }

    /// Sends bytes as one message and waits for nothing.
    pub(crate) fn send_bytes(&self, bytes: &[u8]) {
        match &self.wire {
            Wire::Stdio(wire) => wire.send_bytes(bytes),
            Wire::Sse(wire) => drop(wire.post(bytes)),
            Wire::Streamable(wire) => drop(wire.post("notifications/initialized", "", bytes)),
            Wire::Command(_) => panic!("{} makes calls alone", self.name),
        }
    }

    /// The process of a client over stdio.
    pub(crate) fn process(&mut self) -> &mut Stdio {
        match &mut self.wire {
            Wire::Stdio(wire) => wire,
            _ => panic!("{} has no process", self.name),
        }
    }
}

impl Outcome {
    fn of(raw: Value) -> Self {
        let text = raw.pointer("/result/content/0/text").or_else(|| raw.pointer("/error/message"));
        Self {
            text: text.and_then(Value::as_str).unwrap_or_default().to_owned(),
            structured: raw.pointer("/result/structuredContent").cloned().unwrap_or_default(),
            is_error: raw.get("result").is_none_or(|result| result["isError"] == true),
            raw,
        }
    }

    /// The answer of a call that must have gone well.
    pub(crate) fn ok(self) -> Value {
        assert!(!self.is_error, "refused: {}", self.raw);
        self.structured
    }

    /// The problem of a call that must have been refused as a result that a model can read.
    pub(crate) fn problem(&self) -> Value {
        assert!(self.is_error && self.raw.get("result").is_some(), "not a refusal: {}", self.raw);
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not a problem: {}", self.raw))
    }
}

/// The value of `work`, or a panic that says what did not come.
pub(crate) async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(DEADLINE, work).await;
    outcome.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for {what}"))
}

/// A body that should be JSON; what isn't is shown as text.
fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
