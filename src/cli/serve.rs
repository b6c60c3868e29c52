//! `watchglass serve`: MCP over HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt;
use tokio::net::TcpListener;

use super::open::{Opened, open};
use super::{Failure, print, stdio};
use crate::api;
use crate::config::Config;
use crate::http::Gate;
use crate::mcp::Handler;
use crate::model::Scope;
use crate::scrape;
use crate::server::{self, App, Ended, Guard, Readiness, ReadinessCheck, Tls};
use crate::service::{Access, AccessOptions, Service};

/// Serves until the process is told to end.
pub(super) fn run(config: &Config) -> Result<(), Failure> {
    run_with(config, async |_| Ok(std::future::ready(())))
}

/// Serves, having done something with the open store first, while something else goes on beside.
pub(super) fn run_with<Beside>(
    config: &Config,
    before: impl AsyncFnOnce(Arc<Opened>) -> Result<Beside, Failure>,
) -> Result<(), Failure>
where
    Beside: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the runtime can't be started: {error}")))?;
    runtime.block_on(serve(config, before))
}

async fn serve<Beside>(
    config: &Config,
    before: impl AsyncFnOnce(Arc<Opened>) -> Result<Beside, Failure>,
) -> Result<(), Failure>
where
    Beside: Future<Output = ()> + Send + 'static,
{
    server::open_many();
    let tls = config.access.tls.as_ref().map(Tls::load).transpose()?;
    let opened = Arc::new(open(config).await?);
    let access = access(config, &opened).await?;
    let listen = config.http.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| not_bound(listen, &error))?;
    let address = listener.local_addr().unwrap_or(listen);
    let beside = before(Arc::clone(&opened)).await?;
    let service = &opened.service;
    let mut jobs = vec![
        tokio::spawn(beside),
        tokio::spawn(Arc::clone(service).keep_retention()),
        tokio::spawn(Arc::clone(service).keep_adopting()),
        tokio::spawn(Arc::clone(service).keep_settling()),
        tokio::spawn(Arc::clone(&access).keep_fresh()),
    ];
    jobs.extend(tls.clone().map(|tls| tokio::spawn(tls.keep_fresh())));
    let pushing = opened.push(config)?;
    let closing = Arc::clone(service);
    let app = App {
        handler: Handler::over_http(Arc::clone(service)),
        readiness: readiness(Arc::clone(service), opened.address.clone()),
        close: async move {
            if let Some(pushing) = pushing {
                pushing.end().await;
            }
            closing.close().await;
        }
        .boxed(),
        guard: Guard::new(address, &config.http.allowed_hosts, &config.http.allowed_origins),
        gate: Gate::new(access, &config.access.trusted_proxies, config.http.insecure_no_auth),
        tls,
        metrics: Arc::clone(&opened.metrics),
        scrape: scrape::routes(Arc::clone(service)),
        api: api::routes(Arc::clone(service)),
    };
    let scheme = if app.tls.is_some() { "https" } else { "http" };
    print::note(&format!("MCP    {scheme}://{address}/mcp"));
    print::note(&format!("SSE    {scheme}://{address}/sse"));
    print::note(&format!("scrape {scheme}://{address}/metrics"));
    print::note(&format!("store  {} ({})", opened.address, opened.store.durability().describe()));
    let ended = server::serve(listener, app, stdio::told_to_end()).await;
    jobs.iter().for_each(tokio::task::JoinHandle::abort);
    match ended {
        Ok(Ended::Drained) => Ok(()),
        Ok(Ended::CutOff(connections)) => {
            Err(Failure::new(format!("{connections} connections were cut off at the end")))
        }
        Err(error) => Err(Failure::new(format!("the server did not end well: {error}"))),
    }
}

/// What decides who gets in.
///
/// # Errors
/// Beyond this machine: no key, unless that is asked for; or keys that would travel readably.
async fn access(config: &Config, opened: &Opened) -> Result<Arc<Access>, Failure> {
    let keys = [(&config.access.ingest_key, Scope::Ingest), (&config.access.read_key, Scope::Read)];
    let environment = keys.into_iter().filter_map(|(key, scope)| Some((key.clone()?, scope))).collect();
    let exposed = config.is_exposed();
    let options = AccessOptions { always: exposed, environment };
    let access = opened.service.access(options).await.map_err(Failure::Problem)?;
    config.check_exposure(access.has_keys())?;
    Ok(access)
}

fn readiness(service: Arc<Service>, store: String) -> ReadinessCheck {
    Arc::new(move || {
        let (service, store) = (Arc::clone(&service), store.clone());
        async move {
            let readiness = service.readiness().await;
            Readiness {
                ready: readiness.problem.is_none(),
                store: readiness.problem.map_or(store, |problem| problem.to_string()),
                durability: readiness.durability.as_str(),
            }
        }
        .boxed()
    })
}

fn not_bound(listen: SocketAddr, error: &io::Error) -> Failure {
    if error.kind() != io::ErrorKind::AddrInUse {
        return Failure::new(format!("`{listen}` can't be listened on: {error}"));
    }
    let other = SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(8080));
    Failure::Other {
        message: format!("`{listen}` is taken by another process"),
        hint: Some(format!("run the same command with `--listen {other}`")),
    }
}
