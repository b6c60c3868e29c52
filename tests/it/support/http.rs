//! HTTP/1.1 as bytes: a connection that sends what it is told to, several requests ahead of their answers.
//!
//! A real client would refuse to send half of what the tests must send, and would spread requests over
//! connections, where they have no order.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// One connection. Requests go out in order and at once; answers come back in the same order.
#[derive(Clone)]
pub(crate) struct Connection {
    outbox: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Who waits for an answer; `None` once the connection is gone.
type Waiting = Option<VecDeque<oneshot::Sender<Response>>>;

impl Connection {
    /// Connects to `address`, such as `127.0.0.1:8080`.
    pub(crate) async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let (outbox, requests) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(Some(VecDeque::new())));
        tokio::spawn(write(writer, requests));
        tokio::spawn(read(reader, Arc::clone(&waiting)));
        Ok(Self { outbox, waiting })
    }

    /// Sends the bytes of one request, now; `None` if the connection ends before its answer.
    pub(crate) fn send(&self, request: Vec<u8>) -> impl Future<Output = Option<Response>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap();
        if let Some(queue) = waiting.as_mut() {
            queue.push_back(answer);
            // Under the lock, so that the order of senders is the order of requests.
            self.outbox.send(request).ok();
        }
        async { answered.await.ok() }
    }

    /// Sends bytes that begin or go on with a request whose answer was asked for before.
    pub(crate) fn push(&self, bytes: Vec<u8>) {
        self.outbox.send(bytes).ok();
    }

    pub(crate) fn is_open(&self) -> bool {
        self.waiting.lock().unwrap().is_some()
    }
}

/// The bytes of a `POST` with these header lines.
pub(crate) fn post(path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut request = head("POST", path, headers);
    request.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
    request.extend(body);
    request
}

/// The first lines of a request, which an empty line is to end.
pub(crate) fn head(method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.into_bytes()
}

async fn write(mut writer: OwnedWriteHalf, mut requests: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(request) = requests.recv().await {
        if writer.write_all(&request).await.is_err() {
            return;
        }
    }
}

async fn read(reader: OwnedReadHalf, waiting: Arc<Mutex<Waiting>>) {
    let mut reader = BufReader::new(reader);
    while let Ok(head) = Head::read(&mut reader).await {
        let Ok(body) = head.body(&mut reader).await else { break };
        let next = waiting.lock().unwrap().as_mut().and_then(VecDeque::pop_front);
        if let Some(answer) = next {
            answer.send(Response { status: head.status, body }).ok();
        }
        if head.is_last {
            break;
        }
    }
    waiting.lock().unwrap().take();
}

/// What stands before a body.
pub(crate) struct Head {
    pub(crate) status: u16,
    length: Option<usize>,
    is_chunked: bool,
    is_last: bool,
}

impl Head {
    pub(crate) async fn read(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Self> {
        let status = line(reader).await?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let mut head = Self { status, length: None, is_chunked: false, is_last: false };
        loop {
            let header = line(reader).await?.to_ascii_lowercase();
            let Some((name, value)) = header.split_once(':') else { return Ok(head) };
            match (name, value.trim()) {
                ("content-length", value) => head.length = value.parse().ok(),
                ("transfer-encoding", "chunked") => head.is_chunked = true,
                ("connection", "close") => head.is_last = true,
                _ => {}
            }
        }
    }

    async fn body(&self, reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self.is_chunked {
            while let Some(chunk) = chunk(reader).await? {
                body.extend(chunk);
            }
        } else {
            body.resize(self.length.unwrap_or_default(), 0);
            reader.read_exact(&mut body).await?;
        }
        Ok(body)
    }
}

/// The next chunk of a chunked body; `None` at its end.
pub(crate) async fn chunk(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Vec<u8>>> {
    let size = usize::from_str_radix(line(reader).await?.trim(), 16);
    let mut chunk = vec![0; size.map_err(|_| io::ErrorKind::InvalidData)?];
    reader.read_exact(&mut chunk).await?;
    line(reader).await?;
    Ok((!chunk.is_empty()).then_some(chunk))
}

async fn line(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
