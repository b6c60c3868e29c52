use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::Request;
use axum::http::header;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tower::ServiceExt;

use super::*;
use crate::http::testing::open_gate;

#[derive(Clone)]
struct Nothing;

impl ServerHandler for Nothing {}

fn check(ready: bool) -> ReadinessCheck {
    let readiness = Readiness { ready, store: "memory".to_owned(), durability: "none" };
    Arc::new(move || {
        let readiness = readiness.clone();
        async move { readiness }.boxed()
    })
}

fn guard() -> Guard {
    Guard::new("127.0.0.1:8080".parse().unwrap(), &[], &[])
}

async fn send(ready: bool, stop: &CancellationToken, request: Request) -> (StatusCode, Value) {
    let routes = routes(Nothing, check(ready), stop, &CancellationToken::new());
    let response = guarded(routes, guard(), open_gate().await).oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()))
}

fn get(path: &str) -> Request {
    Request::get(path).header(header::HOST, "localhost:1").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn health_is_always_well_and_readiness_depends() {
    let stop = CancellationToken::new();
    let ready = json!({ "ready": true, "store": "memory", "durability": "none" });
    assert_eq!(send(false, &stop, get("/health")).await, (StatusCode::OK, json!({ "status": "ok" })));
    assert_eq!(send(true, &stop, get("/ready")).await, (StatusCode::OK, ready));
    assert_eq!(send(false, &stop, get("/ready")).await.0, StatusCode::SERVICE_UNAVAILABLE);
    stop.cancel();
    assert_eq!(send(true, &stop, get("/ready")).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(send(true, &stop, get("/health")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_nowhere_is_a_problem() {
    let stop = CancellationToken::new();
    let (status, problem) = send(true, &stop, get("/nothing")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("INVALID_ARGUMENT")));
    let (status, page) = send(true, &stop, get("/")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.as_str().unwrap().contains("/mcp"));
    assert_eq!(send(true, &stop, get("/messages")).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn every_route_is_guarded() {
    let stop = CancellationToken::new();
    for path in ["/", "/mcp", "/sse", "/messages", "/health", "/ready", "/nothing"] {
        for (name, value) in [("host", "localhost.evil"), ("host", "evil:8080")] {
            let request = Request::get(path).header(name, value).body(Body::empty()).unwrap();
            let (status, problem) = send(true, &stop, request).await;
            assert_eq!((status, &problem["field"]), (StatusCode::FORBIDDEN, &json!("Host")), "{path}");
        }
        for origin in ["null", "https://evil.example"] {
            let request = Request::get(path).header(header::HOST, "localhost").header(header::ORIGIN, origin);
            let (status, problem) = send(true, &stop, request.body(Body::empty()).unwrap()).await;
            assert_eq!((status, &problem["field"]), (StatusCode::FORBIDDEN, &json!("Origin")), "{path}");
        }
        let absolute = Request::get(format!("http://evil{path}")).header(header::HOST, "localhost");
        assert_eq!(send(true, &stop, absolute.body(Body::empty()).unwrap()).await.0, StatusCode::FORBIDDEN);
        let none = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(send(true, &stop, none).await.0, StatusCode::FORBIDDEN);
    }
}

async fn panics() -> StatusCode {
    panic!("what an agent wrote")
}

#[tokio::test]
async fn a_panic_is_an_internal_error() {
    let router =
        Router::new().route("/", axum::routing::get(panics)).layer(CatchPanicLayer::custom(|_| panicked()));
    let response: Response = router.oneshot(get("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

/// A server on a port of its own.
struct Running {
    address: std::net::SocketAddr,
    shutdown: oneshot::Sender<()>,
    closed: Arc<AtomicBool>,
    server: tokio::task::JoinHandle<io::Result<Ended>>,
}

async fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, asked) = oneshot::channel();
    let closed = Arc::new(AtomicBool::new(false));
    let close = Arc::clone(&closed);
    let close = async move { close.store(true, Ordering::SeqCst) }.boxed();
    let gate = open_gate().await;
    let app = App { handler: Nothing, readiness: check(true), close, guard: guard(), gate, tls: None };
    let server = tokio::spawn(serve(listener, app, asked.map(|_| ())));
    Running { address, shutdown, closed, server }
}

async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = vec![0; 16 * 1024];
    let length = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn the_end_closes_streams_and_idle_connections_and_then_the_store() {
    let running = start().await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    assert!(
        ask(&mut idle, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.starts_with("HTTP/1.1 200")
    );
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    assert!(
        ask(&mut stream, "GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n").await.contains("text/event-stream")
    );
    running.shutdown.send(()).unwrap();
    assert_eq!(running.server.await.unwrap().unwrap(), Ended::Drained);
    assert!(running.closed.load(Ordering::SeqCst));
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn bad_requests_are_refused_before_any_route() {
    let running = start().await;
    let many = "X-Many: 1\r\n".repeat(200);
    let long = format!("X-Long: {}\r\n", "x".repeat(100 * 1024));
    for headers in [many.as_str(), long.as_str(), "Content-Length: 1\r\nContent-Length: 2\r\n"] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let answer =
            ask(&mut stream, &format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    running.shutdown.send(()).unwrap();
    running.server.await.unwrap().unwrap();
}
