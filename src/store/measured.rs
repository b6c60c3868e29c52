//! A store that counts how long it takes and how often it fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Adopted, Answers, Deleted, Durability, Expired, Settled, Store};
use crate::model::{
    Dated, Deletion, ErrorGroup, Key, LogPage, LogQuery, OpenSpan, Point, Problem, ProjectId, Rollup,
    RollupQuery, Series, SeriesHistory, SeriesQuery, Span, SpanId, SpanPage, SpanQuery, StoreSize, Timestamp,
    TraceId, TraceListQuery, TracePage, TraceQuery, TraceRow, TraceRows, Write,
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

    async fn span(&self, project: &ProjectId, span_id: &SpanId) -> Result<Option<Span>, Problem> {
        self.timed(Operation::Span, self.inner.span(project, span_id)).await
    }

    async fn resolve(&self, project: &ProjectId, alias: &str) -> Result<Option<String>, Problem> {
        self.timed(Operation::Resolve, self.inner.resolve(project, alias)).await
    }

    async fn series(&self, project: &ProjectId) -> Result<Vec<Series>, Problem> {
        self.timed(Operation::Series, self.inner.series(project)).await
    }

    async fn open_spans(&self, project: &ProjectId) -> Result<Vec<OpenSpan>, Problem> {
        self.timed(Operation::OpenSpans, self.inner.open_spans(project)).await
    }

    async fn spans(&self, project: &ProjectId, query: &SpanQuery) -> Result<SpanPage, Problem> {
        self.timed(Operation::Spans, self.inner.spans(project, query)).await
    }

    async fn traces(&self, project: &ProjectId, query: &TraceListQuery) -> Result<TraceRows, Problem> {
        self.timed(Operation::Traces, self.inner.traces(project, query)).await
    }

    async fn trace_row(&self, project: &ProjectId, trace_id: &TraceId) -> Result<Option<TraceRow>, Problem> {
        self.timed(Operation::TraceRow, self.inner.trace_row(project, trace_id)).await
    }

    async fn rollups(&self, project: &ProjectId, query: &RollupQuery) -> Result<Vec<Rollup>, Problem> {
        self.timed(Operation::Rollups, self.inner.rollups(project, query)).await
    }

    async fn points(
        &self,
        project: &ProjectId,
        since: Timestamp,
        until: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: usize,
    ) -> Result<Vec<Point>, Problem> {
        self.timed(Operation::Points, self.inner.points(project, since, until, after, limit)).await
    }

    async fn error_groups(
        &self,
        project: &ProjectId,
        fingerprints: &[String],
    ) -> Result<Vec<ErrorGroup>, Problem> {
        self.timed(Operation::ErrorGroups, self.inner.error_groups(project, fingerprints)).await
    }

    async fn series_history(
        &self,
        project: &ProjectId,
        query: &SeriesQuery,
    ) -> Result<Vec<SeriesHistory>, Problem> {
        self.timed(Operation::SeriesHistory, self.inner.series_history(project, query)).await
    }

    async fn dated_series(&self, project: &ProjectId) -> Result<Vec<Dated>, Problem> {
        self.timed(Operation::DatedSeries, self.inner.dated_series(project)).await
    }

    async fn orphans(&self, project: &ProjectId, ended_before: Timestamp) -> Result<Vec<Span>, Problem> {
        self.timed(Operation::Orphans, self.inner.orphans(project, ended_before)).await
    }

    async fn settle_orphans(&self, now: Timestamp) -> Result<Settled, Problem> {
        self.timed(Operation::SettleOrphans, self.inner.settle_orphans(now)).await
    }

    async fn rebuild(&self, project: &ProjectId, hour: Timestamp) -> Result<(), Problem> {
        self.timed(Operation::Rebuild, self.inner.rebuild(project, hour)).await
    }

    async fn delete(&self, project: &ProjectId, deletion: &Deletion) -> Result<Deleted, Problem> {
        self.timed(Operation::Delete, self.inner.delete(project, deletion)).await
    }

    async fn list_lengths(&self, lists: &[String]) -> Result<Vec<Option<u64>>, Problem> {
        self.timed(Operation::ListLengths, self.inner.list_lengths(lists)).await
    }

    async fn size(&self, project: &ProjectId) -> Result<StoreSize, Problem> {
        self.timed(Operation::Size, self.inner.size(project)).await
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, Problem> {
        self.timed(Operation::Projects, self.inner.projects()).await
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
