//! What a request may take of the server, on every route (S-06): bytes, headers, time.

use super::*;

/// How much is sent of what has no end.
const ENDLESS: usize = 64 * 1024 * 1024;

const CHUNK: usize = 64 * 1024;

impl Running {
    async fn end(self) {
        self.shutdown.send(()).unwrap();
        self.server.await.unwrap().unwrap();
    }

    /// A connection that has sent this.
    async fn sent(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // It may be refused and closed before all is sent.
        stream.write_all(request.as_bytes()).await.ok();
        stream
    }

    /// All that is answered to a request, up to the end of the connection.
    async fn answer(&self, request: &str) -> String {
        let mut stream = self.sent(request).await;
        everything(&mut stream).await
    }

    /// The server still answers, on a connection of its own.
    async fn assert_lives(&self) {
        let answer =
            self.answer("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// What comes until the other end closes, or breaks off because it was sent too much.
async fn everything(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The beginning of an answer, as far as it comes at once.
async fn beginning(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 16 * 1024];
    let length = stream.read(&mut bytes).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

/// The first lines of a request that `route` would take, to be gone on with.
fn head(route: &Route) -> String {
    let method = if route.method == "any" { "POST" } else { route.method };
    format!("{method} {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n", route.path)
}

async fn table() -> Vec<Route> {
    all_routes(&CancellationToken::new()).await.table().to_vec()
}

#[tokio::test]
async fn headers_beyond_the_limits_are_refused_on_every_route() {
    let running = start().await;
    let hundred = "X-Many: 1\r\n".repeat(101);
    let ten_thousand = "X: 1\r\n".repeat(10_000);
    let long = format!("X-Long: {}\r\n", "x".repeat(100 * 1024));
    let name = format!("{}: 1\r\n", "x".repeat(100 * 1024));
    for route in table().await {
        for headers in [&hundred, &ten_thousand, &long, &name] {
            let answer = running.answer(&format!("{}{headers}\r\n", head(&route))).await;
            // One that sends on while it is refused may find the connection broken off.
            let broken_off = answer.is_empty() && headers.len() > 16 * 1024;
            assert!(answer.starts_with("HTTP/1.1 431") || broken_off, "{} {answer}", route.path);
        }
    }
    let address = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(100 * 1024));
    let answer = running.answer(&address).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    running.assert_lives().await;
    running.end().await;
}

#[tokio::test]
async fn a_request_whose_length_can_be_read_in_two_ways_is_one_or_none() {
    let running = start().await;
    for route in table().await {
        for headers in [
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Content-Length: 1, 2\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: +1\r\n",
            "Content-Length: 0x10\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding: chunked, gzip\r\n",
            "Transfer-Encoding : chunked\r\n",
        ] {
            let answer = running.answer(&format!("{}{headers}\r\n", head(&route))).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{} {headers:?}: {answer}", route.path);
        }
        // The chunks count and the length does not, and what stands behind is never taken for a request.
        for both in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        ] {
            let behind = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
            let mut stream = running.sent(&format!("{}{both}\r\n0\r\n\r\n{behind}", head(&route))).await;
            let answer = if route.path == "/sse" {
                beginning(&mut stream).await
            } else {
                everything(&mut stream).await
            };
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{} {both:?}: {answer}", route.path);
            assert!(!answer.contains(r#"{"status":"ok"}"#) || route.path == "/health", "{answer}");
        }
    }
    for nonsense in
        ["GET /health\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"]
    {
        let answer = running.answer(nonsense).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{nonsense:?}: {answer}");
    }
    running.assert_lives().await;
    running.end().await;
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_or_left_unread_on_every_route() {
    let running = start().await;
    for route in table().await {
        // Not one byte of what is announced is sent: whoever answers has not waited for it.
        let announced = format!("{}Content-Length: {ENDLESS}\r\n\r\n", head(&route));
        let answer = beginning(&mut running.sent(&announced).await).await;
        let taken = if route.path == "/mcp" { "HTTP/1.1 413" } else { "HTTP/1.1 " };
        assert!(answer.starts_with(taken) && !answer.starts_with("HTTP/1.1 5"), "{} {answer}", route.path);
        if route.path == "/sse" {
            // It goes on answering and never reads; what is sent stays on the way.
            continue;
        }
        let mut stream = running.sent(&format!("{}Transfer-Encoding: chunked\r\n\r\n", head(&route))).await;
        let chunk = format!("{CHUNK:x}\r\n{}\r\n", " ".repeat(CHUNK));
        let mut sent = 0;
        while sent < ENDLESS && stream.write_all(chunk.as_bytes()).await.is_ok() {
            sent += CHUNK;
        }
        assert!(sent < ENDLESS, "{} takes a body without end", route.path);
    }
    running.assert_lives().await;
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn headers_that_do_not_come_are_not_waited_for() {
    let running = start().await;
    for route in table().await {
        let started = Instant::now();
        let mut stream = running.sent(&head(&route)).await;
        let answer = everything(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{} {answer}", route.path);
        let waited = started.elapsed();
        assert!(waited >= Duration::from_secs(30), "the clock of this test runs by itself: {waited:?}");
        assert!(waited < Duration::from_secs(60), "{} waits for {waited:?}", route.path);
    }
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let running = start().await;
    let mut session = running.sent("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let opened = beginning(&mut session).await;
    let path = opened.lines().find_map(|line| line.strip_prefix("data: ")).expect("where to post");
    for path in ["/mcp", path] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"
        );
        let started = Instant::now();
        let answer = beginning(&mut running.sent(&request).await).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{path} {answer}");
        assert!(started.elapsed() < Duration::from_secs(60));
    }
    drop(session);
    running.end().await;
}
