//! rmcp's `Transport` over a pair of byte streams.

use std::collections::VecDeque;
use std::io;

use futures::StreamExt;
use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::codec::FramedRead;

use super::lines::{Line, Lines};
use crate::mcp::connection::{Connection, Received};
use crate::mcp::wire::{MAX_MESSAGE_BYTES, Rejection};

/// How many answers may wait to be written before nothing more is read. Generous, because a simple
/// client writes all its calls before it reads the first answer.
const OUTBOX: usize = 4_096;

/// How many answers are written in one go.
const BURST: usize = 64;

/// The reading half, and the way to the task that writes.
pub(super) struct Stdio<R> {
    lines: FramedRead<R, Lines>,
    connection: Connection,
    ready: VecDeque<ClientJsonRpcMessage>,
    /// An answer that `receive` owes; kept here because `receive` may be cancelled while it sends.
    owed: Option<Vec<u8>>,
    outbox: Option<mpsc::Sender<Vec<u8>>>,
}

impl<R: AsyncRead + Send + Unpin> Stdio<R> {
    /// The transport and its writer, which ends when the transport is closed and all is written.
    pub(super) fn new<W>(input: R, output: W) -> (Self, JoinHandle<io::Result<()>>)
    where
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (outbox, messages) = mpsc::channel(OUTBOX);
        let transport = Self {
            lines: FramedRead::new(input, Lines::new(MAX_MESSAGE_BYTES)),
            connection: Connection::default(),
            ready: VecDeque::new(),
            owed: None,
            outbox: Some(outbox),
        };
        (transport, tokio::spawn(write_all(messages, output)))
    }

    fn take(&mut self, line: &Line) {
        let received = match line {
            Line::TooLong => {
                Received { answer: Some(Rejection::too_large().to_json()), ..Received::default() }
            }
            Line::Whole(bytes) => match bytes.trim_ascii() {
                [] => return,
                bytes => self.connection.receive(bytes),
            },
        };
        self.ready.extend(received.deliver);
        self.owed = received.answer.map(|answer| line_of(&answer));
    }
}

impl<R: AsyncRead + Send + Unpin> Transport<RoleServer> for Stdio<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let line = self.connection.answer(&message).map(|answer| line_of(&answer));
        let outbox = self.outbox.clone();
        async move {
            let (Some(line), Some(outbox)) = (line, outbox) else { return Ok(()) };
            outbox.send(line).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let outbox = self.outbox.clone()?;
            // No more is read than can be answered: a client that only writes must wait in the end.
            let room = outbox.reserve().await.ok()?;
            if let Some(line) = self.owed.take() {
                room.send(line);
            } else {
                drop(room);
            }
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            let line = tokio::select! {
                line = self.lines.next() => line?,
                // Nobody reads the answers any more.
                () = outbox.closed() => return None,
            };
            match line {
                Ok(line) => self.take(&line),
                Err(error) => {
                    tracing::debug!(%error, "the input can't be read");
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.outbox = None;
        Ok(())
    }
}

fn line_of(answer: &serde_json::Value) -> Vec<u8> {
    let mut line = answer.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Writes what waits in one go, so that a burst of answers costs one system call.
async fn write_all<W>(mut messages: mpsc::Receiver<Vec<u8>>, mut output: W) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut waiting = Vec::with_capacity(BURST);
    while messages.recv_many(&mut waiting, BURST).await > 0 {
        output.write_all(&waiting.concat()).await?;
        output.flush().await?;
        waiting.clear();
    }
    Ok(())
}
