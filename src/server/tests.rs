use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::Request;
use axum::http::header;
use axum::http::request::Builder;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower::ServiceExt;

use super::*;

mod limits;
mod stalled;

use crate::http::testing::open_gate;
use crate::http::{Peer, Route};
use crate::model::{Scope, Scopes};
use crate::service::{AccessOptions, NewKey, testing};
use crate::{api, scrape};

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
    let answered = CancellationToken::new();
    let routes = routes(Nothing, check(ready), Routes::default(), &Arc::default(), stop, &answered);
    let response = behind(open_gate().await, routes).oneshot(request).await.unwrap();
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

/// Every route there is, as the server serves them.
async fn all_routes(stop: &CancellationToken) -> Routes {
    let service = Arc::new(testing::service().await);
    let surfaces = scrape::routes(Arc::clone(&service)).merge(api::routes(service));
    routes(Nothing, check(true), surfaces, &Arc::default(), stop, &CancellationToken::new())
}

fn behind(gate: Gate, routes: Routes) -> Router {
    guarded(routes, guard(), gate, Arc::default())
}

/// A request that `route` would take.
fn request_for(route: &Route) -> axum::http::request::Builder {
    let method = if route.method == "any" { "POST" } else { route.method };
    Request::builder().method(method).uri(route.path).header(header::HOST, "localhost")
}

#[tokio::test]
async fn every_route_is_guarded() {
    let stop = CancellationToken::new();
    let table = all_routes(&stop).await.table().to_vec();
    let nothing = Route { method: "GET", path: "/nothing", rule: Rule::Open };
    for route in table.iter().chain([&nothing]) {
        let path = route.path;
        let ask = async |name: &str, value: &str| {
            let mut request = request_for(route).body(Body::empty()).unwrap();
            let name: header::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
            let router = behind(open_gate().await, all_routes(&stop).await);
            let response = router.oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path} {value}");
            let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            serde_json::from_slice::<Value>(&bytes).unwrap()["field"].clone()
        };
        for host in ["localhost.evil", "evil:8080", "LOCALHOST.evil", "[::2]:80", "127.0.0.1.evil"] {
            assert_eq!(ask("host", host).await, "Host", "{path}");
        }
        for origin in ["null", "https://evil.example", "http://localhost.evil"] {
            assert_eq!(ask("origin", origin).await, "Origin", "{path}");
        }
        let absolute = Request::get(format!("http://evil{path}")).header(header::HOST, "localhost");
        assert_eq!(send(true, &stop, absolute.body(Body::empty()).unwrap()).await.0, StatusCode::FORBIDDEN);
        let none = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(send(true, &stop, none).await.0, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn the_table_of_routes_is_as_it_was() {
    let routes = all_routes(&CancellationToken::new()).await;
    let lines: Vec<String> = routes
        .table()
        .iter()
        .map(|route| format!("{:<5} {:<28} {}", route.method, route.path, route.rule))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn every_route_asks_for_what_its_rule_says() {
    let service = testing::service().await;
    let mut callers: Vec<(Scopes, Option<String>)> = vec![(Scopes::default(), None)];
    for scope in Scope::ALL {
        let scopes = Scopes::from(vec![scope]);
        let asked = NewKey { project: "default".into(), scopes, name: None, lifetime: None };
        let (_, key) = service.create_key(asked).await.unwrap();
        callers.push((scopes, Some(key.reveal())));
    }
    let access = service.access(AccessOptions::default()).await.unwrap();
    let stop = CancellationToken::new();
    for route in all_routes(&stop).await.table() {
        for (scopes, key) in &callers {
            let mut request = request_for(route);
            if let Some(key) = key {
                request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
            }
            let mut request = request.body(Body::empty()).unwrap();
            request.extensions_mut().insert(Peer { address: [127, 0, 0, 1].into(), encrypted: false });
            let gate = Gate::new(Arc::clone(&access), &[], false);
            let response = behind(gate, all_routes(&stop).await).oneshot(request).await.unwrap();
            let challenge =
                response.headers().get(header::WWW_AUTHENTICATE).map(|text| text.to_str().unwrap());
            let (status, path) = (response.status(), route.path);
            match route.rule {
                Rule::Open => {}
                _ if key.is_none() => {
                    assert_eq!((status, challenge), (StatusCode::UNAUTHORIZED, Some("Bearer")), "{path}");
                    continue;
                }
                Rule::Needs(scope) if !scopes.allow(scope) => {
                    let expected = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
                    assert_eq!(
                        (status, challenge),
                        (StatusCode::FORBIDDEN, Some(expected.as_str())),
                        "{path}"
                    );
                    continue;
                }
                Rule::AnyKey | Rule::Needs(_) => {}
            }
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            assert!(!refused && challenge.is_none(), "{path} {status} for {scopes}");
        }
    }
}

#[tokio::test]
async fn keys_travel_in_one_header_and_never_readably() {
    let service = testing::service().await;
    let asked = NewKey { project: "p".into(), scopes: Scopes::all(), name: None, lifetime: None };
    let key = service.create_key(asked).await.unwrap().1.reveal();
    let access = service.access(AccessOptions::default()).await.unwrap();
    let stop = CancellationToken::new();
    let ask = async |peer: Peer, trusted: &[&str], build: &dyn Fn(Builder) -> Builder| {
        let trusted: Vec<_> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let gate = Gate::new(Arc::clone(&access), &trusted, false);
        let request = Request::post("/mcp").header(header::HOST, "localhost");
        let mut request = build(request).body(Body::empty()).unwrap();
        request.extensions_mut().insert(peer);
        let response = behind(gate, all_routes(&stop).await).oneshot(request).await.unwrap();
        response.status()
    };
    let here = Peer { address: [127, 0, 0, 1].into(), encrypted: false };
    let there = Peer { address: [10, 1, 2, 3].into(), encrypted: false };
    let bearer = format!("Bearer {key}");
    let send = |request: Builder| request.header(header::AUTHORIZATION, &bearer);
    // Let in, the empty body is what is wrong.
    assert_eq!(ask(here, &[], &send).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(ask(there, &[], &send).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Peer { encrypted: true, ..there }, &[], &send).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(ask(there, &["10.0.0.0/8"], &send).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(ask(there, &["10.1.2.4/32"], &send).await, StatusCode::UNAUTHORIZED);
    let twice = |request: Builder| send(send(request));
    assert_eq!(ask(here, &[], &twice).await, StatusCode::BAD_REQUEST);
    for other in ["Basic d2c6", "Bearer", "bearer ", "Bearer x y"] {
        let send = |request: Builder| request.header(header::AUTHORIZATION, other);
        assert_eq!(ask(here, &[], &send).await, StatusCode::UNAUTHORIZED, "{other}");
    }
    for query in [format!("x={key}"), "Token=abc".into(), "access_token=abc".into(), format!("%6bey={key}")] {
        let send = |request: Builder| send(request).uri(format!("/mcp?{query}"));
        assert_eq!(ask(here, &[], &send).await, StatusCode::BAD_REQUEST, "{query}");
    }
    // Whoever guesses is told apart by where a trusted proxy says they are, and by nothing that they say themselves.
    let guess = |forwarded: &'static str| {
        move |request: Builder| {
            request.header(header::AUTHORIZATION, "Bearer guess").header("x-forwarded-for", forwarded)
        }
    };
    let here = Peer { address: [127, 0, 0, 2].into(), encrypted: false };
    for _ in 0..20 {
        assert_eq!(ask(there, &["10.0.0.0/8"], &guess("1.2.3.4, 10.9.9.9")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(ask(here, &[], &guess("5.6.7.8")).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(there, &["10.0.0.0/8"], &guess("1.2.3.4")).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(there, &["10.0.0.0/8"], &guess("1.2.3.4, 4.3.2.1")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(here, &[], &guess("8.7.6.5")).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn nothing_sends_clients_to_look_for_an_authorization_server() {
    let stop = CancellationToken::new();
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
        assert_eq!(send(true, &stop, get(path)).await.0, StatusCode::NOT_FOUND);
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
    let app = App {
        handler: Nothing,
        readiness: check(true),
        close,
        guard: guard(),
        gate,
        tls: None,
        metrics: Arc::default(),
        scrape: scrape::routes(Arc::new(testing::service().await)),
        api: Routes::default(),
    };
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
async fn connections_beyond_the_limit_wait_until_others_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let router = behind(open_gate().await, all_routes(&stop).await);
    let limits = connections::Limits { open: 1, ..connections::Limits::default() };
    tokio::spawn(async move {
        connections::accept(&listener, None, router, limits, std::future::pending()).await
    });
    let request = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut first = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut first, request).await.starts_with("HTTP/1.1 200"));
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(request.as_bytes()).await.unwrap();
    assert!(ask(&mut first, request).await.starts_with("HTTP/1.1 200"), "who is in is served");
    let waiting = second.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(waiting.kind(), io::ErrorKind::WouldBlock, "who is not waits outside");
    drop(first);
    let mut bytes = vec![0; 1024];
    let length = second.read(&mut bytes).await.unwrap();
    assert!(String::from_utf8_lossy(&bytes[..length]).starts_with("HTTP/1.1 200"));
}
