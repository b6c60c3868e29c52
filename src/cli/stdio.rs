//! `watchglass stdio`: MCP over standard input and output.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::open::open;
use super::{Failure, one_thread};
use crate::config::Config;
use crate::mcp::{Handler, serve_stdio, stdio_pipes};

/// Serves until the client closes standard input, or the process is told to end.
///
/// One thread: a client on a pipe is one at a time, and it starts in half the time.
pub(super) fn run(config: &Config) -> Result<(), Failure> {
    let runtime = one_thread()?;
    let ended = runtime.block_on(async {
        let opened = open(config).await?;
        let pushing = opened.push(config)?;
        let service = opened.service;
        let jobs = [
            tokio::spawn(Arc::clone(&service).keep_retention()),
            tokio::spawn(Arc::clone(&service).keep_adopting()),
            tokio::spawn(Arc::clone(&service).keep_settling()),
        ];
        let (input, output) = stdio_pipes();
        let stop = CancellationToken::new();
        let told = stop.clone();
        tokio::spawn(async move {
            told_to_end().await;
            told.cancel();
        });
        let ended = serve_stdio(Handler::local(Arc::clone(&service)), input, output, stop).await;
        jobs.iter().for_each(tokio::task::JoinHandle::abort);
        if let Some(pushing) = pushing {
            pushing.end().await;
        }
        service.close().await;
        ended.map(|_| ()).map_err(|error| Failure::new(error.to_string()))
    });
    // Where standard input is no pipe, a thread waits in `read` and can't be woken.
    runtime.shutdown_background();
    ended
}

/// Ready once the process gets SIGINT or SIGTERM.
pub(super) async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
                return;
            }
            Err(error) => tracing::warn!(%error, "SIGTERM can't be waited for"),
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "interrupts can't be waited for");
        std::future::pending::<()>().await;
    }
}
