//! rmcp's `Transport` over the two channels of a session.

use std::io;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::mcp::connection::Connection;

/// The way to the client's stream.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    events: mpsc::Sender<String>,
    /// Ends the session of a client that does not read.
    stop: CancellationToken,
    stall: Duration,
}

impl Outbox {
    pub(super) fn new(events: mpsc::Sender<String>, stop: CancellationToken, stall: Duration) -> Self {
        Self { events, stop, stall }
    }

    /// Sends an event; a client that leaves the channel full for too long is cut off.
    pub(super) async fn send(&self, data: String) -> io::Result<()> {
        match self.events.send_timeout(data, self.stall).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                self.cut_off();
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }

    /// Waits until an answer could be sent; `false` once the client is gone or cut off.
    async fn has_room(&self) -> bool {
        if self.events.capacity() > 0 {
            return !self.events.is_closed();
        }
        if let Ok(room) = tokio::time::timeout(self.stall, self.events.reserve()).await {
            return room.is_ok();
        }
        self.cut_off();
        false
    }

    fn cut_off(&self) {
        tracing::debug!("an SSE client does not read its stream and is cut off");
        self.stop.cancel();
    }
}

/// One session as rmcp sees it.
pub(super) struct SseTransport {
    from_client: mpsc::Receiver<ClientJsonRpcMessage>,
    connection: Connection,
    outbox: Option<Outbox>,
}

impl SseTransport {
    pub(super) fn new(
        from_client: mpsc::Receiver<ClientJsonRpcMessage>,
        connection: Connection,
        outbox: Outbox,
    ) -> Self {
        Self { from_client, connection, outbox: Some(outbox) }
    }
}

impl Transport<RoleServer> for SseTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let data = self.connection.answer(&message);
        let outbox = self.outbox.clone();
        async move {
            let (Some(data), Some(outbox)) = (data, outbox) else { return Ok(()) };
            outbox.send(data.to_string()).await
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        // No more is taken than can be answered, or the answers of a client that does not read pile up.
        if !self.outbox.as_ref()?.has_room().await {
            return None;
        }
        self.from_client.recv().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.from_client.close();
        self.outbox = None;
        Ok(())
    }
}
