//! A client that takes nothing of an answer without an end.

use std::time::Duration;

use crate::service::{Caller, LogEvent};

use super::*;

/// Longer than anything takes, so that a hang is told from slowness.
const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_client_that_watches_and_takes_nothing_is_cut_and_counted() {
    let service = Arc::new(testing::service().await);
    let router = behind(open_gate().await, api::routes(Arc::clone(&service)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let patience = Duration::from_millis(100);
    let limits = connections::Limits { patience, ..connections::Limits::default() };
    tokio::spawn(async move {
        connections::accept(&listener, None, router, limits, std::future::pending()).await
    });
    let watch = "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut silent, watch).await.contains("text/event-stream"));
    let mut quiet = TcpStream::connect(address).await.unwrap();
    let nothing = "GET /api/v1/live?event_type=nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(ask(&mut quiet, nothing).await.contains("text/event-stream"));
    let stalled = || service.metrics().counted("watchglass_live_cut_total")["stalled"];
    let written = async {
        while stalled() < 1.0 {
            let log = json!({ "event_type": "step", "message": "x".repeat(100 * 1024) });
            let log: LogEvent = serde_json::from_value(log).unwrap();
            service.log_event(&Caller::local(), log).await.unwrap().await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, written).await.expect("it is cut in time");
    // One for whom there is nothing is left alone.
    assert_eq!(service.metrics().counted("watchglass_live_clients")[""].to_string(), "1");
    let waiting = quiet.try_read(&mut [0; 1024]);
    assert!(!waiting.is_ok_and(|bytes| bytes == 0), "its connection was closed");
}
