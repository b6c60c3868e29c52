//! `watchglass serve`: MCP over HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt;
use tokio::net::TcpListener;

use super::{Failure, print, stdio};
use crate::config::{Config, Durability};
use crate::mcp::Handler;
use crate::server::{self, App, Ended, Guard, Readiness};

/// Serves until the process is told to end.
pub(super) fn run(config: &Config) -> Result<(), Failure> {
    config.http.check_exposure()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the runtime can't be started: {error}")))?;
    runtime.block_on(serve(config))
}

async fn serve(config: &Config) -> Result<(), Failure> {
    let listen = config.http.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| not_bound(listen, &error))?;
    let address = listener.local_addr().unwrap_or(listen);
    let durability = match config.store.durability {
        Durability::PowerLoss => "power_loss",
        Durability::Process => "process_crash",
    };
    let store = config.store.url.to_string();
    // Open the store and make the service here; the handler, readiness and close come from them.
    let readiness = Readiness { ready: true, store: store.clone(), durability };
    let app = App {
        handler: Handler,
        readiness: Arc::new(move || std::future::ready(readiness.clone()).boxed()),
        close: std::future::ready(()).boxed(),
        guard: Guard::new(address, &config.http.allowed_hosts, &config.http.allowed_origins),
    };
    print::note(&format!("MCP    http://{address}/mcp"));
    print::note(&format!("SSE    http://{address}/sse"));
    print::note(&format!("store  {store} (durability: {durability})"));
    match server::serve(listener, app, stdio::told_to_end()).await {
        Ok(Ended::Drained) => Ok(()),
        Ok(Ended::CutOff(connections)) => {
            Err(Failure::new(format!("{connections} connections were cut off at the end")))
        }
        Err(error) => Err(Failure::new(format!("the server did not end well: {error}"))),
    }
}

fn not_bound(listen: SocketAddr, error: &io::Error) -> Failure {
    if error.kind() != io::ErrorKind::AddrInUse {
        return Failure::new(format!("`{listen}` can't be listened on: {error}"));
    }
    let other = SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(8080));
    Failure::Other {
        message: format!("`{listen}` is taken by another process"),
        hint: Some(format!("watchglass serve --listen {other}")),
    }
}
