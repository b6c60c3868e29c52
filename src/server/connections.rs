//! The connections: taken, limited, and ended.
//!
//! `axum::serve` has no time-out for headers and can't say which connections are left at the end, so
//! this is its loop with the two added, for HTTP/1.1 alone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::Tls;
use super::patience::Patient;
use crate::http::{Peer, Stalled};

/// How long the headers of a request may take. It also ends a kept-alive connection that is idle, so
/// it is not shorter than the idle time that HTTP clients assume.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How much the headers of a request may take in all.
const HEADER_BYTES: usize = 16 * 1024;

/// How many headers a request may have.
const HEADERS: usize = 100;

/// How long a client may take to agree on how to encrypt.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the process is short of when `accept` fails is not there again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long what was sent may go unacknowledged before the client counts as gone: longer than [`Limits::patience`],
/// which ends what still answers and takes nothing.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MS: u32 = 60_000;

/// What connections are allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many may be open at once; further ones wait to be taken.
    pub(super) open: usize,
    /// How long a client may take nothing of what is sent.
    pub(super) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { open: 10_000, patience: Duration::from_secs(30) }
    }
}

/// Lets this process have as many files and sockets open as the system allows it, which is often ten times what it
/// is given at first.
pub fn open_many() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the limit of open files can't be raised");
        }
    }
}

/// The connections that were taken and may still be open.
pub(super) struct Connections(GracefulShutdown);

/// Takes connections until `shutdown` is ready.
pub(super) async fn accept(
    listener: &TcpListener,
    tls: Option<&Arc<Tls>>,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Connections {
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS)
        .max_header_size(HEADER_BYTES);
    let ending = CancellationToken::new();
    let _ended = ending.clone().drop_guard();
    let places = Arc::new(Semaphore::new(limits.open));
    tokio::pin!(shutdown);
    loop {
        // Taken before the connection, so that those beyond the limit wait outside and cost nothing.
        let take = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            taken = take => taken,
            () = &mut shutdown => return Connections(graceful),
        };
        match accepted {
            Ok((stream, address)) => {
                let router = router.clone();
                let (http, watcher, ending) = (http.clone(), graceful.watcher(), ending.clone());
                let patience = limits.patience;
                let connection = Accepted { http, address, router, watcher, ending, patience };
                let tls = tls.cloned();
                tokio::spawn(async move {
                    connection.serve(stream, tls).await;
                    drop(place);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection that was just taken.
struct Accepted {
    http: http1::Builder,
    address: SocketAddr,
    router: Router,
    watcher: Watcher,
    /// Cancelled once no connection is taken any more.
    ending: CancellationToken,
    patience: Duration,
}

impl Accepted {
    async fn serve(self, stream: TcpStream, tls: Option<Arc<Tls>>) {
        // With Nagle's algorithm on, an answer that is written in two parts takes 44 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY can't be set");
        }
        // Who has vanished acknowledges nothing; the system alone would try for a quarter of an hour.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNACKNOWLEDGED_MS) {
            tracing::debug!(%error, "TCP_USER_TIMEOUT can't be set");
        }
        let stalled = Stalled::default();
        let stream = Patient::new(stream, self.patience, stalled.clone());
        let Some(tls) = tls else { return self.answer(stream, stalled, false).await };
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(stream));
        match self.ending.run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => self.answer(stream, stalled, true).await,
            Some(Ok(Err(error))) => tracing::debug!(%error, "a client could not agree on how to encrypt"),
            Some(Err(_)) => tracing::debug!("a client took too long to agree on how to encrypt"),
            // It has asked for nothing yet.
            None => {}
        }
    }

    async fn answer(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        stalled: Stalled,
        encrypted: bool,
    ) {
        let peer = Peer { address: self.address.ip().to_canonical(), encrypted };
        let service = self.router.map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(stalled.clone());
            request
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::trace!(%error, "a connection broke");
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

impl Connections {
    /// Ends idle connections and waits for the others.
    pub(super) async fn drain(self, timeout: Duration) -> super::Ended {
        let open = self.0.count();
        match tokio::time::timeout(timeout, self.0.shutdown()).await {
            Ok(()) => super::Ended::Drained,
            Err(_) => super::Ended::CutOff(open),
        }
    }
}
