//! A caller over the legacy transport: a stream for the answers, a connection for the calls.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result};
use async_trait::async_trait;

use crate::http::{Connection, check};
use crate::load::Caller;
use crate::payload;

/// One session, with one call in flight.
pub(crate) struct Sse {
    stream: Connection,
    posts: Connection,
    request: Vec<u8>,
}

impl Sse {
    pub(crate) async fn open(host: SocketAddr, call: &str) -> Result<Self> {
        let mut stream = Connection::open(host).await?;
        let posts = Connection::open(host).await?;
        stream.subscribe("/sse").await?;
        let endpoint = next_event(&mut stream).await?;
        let mut sse = Self { request: posts.request(&endpoint, &payload::message(1, call)), stream, posts };
        let initialize = sse.posts.request(&endpoint, &payload::initialize());
        sse.call(&initialize).await?;
        let initialized = sse.posts.request(&endpoint, &payload::initialized());
        sse.posts.exchange(&initialized).await?;
        Ok(sse)
    }

    async fn call(&mut self, request: &[u8]) -> Result<()> {
        self.posts.exchange(request).await?;
        check(&next_event(&mut self.stream).await?)
    }
}

#[async_trait]
impl Caller for Sse {
    async fn call_until(&mut self, until: Instant) -> Result<u64> {
        let request = std::mem::take(&mut self.request);
        let mut answered = 0;
        while Instant::now() < until {
            self.call(&request).await?;
            answered += 1;
        }
        self.request = request;
        Ok(answered)
    }
}

/// The data of the next event. Messages hold no line feed, so an empty line ends an event; the frames of the
/// chunked encoding lie between events.
async fn next_event(stream: &mut Connection) -> Result<String> {
    loop {
        if let Some(data) = take_event(stream.received())? {
            return Ok(data);
        }
        stream.read().await?;
    }
}

/// Takes events up to one with data from the front.
fn take_event(received: &mut Vec<u8>) -> Result<Option<String>> {
    while let Some(end) = received.windows(2).position(|window| window == b"\n\n") {
        let event: Vec<u8> = received.drain(..end + 2).collect();
        let event = std::str::from_utf8(&event).context("an event is not text")?;
        if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data:")) {
            return Ok(Some(data.trim().to_owned()));
        }
    }
    Ok(None)
}
