//! Counting the calls that write: each once, by what became of it, whichever way it came.

use futures::FutureExt;

use super::answer::{Logged, Recorded, SpanEnded, SpanStarted};
use super::{Caller, Committed, EndSpan, LogEvent, RecordMetric, Service, StartSpan};
use crate::model::Problem;
use crate::telemetry::metrics::Signal;

impl Service {
    /// Stores a log.
    pub async fn log_event(&self, caller: &Caller, request: LogEvent) -> Result<Committed<Logged>, Problem> {
        self.counted(caller, Signal::Log, self.take_log(caller, request)).await
    }

    /// Starts a span.
    pub async fn start_span(
        &self,
        caller: &Caller,
        request: StartSpan,
    ) -> Result<Committed<SpanStarted>, Problem> {
        self.counted(caller, Signal::SpanStart, self.take_span_start(caller, request)).await
    }

    /// Ends a span.
    pub async fn end_span(&self, caller: &Caller, request: EndSpan) -> Result<Committed<SpanEnded>, Problem> {
        self.counted(caller, Signal::SpanEnd, self.take_span_end(caller, request)).await
    }

    /// Adds a measurement to a series.
    pub async fn record_metric(
        &self,
        caller: &Caller,
        request: RecordMetric,
    ) -> Result<Committed<Recorded>, Problem> {
        self.counted(caller, Signal::Metric, self.take_measurement(caller, request)).await
    }

    async fn counted<T: 'static>(
        &self,
        caller: &Caller,
        signal: Signal,
        taken: impl Future<Output = Result<Committed<T>, Problem>>,
    ) -> Result<Committed<T>, Problem> {
        let taking = self.options.metrics.taking(signal, caller.transport);
        match taken.await {
            Err(problem) => {
                taking.answered(Some(&problem));
                Err(problem)
            }
            Ok(committed) => Ok(async move {
                let answer = committed.await;
                taking.answered(answer.as_ref().err());
                answer
            }
            .boxed()),
        }
    }
}
