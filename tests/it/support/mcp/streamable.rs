//! The client's side of streamable HTTP: a request for each message, on one connection, so in order.

use std::sync::Mutex;

use futures::future::BoxFuture;
use serde_json::Value;

use super::{Era, Unaddressed, in_time};
use crate::support::http::{self, Connection, Response};

const COMMON: [&str; 2] = ["Content-Type: application/json", "Accept: application/json, text/event-stream"];

pub(crate) struct Streamable {
    address: String,
    era: Era,
    connection: Mutex<Connection>,
}

impl Streamable {
    /// Connects to `address`; `None` if it can't be reached.
    pub(super) async fn open(address: &str, era: Era) -> Option<Self> {
        let connection = Mutex::new(Connection::open(address).await.ok()?);
        Some(Self { address: address.to_owned(), era, connection })
    }

    pub(super) fn send(
        &self,
        method: &str,
        name: &str,
        message: String,
    ) -> BoxFuture<'static, Option<Value>> {
        let posted = self.post(method, name, message.as_bytes());
        Box::pin(async { posted.await.map(|response| super::json(&response.body)) })
    }

    pub(super) async fn raw(&self, bytes: &[u8]) -> Unaddressed {
        // A refusal may have ended the connection, as HTTP allows.
        if !self.connection.lock().unwrap().is_open() {
            let connection = Connection::open(&self.address).await.expect("the server lives");
            *self.connection.lock().unwrap() = connection;
        }
        let posted = self.post("tools/call", "log_event", bytes);
        let response = in_time("an answer to a post", posted).await.expect("the server lives");
        Unaddressed { status: Some(response.status), body: super::json(&response.body) }
    }

    pub(super) fn post(
        &self,
        method: &str,
        name: &str,
        bytes: &[u8],
    ) -> impl Future<Output = Option<Response>> + Send + use<> {
        let headers = headers(self.era, method, name);
        let mut lines: Vec<&str> = COMMON.to_vec();
        lines.extend(headers.iter().map(String::as_str));
        self.connection.lock().unwrap().send(http::post("/mcp", &lines, bytes))
    }
}

/// The header lines that the era asks for beside the media types.
fn headers(era: Era, method: &str, name: &str) -> Vec<String> {
    let mut headers = vec![format!("MCP-Protocol-Version: {}", era.version())];
    if era == Era::Stateless {
        headers.push(format!("Mcp-Method: {method}"));
        if !name.is_empty() {
            headers.push(format!("Mcp-Name: {name}"));
        }
    }
    headers
}
