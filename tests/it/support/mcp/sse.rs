//! The client's side of HTTP+SSE: a stream of answers, and posts on a connection of their own.

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::inbox::Inbox;
use super::{Unaddressed, in_time};
use crate::support::http::{self, Connection, Response};

const ACCEPTED: u16 = 202;

pub(crate) struct Sse {
    posts: Connection,
    path: String,
    inbox: Inbox,
    unclaimed: Mutex<mpsc::UnboundedReceiver<Value>>,
    stream: JoinHandle<()>,
}

impl Sse {
    /// Opens a session with the server at `address`; `None` if it can't be reached.
    pub(super) async fn open(address: &str) -> Option<Self> {
        let (reader, mut writer) = TcpStream::connect(address).await.ok()?.into_split();
        let mut request = http::head("GET", "/sse", &["Accept: text/event-stream"]);
        request.extend(b"\r\n");
        writer.write_all(&request).await.ok()?;
        let mut reader = BufReader::new(reader);
        let head = http::Head::read(&mut reader).await.ok()?;
        assert_eq!(head.status, 200, "GET /sse");
        let (inbox, unclaimed) = Inbox::new();
        let (endpoint, path) = oneshot::channel();
        let events = inbox.clone();
        let stream = tokio::spawn(async move {
            // The server ends the session when this half of the connection is closed.
            let _open = writer;
            read(reader, endpoint, &events).await;
            events.close();
        });
        let path = path.await.ok()?;
        let posts = Connection::open(address).await.ok()?;
        Some(Self { posts, path, inbox, unclaimed: Mutex::new(unclaimed), stream })
    }

    pub(super) fn send(&self, id: i64, message: String) -> BoxFuture<'static, Option<Value>> {
        let answered = self.inbox.expect(id);
        let posted = self.post(message.as_bytes());
        let refused = async {
            match posted.await {
                Some(response) if response.status == ACCEPTED => std::future::pending().await,
                refusal => refusal.map(|response| super::json(&response.body)),
            }
        };
        Box::pin(async {
            tokio::select! {
                answer = answered => answer.ok(),
                refusal = refused => refusal,
            }
        })
    }

    pub(super) async fn raw(&self, bytes: &[u8]) -> Unaddressed {
        let response = in_time("an answer to a post", self.post(bytes)).await.expect("the server lives");
        if response.status != ACCEPTED {
            return Unaddressed { status: Some(response.status), body: super::json(&response.body) };
        }
        Unaddressed { status: None, body: self.unaddressed().await }
    }

    pub(super) async fn unaddressed(&self) -> Value {
        let message = in_time("a message for nobody", self.unclaimed.lock().await.recv()).await;
        message.expect("the stream lives")
    }

    /// Posts one message, behind those posted before.
    pub(super) fn post(&self, bytes: &[u8]) -> impl Future<Output = Option<Response>> + Send + use<> {
        self.posts.send(http::post(&self.path, &["Content-Type: application/json"], bytes))
    }

    /// Where messages are posted to.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for Sse {
    fn drop(&mut self) {
        self.stream.abort();
    }
}

/// Hands on the events of a stream, the first of which names where to post.
async fn read(mut reader: BufReader<OwnedReadHalf>, endpoint: oneshot::Sender<String>, inbox: &Inbox) {
    let mut endpoint = Some(endpoint);
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = http::chunk(&mut reader).await {
        text.extend(chunk);
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            let event = String::from_utf8(event).expect("events are utf-8");
            let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
            match endpoint.take() {
                Some(endpoint) => drop(endpoint.send(data.to_owned())),
                None => inbox.deliver(data),
            }
        }
    }
}
