//! The floor: an MCP server whose one tool does nothing, on the transports of the product.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Result;
use futures::FutureExt;
use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use watchglass::clock::SystemClock;
use watchglass::http::{Gate, Routes};
use watchglass::mcp::{self, ServerHandler};
use watchglass::server::{self, App, Guard, Readiness};
use watchglass::service::{AccessOptions, Service, ServiceOptions};
use watchglass::store;
use watchglass::telemetry::Metrics;

use crate::place::Place;

/// Answers every call with the same few words.
#[derive(Debug, Clone, Copy)]
struct Nothing;

impl ServerHandler for Nothing {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::success(vec![ContentBlock::text("nothing was done")]).into())
    }
}

/// Serves over HTTP and SSE until the process is ended; says where on standard error, as `watchglass serve` does.
pub(crate) fn serve_http() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let readiness = Readiness { ready: true, store: "none".to_owned(), durability: "none" };
        // The gate asks a store for keys; it has none, as the product's has none here.
        let store = store::open(&Place::Memory.options("memory:")?).await?;
        let service = Service::new(store, Arc::new(SystemClock), ServiceOptions::default());
        let access = service.access(AccessOptions { always: false, environment: Vec::new() });
        let app = App {
            handler: Nothing,
            readiness: Arc::new(move || std::future::ready(readiness.clone()).boxed()),
            close: std::future::ready(()).boxed(),
            guard: Guard::new(address, &[], &[]),
            gate: Gate::new(access.await?, &[], false),
            tls: None,
            metrics: Arc::new(Metrics::new()),
            scrape: Routes::default(),
            api: Routes::default(),
        };
        writeln!(std::io::stderr(), "MCP    http://{address}/mcp")?;
        server::serve(listener, app, std::future::pending()).await?;
        Ok(())
    })
}

/// Serves over standard input and output until the input ends, on one thread as `watchglass stdio` does.
pub(crate) fn serve_stdio() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (input, output) = mcp::stdio_pipes();
        mcp::serve_stdio(Nothing, input, output, CancellationToken::new()).await
    })?;
    Ok(())
}
