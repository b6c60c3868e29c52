//! MCP over standard input and output: one message a line.
//!
//! rmcp has such a transport; this one also answers what can't be read, names the limit of a line,
//! keeps the order of calls, and writes many answers at once when they come at once. Lines may end in
//! CRLF and may be blank. Standard output carries nothing but MCP.

mod lines;
mod transport;

use std::io;
use std::time::Duration;

use rmcp::service::{QuitReason, RunningService, ServerInitializeError};
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use transport::Stdio;

/// How long the last answers may take to be written once the conversation is over; a client that
/// has stopped reading must not keep the process.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// How a conversation over stdio came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client closed its side, and everything that it sent was answered.
    ByClient,
    /// The token was cancelled.
    Cancelled,
}

/// Serves `handler` until the input ends or `stop` is cancelled.
///
/// Use [`rmcp::transport::stdio_pipes`] for the two ends, on a current-thread runtime.
pub async fn serve<H, R, W>(handler: H, input: R, output: W, stop: CancellationToken) -> io::Result<Ended>
where
    H: ServerHandler,
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (transport, writer) = Stdio::new(input, output);
    let ended = match handler.serve_with_ct(transport, stop).await {
        Ok(running) => wait(running).await,
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(Ended::ByClient),
        Err(ServerInitializeError::Cancelled) => Ok(Ended::Cancelled),
        Err(error) => {
            // The error's own text quotes the client's message.
            tracing::debug!(error = std::any::type_name_of_val(&error), "the client did not initialize");
            Err(io::Error::other("the client ended the conversation before it began"))
        }
    };
    match tokio::time::timeout(FLUSH_TIMEOUT, writer).await {
        Ok(Ok(Err(error))) if ended.is_ok() && error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => ended,
    }
}

async fn wait<H: ServerHandler>(running: RunningService<RoleServer, H>) -> io::Result<Ended> {
    match running.waiting().await.map_err(io::Error::other)? {
        QuitReason::Cancelled => Ok(Ended::Cancelled),
        QuitReason::JoinError(error) => Err(io::Error::other(error)),
        _ => Ok(Ended::ByClient),
    }
}

#[cfg(test)]
mod tests;
