//! The way in: validate → lift → stamp → redact → write.
//!
//! Each method returns in two steps: first when the record is queued behind all that came before it, then,
//! by the future it gives, when it is committed. In between a connection can let its next call go.

use std::sync::Arc;

use serde_json::Value;

use super::answer::{Logged, Recorded, SpanEnded, SpanStarted, shown};
use super::caller::Caller;
use super::request::{EndSpan, LogEvent, RecordMetric, StartSpan};
use super::text::{given, idempotency, message, name, object, object_of_any_size, optional_name};
use super::{Committed, Service, committed, within_deadline};
use crate::model::{
    Code, EventType, Level, Lifted, Log, Measurement, MetricKind, Point, Problem, ProjectId, Record,
    Redactions, Scope, Span, SpanEnd, SpanId, SpanKind, SpanStatus, TraceContext, TraceId, Usage, Write,
    Written, digest, is_none_word,
};

impl Service {
    /// Stores a log.
    pub(super) async fn take_log(
        &self,
        caller: &Caller,
        request: LogEvent,
    ) -> Result<Committed<Logged>, Problem> {
        let project = caller.project(Scope::Ingest)?;
        let idempotency = idempotency("log_event", request.idempotency_key.as_deref(), &request)?;
        let level = Level::parse("level", given_or(request.level.as_deref(), "info"))?;
        let event_type = EventType::parse("event_type", request.event_type)?;
        let (message, sanitized) = message(request.message)?;
        let metadata = object("metadata", request.metadata)?;
        let lifted = within_deadline(self.lifted(project, &metadata)).await?;
        let context = within_deadline(self.context(caller)).await?;
        let (trace_id, span_id) = linked(&lifted, context);
        let log = Log {
            id: self.ids.record(),
            timestamp: self.clock.now(),
            level: Some(level),
            event_type,
            message,
            metadata,
            agent_name: lifted.agent_name,
            trace_id,
            span_id,
            session_id: lifted.session_id,
            sanitized,
            redacted: Vec::new(),
        };
        let written = self.submit(project, Write { record: Record::Log(Box::new(log)), idempotency })?;
        Ok(committed(async move {
            match written.await? {
                Written::Log(log) => {
                    Ok(Logged { logged: true, event_type: log.event_type.into(), id: log.id })
                }
                _ => Err(mismatch()),
            }
        }))
    }

    /// Starts a span.
    pub(super) async fn take_span_start(
        &self,
        caller: &Caller,
        request: StartSpan,
    ) -> Result<Committed<SpanStarted>, Problem> {
        let project = caller.project(Scope::Ingest)?;
        let idempotency = idempotency("start_span", request.idempotency_key.as_deref(), &request)?;
        let fingerprint = digest([serde_json::to_string(&request).map_err(Problem::internal)?.as_str()]);
        let name = name("span_name", &request.span_name)?;
        let metadata = object("metadata", request.metadata)?;
        let lifted = within_deadline(self.lifted(project, &metadata)).await?;
        let kind = match given(request.kind.as_deref()) {
            Some(kind) => SpanKind::parse("kind", kind)?,
            None => SpanKind::infer(&name, &metadata),
        };
        let asked = match request.trace_id.map(|id| TraceId::parse("trace_id", id)).transpose()? {
            Some(id) => Some(within_deadline(self.held_trace(project, id)).await?),
            None => None,
        };
        let parent = match request.parent_span_id.as_deref() {
            None => Parent::FromContext,
            Some(word) if is_none_word(word) => Parent::None,
            Some(id) => {
                let id = SpanId::parse("parent_span_id", id)?;
                Parent::Given(within_deadline(self.held_span(project, id)).await?)
            }
        };
        let span_id = match given(request.span_id.as_deref()) {
            Some(id) => SpanId::parse("span_id", id)?,
            None => SpanId::stored(self.ids.span()),
        };
        let agent_name = optional_name("agent_name", request.agent_name.as_deref())?;
        let session_id = optional_name("session_id", request.session_id.as_deref())?;
        let context = within_deadline(self.context(caller)).await?;

        let trace_id = asked.or_else(|| lifted.trace_id.clone());
        let context = context.filter(|context| {
            trace_id
                .as_ref()
                .is_none_or(|asked| *asked == context.trace_id || asked.to_w3c() == context.trace_id.to_w3c())
        });
        let (parent_span_id, parent_remote) = match (parent, &context) {
            (Parent::Given(id), _) => (Some(id), false),
            (Parent::FromContext, Some(context)) => (Some(context.span_id.clone()), true),
            (Parent::FromContext, None) | (Parent::None, _) => (None, false),
        };
        let trace_id = trace_id
            .or_else(|| context.map(|context| context.trace_id))
            .unwrap_or_else(|| TraceId::stored(self.ids.trace()));
        let mut span = Span {
            trace_id,
            span_id,
            parent_span_id,
            parent_remote,
            orphan: false,
            name,
            kind,
            start_time: self.clock.now(),
            end_time: None,
            duration_ms: None,
            status: SpanStatus::InProgress,
            error: None,
            agent_name,
            session_id,
            model: None,
            provider: None,
            usage: Usage::default(),
            reported_cost_pico_usd: None,
            computed_cost_pico_usd: None,
            metadata,
            clock_skew: false,
            redacted: Vec::new(),
            fingerprint,
        };
        span.adopt(lifted);
        self.aliases.remember(project, &span);
        let record = Record::SpanStart(Box::new(span));
        let written = self.submit(project, Write { record, idempotency })?;
        Ok(committed(async move {
            match written.await? {
                Written::SpanStarted(span) => Ok(SpanStarted {
                    traceparent: TraceContext::traceparent(&span.trace_id, &span.span_id),
                    span_id: span.span_id.into(),
                    trace_id: span.trace_id.into(),
                    parent_span_id: span.parent_span_id.map(Into::into),
                    name: shown(span.name),
                    start_time: span.start_time.to_rfc3339(),
                    status: span.status.as_str().to_owned(),
                }),
                _ => Err(mismatch()),
            }
        }))
    }

    /// Ends a span.
    pub(super) async fn take_span_end(
        &self,
        caller: &Caller,
        request: EndSpan,
    ) -> Result<Committed<SpanEnded>, Problem> {
        let project = caller.project(Scope::Ingest)?;
        let idempotency = idempotency("end_span", request.idempotency_key.as_deref(), &request)?;
        let span_id = SpanId::parse("span_id", request.span_id)?;
        let status = SpanStatus::parse("status", given_or(request.status.as_deref(), "ok"))?;
        let metadata = object("metadata", request.metadata)?;
        let span_id = within_deadline(self.held_span(project, span_id)).await?;
        let end = SpanEnd { span_id, end_time: self.clock.now(), status, metadata, redacted: Vec::new() };
        let record = Record::SpanEnd(Box::new(end));
        let written = self.submit(project, Write { record, idempotency })?;
        Ok(committed(async move {
            match written.await? {
                Written::SpanEnded { span, already_ended } => Ok(SpanEnded {
                    span_id: span.span_id.into(),
                    duration_ms: span.duration_ms.unwrap_or_default(),
                    status: span.status.as_str().to_owned(),
                    already_ended,
                    clock_skew: span.clock_skew,
                }),
                _ => Err(mismatch()),
            }
        }))
    }

    /// Adds a measurement to a series.
    pub(super) async fn take_measurement(
        &self,
        caller: &Caller,
        request: RecordMetric,
    ) -> Result<Committed<Recorded>, Problem> {
        let project = caller.project(Scope::Ingest)?;
        let idempotency = idempotency("record_metric", request.idempotency_key.as_deref(), &request)?;
        let value = number(&request.value)?;
        let labels = object_of_any_size("labels", request.labels)?;
        // Before they are brought into Prometheus's form, which no longer is a secret's.
        self.redactor.check_name("metric_name", &request.metric_name)?;
        labels.keys().try_for_each(|name| self.redactor.check_name("labels", name))?;
        let kind = given(request.kind.as_deref()).map(|kind| MetricKind::parse("kind", kind)).transpose()?;
        let measured =
            Measurement { name: &request.metric_name, value, labels: &labels, kind }.normalize()?;
        let context = within_deadline(self.context(caller)).await?;
        let series = measured.name.clone();
        let point = Point {
            id: self.ids.record(),
            timestamp: self.clock.now(),
            name: measured.name,
            labels: measured.labels,
            kind: measured.kind,
            kind_given: kind.is_some(),
            value: measured.value,
            trace_id: context.map(|context| context.trace_id),
        };
        let record = Record::Point(Box::new(point));
        let written = self.submit(project, Write { record, idempotency })?;
        let metric = request.metric_name;
        Ok(committed(async move {
            match written.await? {
                Written::Point { kind, overflow } => {
                    let kind = kind.as_str().to_owned();
                    Ok(Recorded { recorded: true, metric, value, series, kind, overflow })
                }
                _ => Err(mismatch()),
            }
        }))
    }

    /// Takes secrets out of one record and queues it; the future is its answer. There is no other way to the store.
    fn submit(
        &self,
        project: &ProjectId,
        mut write: Write,
    ) -> Result<impl Future<Output = Result<Written, Problem>> + Send + use<>, Problem> {
        let redactions = self.redactor.redact(&mut write)?;
        let echo = self.options.echo.clone();
        let shown = echo.as_ref().map(|_| super::echo::record(&write.record));
        let (feed, taken) = (self.live.feed(project), write.record.taken_at());
        let answers = self.store.write(project, vec![write]);
        let metrics = Arc::clone(&self.options.metrics);
        Ok(async move {
            let answer = answers.await.pop();
            let written = answer.unwrap_or_else(|| Err(Problem::internal("a write was not answered")))?;
            if let Some(feed) = feed {
                feed.committed(&written, taken);
            }
            if let (Some(echo), Some(shown)) = (echo, shown) {
                echo(&shown);
            }
            if matches!(written, Written::Point { overflow: true, .. }) {
                metrics.overflowed();
            }
            redactions.counts().for_each(|(rule, times)| metrics.redacted(rule, times));
            Ok(written)
        })
    }

    /// [`submit`](Self::submit) for records from another store, each answered for itself. They are not shown again by
    /// an echo.
    pub(super) fn submit_all(
        &self,
        project: &ProjectId,
        mut writes: Vec<Write>,
    ) -> impl Future<Output = Vec<Result<Written, Problem>>> + Send + use<> {
        let redactions: Vec<_> = writes.iter_mut().map(|write| self.redactor.redact(write)).collect();
        let sound = writes.into_iter().zip(&redactions).filter(|(_, redactions)| redactions.is_ok());
        let answers = self.store.write(project, sound.map(|(write, _)| write).collect());
        let metrics = Arc::clone(&self.options.metrics);
        async move {
            let mut answers = answers.await.into_iter();
            let unanswered = || Err(Problem::internal("a write was not answered"));
            let answer = |redactions: Result<Redactions, Problem>| {
                let redactions = redactions?;
                let written = answers.next().unwrap_or_else(unanswered)?;
                redactions.counts().for_each(|(rule, times)| metrics.redacted(rule, times));
                Ok(written)
            };
            redactions.into_iter().map(answer).collect()
        }
    }
}

enum Parent {
    None,
    FromContext,
    Given(SpanId),
}

/// The trace and the span that a record belongs to: what its metadata says, else where the call was made.
fn linked(lifted: &Lifted, context: Option<TraceContext>) -> (Option<TraceId>, Option<SpanId>) {
    match (&lifted.trace_id, context) {
        (Some(trace_id), Some(context)) if *trace_id == context.trace_id => {
            (Some(context.trace_id), lifted.span_id.clone().or(Some(context.span_id)))
        }
        (None, Some(context)) => (Some(context.trace_id), lifted.span_id.clone().or(Some(context.span_id))),
        (trace_id, _) => (trace_id.clone(), lifted.span_id.clone()),
    }
}

fn given_or<'a>(text: Option<&'a str>, default: &'a str) -> &'a str {
    match text {
        None => default,
        Some(text) if text.starts_with("{{") || text == "<nil>" => default,
        Some(text) => text,
    }
}

/// A finite JSON number; text that holds one is refused, lest `"5"` and `"NaN"` pass for numbers.
fn number(value: &Value) -> Result<f64, Problem> {
    let wrong = |message: &str| Problem::new(Code::InvalidNumber, message).at("value");
    let Value::Number(number) = value else {
        return Err(wrong("`value` must be a number").hint("a json number, without quotes"));
    };
    if number.as_u64().is_some_and(|number| i64::try_from(number).is_err()) {
        return Err(wrong("`value` is an integer that does not fit into 64 bits"));
    }
    number
        .as_f64()
        .filter(|number| number.is_finite())
        .ok_or_else(|| wrong("`value` must be a finite number"))
}

fn mismatch() -> Problem {
    Problem::internal("the store answered with another kind of record")
}
