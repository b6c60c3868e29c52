//! Just enough of HTTP/1.1 to make calls that cost the machine little beside the answers.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::Caller;
use crate::payload;

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TcpStream,
    host: SocketAddr,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(host: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host, received: Vec::new() })
    }

    /// The bytes that post `body` to `path`.
    pub(crate) fn request(&self, path: &str, body: &str) -> Vec<u8> {
        let (host, protocol, length) = (self.host, payload::PROTOCOL, body.len());
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: {protocol}\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// The bytes that get `path`.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host).into_bytes()
    }

    /// Sends a request and reads its response, which must be a success: the body.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<&str> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let (head, length) = loop {
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server closed the connection");
            if let Some(head) = end_of_head(&self.received) {
                break (head, length(&self.received[..head])?);
            }
        };
        while self.received.len() < head + length {
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server closed the connection");
        }
        let response = std::str::from_utf8(&self.received)?;
        ensure!(response.starts_with("HTTP/1.1 2"), "the server refused: {response}");
        response.get(head..).context("the response has no body")
    }

    /// Posts a message to `/mcp`, whose answer must be a success.
    pub(crate) async fn call(&mut self, message: &str) -> Result<()> {
        let request = self.request("/mcp", message);
        check(self.exchange(&request).await?)
    }

    /// Asks for a stream that does not end; what is sent over it comes from [`read`](Self::read).
    pub(crate) async fn subscribe(&mut self, path: &str) -> Result<()> {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n\r\n", self.host);
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// What of a stream has arrived and was not taken, after waiting for more of it.
    pub(crate) async fn read(&mut self) -> Result<&mut Vec<u8>> {
        ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server ended the stream");
        Ok(&mut self.received)
    }

    /// What of a stream has arrived and was not taken.
    pub(crate) fn received(&mut self) -> &mut Vec<u8> {
        &mut self.received
    }
}

/// Calls `log_event` on `/mcp`, one call after the other.
pub(crate) struct Http {
    connection: Connection,
    request: Vec<u8>,
}

impl Http {
    pub(crate) async fn open(host: SocketAddr, call: &str) -> Result<Self> {
        let connection = Connection::open(host).await?;
        let request = connection.request("/mcp", &payload::message(1, call));
        Ok(Self { connection, request })
    }
}

#[async_trait]
impl Caller for Http {
    async fn call_until(&mut self, until: Instant) -> Result<u64> {
        let mut answered = 0;
        while Instant::now() < until {
            check(self.connection.exchange(&self.request).await?)?;
            answered += 1;
        }
        Ok(answered)
    }
}

/// An answer that is no success ends the run: refusals are fast.
pub(crate) fn check(answer: &str) -> Result<()> {
    ensure!(payload::is_success(answer), "a call failed: {answer}");
    Ok(())
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    let field = head.lines().filter_map(|line| line.split_once(':'));
    let mut length = field.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.next().with_context(|| format!("a response without a length: {head}"))?;
    Ok(length.trim().parse()?)
}
