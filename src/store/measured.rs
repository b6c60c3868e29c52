//! A store that counts how long it takes and how often it fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Adopted, Answers, Durability, Expired, Store};
use crate::model::{
    Key, LogPage, LogQuery, OpenRoot, Problem, ProjectId, Series, Timestamp, TracePage, TraceQuery, Write,
};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Operation, StoreMetrics};

/// Another store, measured.
pub(super) struct Measured {
    inner: Arc<dyn Store>,
    metrics: StoreMetrics,
}

impl Measured {
    pub(super) fn new(inner: Arc<dyn Store>, backend: &str, metrics: &Metrics) -> Self {
        let metrics = metrics.store(backend, inner.durability().as_str());
        Self { inner, metrics }
    }

    async fn timed<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let started = Instant::now();
        let answer = work.await;
        self.metrics.answered(operation, started);
        answer.inspect_err(|problem| self.metrics.problem(problem))
    }
}

/// Every method, also those that the trait answers by itself: the store has its own answers.
#[async_trait]
impl Store for Measured {
    fn write(&self, project: &ProjectId, batch: Vec<Write>) -> BoxFuture<'static, Answers> {
        // An empty batch only waits for others.
        if batch.is_empty() {
            return self.inner.write(project, batch);
        }
        let started = Instant::now();
        let metrics = self.metrics.clone();
        let answers = self.inner.write(project, batch);
        async move {
            let answers = answers.await;
            metrics.answered(Operation::Write, started);
            answers
                .iter()
                .filter_map(|answer| answer.as_ref().err())
                .for_each(|problem| metrics.problem(problem));
            answers
        }
        .boxed()
    }

    async fn logs(&self, project: &ProjectId, query: &LogQuery) -> Result<LogPage, Problem> {
        self.timed(Operation::Logs, self.inner.logs(project, query)).await
    }

    async fn trace(&self, project: &ProjectId, query: &TraceQuery) -> Result<TracePage, Problem> {
        self.timed(Operation::Trace, self.inner.trace(project, query)).await
    }

    async fn resolve(&self, project: &ProjectId, alias: &str) -> Result<Option<String>, Problem> {
        self.timed(Operation::Resolve, self.inner.resolve(project, alias)).await
    }

    async fn series(&self, project: &ProjectId) -> Result<Vec<Series>, Problem> {
        self.timed(Operation::Series, self.inner.series(project)).await
    }

    async fn open_roots(&self, project: &ProjectId) -> Result<Vec<OpenRoot>, Problem> {
        self.timed(Operation::OpenRoots, self.inner.open_roots(project)).await
    }

    async fn expire(&self, now: Timestamp) -> Result<Expired, Problem> {
        self.timed(Operation::Expire, self.inner.expire(now)).await
    }

    async fn lease(&self, name: &str, holder: &str, now: Timestamp, ttl: Duration) -> Result<bool, Problem> {
        self.timed(Operation::Lease, self.inner.lease(name, holder, now, ttl)).await
    }

    async fn keys(&self) -> Result<Vec<Key>, Problem> {
        self.timed(Operation::Keys, self.inner.keys()).await
    }

    async fn put_key(&self, key: &Key) -> Result<(), Problem> {
        self.timed(Operation::PutKey, self.inner.put_key(key)).await
    }

    async fn touch_key(&self, id: &str, used: Timestamp) -> Result<(), Problem> {
        self.timed(Operation::TouchKey, self.inner.touch_key(id, used)).await
    }

    fn adopts(&self) -> bool {
        self.inner.adopts()
    }

    async fn adopt(&self, now: Timestamp) -> Result<Adopted, Problem> {
        self.timed(Operation::Adopt, self.inner.adopt(now)).await
    }

    async fn ping(&self) -> Result<(), Problem> {
        self.timed(Operation::Ping, self.inner.ping()).await
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
