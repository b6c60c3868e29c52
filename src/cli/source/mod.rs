//! Where the commands for terminals read: at a running server, or straight from the store that is configured.

mod events;
mod server;

use clap::Args;
use serde_json::Value;
use url::Url;

pub(super) use events::{Seen, Watch};

use self::server::Server;
use super::Failure;
use super::open::{Opened, open};
use crate::config::Config;
use crate::model::Problem;
use crate::service::{Caller, ListLogs, ListTraces, LogList, ReadTrace, TraceList, TraceReport, WatchLive};

/// Which of the two it is.
#[expect(clippy::doc_markdown, reason = "this text is the help, which is not Markdown")]
#[derive(Debug, Clone, Args)]
pub(super) struct From {
    /// Ask the server at this address, such as http://127.0.0.1:8080, in place of the store; a key to it is taken from
    /// WATCHGLASS_KEY
    #[arg(long, value_name = "URL", value_parser = server::address)]
    server: Option<Url>,
}

/// Answers what the commands for terminals ask.
pub(super) enum Source {
    /// A running server.
    Server(Server),
    /// The store.
    Store(Box<Opened>),
}

impl Source {
    /// Makes ready what is asked.
    pub(super) async fn open(config: &Config, from: &From) -> Result<Self, Failure> {
        if let Some(address) = &from.server {
            return Server::new(address.clone(), config.access.client_key.clone()).map(Self::Server);
        }
        let config = Config { echo: false, ..config.clone() };
        Ok(Self::Store(Box::new(open(&config).await?)))
    }

    /// Traces, page after page until there are `most` or no more.
    pub(super) async fn traces(&self, mut request: ListTraces, most: usize) -> Result<TraceList, Failure> {
        request.limit = Some(Value::from(most));
        let mut list = self.page_of_traces(request.clone()).await?;
        while let Some(next) = list.next.take_if(|_| list.items.len() < most) {
            request.limit = Some(Value::from(most - list.items.len()));
            request.cursor = Some(next);
            let page = self.page_of_traces(request.clone()).await?;
            list.items.extend(page.items);
            list.next = page.next;
        }
        (list.returned, list.limit) = (list.items.len(), most);
        list.truncated = list.next.is_some();
        Ok(list)
    }

    async fn page_of_traces(&self, request: ListTraces) -> Result<TraceList, Failure> {
        match self {
            Self::Server(server) => {
                let cursor = [("cursor", request.cursor.clone())];
                server.get("/api/v1/traces", &request, cursor).await
            }
            Self::Store(opened) => asked(opened.service.list_traces(&Caller::local(), request).await),
        }
    }

    /// A trace with all of its spans. One that takes several pages has them flat, without a tree.
    pub(super) async fn trace(&self, trace_id: &str) -> Result<TraceReport, Failure> {
        let mut request = ReadTrace { trace_id: trace_id.to_owned(), ..ReadTrace::default() };
        let mut report = self.page_of_trace(request.clone()).await?;
        while let Some(next) = report.next.take() {
            request.cursor = Some(next);
            request.view = Some("spans".to_owned());
            let page = self.page_of_trace(request.clone()).await?;
            report.spans.get_or_insert_default().extend(page.spans.unwrap_or_default());
            (report.tree, report.next) = (None, page.next);
        }
        report.returned = report.spans.as_ref().map_or(0, Vec::len);
        report.truncated = false;
        Ok(report)
    }

    async fn page_of_trace(&self, request: ReadTrace) -> Result<TraceReport, Failure> {
        match self {
            Self::Server(server) => {
                let path = format!("/api/v1/traces/{}", server::in_path(&request.trace_id));
                let ReadTrace { view, cursor, .. } = request;
                server.get(&path, &(), [("view", view), ("cursor", cursor)]).await
            }
            Self::Store(opened) => asked(opened.service.read_trace(&Caller::local(), request).await),
        }
    }

    /// Logs, page after page until there are `most` or no more.
    pub(super) async fn logs(&self, mut request: ListLogs, most: usize) -> Result<LogList, Failure> {
        request.limit = Some(Value::from(most));
        let mut list = self.page_of_logs(request.clone()).await?;
        while let Some(next) = list.next.take_if(|_| list.items.len() < most) {
            request.limit = Some(Value::from(most - list.items.len()));
            request.cursor = Some(next);
            let page = self.page_of_logs(request.clone()).await?;
            list.items.extend(page.items);
            list.next = page.next;
        }
        (list.returned, list.limit) = (list.items.len(), most);
        list.truncated = list.next.is_some();
        Ok(list)
    }

    async fn page_of_logs(&self, request: ListLogs) -> Result<LogList, Failure> {
        match self {
            Self::Server(server) => {
                let cursor = [("cursor", request.cursor.clone())];
                server.get("/api/v1/logs", &request, cursor).await
            }
            Self::Store(opened) => asked(opened.service.list_logs(&Caller::local(), request).await),
        }
    }

    /// What happens from now on.
    pub(super) async fn watch(&self, request: WatchLive) -> Result<Watch<'_>, Failure> {
        Watch::begin(self, request).await
    }

    /// Lets go of the store.
    pub(super) async fn close(&self) {
        if let Self::Store(opened) = self {
            opened.service.close().await;
        }
    }
}

fn asked<T>(answer: Result<T, Problem>) -> Result<T, Failure> {
    answer.map_err(Failure::Problem)
}
