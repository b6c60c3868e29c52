//! Who calls, and in which trace.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::Service;
use crate::model::{
    Grant, Lifted, Problem, ProjectId, Scope, Span, SpanId, TraceContext, TraceId, Transport,
};

/// What a surface knows of a call besides its arguments.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// Whose records are written and read, and what may be done with them.
    pub(super) grant: Grant,
    /// The trace in which the call was made, where the protocol tells.
    pub(super) context: Option<TraceContext>,
    /// The way by which it came.
    pub(super) transport: Transport,
}

impl Caller {
    /// Whoever has this grant, calling in this trace.
    pub const fn new(grant: Grant, context: Option<TraceContext>) -> Self {
        Self { grant, context, transport: Transport::Command }
    }

    /// The same caller, by another way than a command.
    #[must_use]
    pub const fn over(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// The project, for a call that needs `scope`. There is no other way to it, so no use case forgets to ask.
    ///
    /// # Errors
    /// [`InsufficientScope`](crate::model::Code::InsufficientScope).
    pub fn project(&self, scope: Scope) -> Result<&ProjectId, Problem> {
        self.grant.require(scope)?;
        Ok(&self.grant.project)
    }
}

/// W3C ids and the ids for which they stand, be it themselves, as far as this process has handed them out or looked
/// them up. What has been handed out may come back before the store has committed it.
#[derive(Debug, Default)]
pub(super) struct Aliases(Mutex<HashMap<ProjectId, Known>>);

/// A project's: `None` is an id that stands for itself.
type Known = HashMap<Box<str>, Option<Box<str>>>;

/// Aliases kept of a project; past it the store alone knows.
const MAX_ALIASES: usize = 4_096;

impl Aliases {
    pub(super) fn remember(&self, project: &ProjectId, span: &Span) {
        self.insert(project, span.trace_id.to_w3c(), span.trace_id.as_str());
        self.insert(project, span.span_id.to_w3c(), span.span_id.as_str());
    }

    fn insert(&self, project: &ProjectId, alias: String, id: &str) {
        let mut projects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match projects.get_mut(project) {
            Some(known) => known,
            None => projects.entry(project.clone()).or_default(),
        };
        if known.len() >= MAX_ALIASES {
            known.clear();
        }
        let id = (id != alias).then(|| id.into());
        known.insert(alias.into(), id);
    }

    fn find(&self, project: &ProjectId, alias: &str) -> Option<String> {
        let projects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = projects.get(project)?.get(alias)?;
        Some(id.as_deref().unwrap_or(alias).to_owned())
    }
}

impl Service {
    /// The call's context with the ids under which its trace and its span are held here.
    pub(super) async fn context(&self, caller: &Caller) -> Result<Option<TraceContext>, Problem> {
        let Some(context) = &caller.context else { return Ok(None) };
        let project = &caller.grant.project;
        let trace_id = self.original(project, context.trace_id.as_str()).await?;
        let span_id = self.original(project, context.span_id.as_str()).await?;
        Ok(Some(TraceContext { trace_id: TraceId::stored(trace_id), span_id: SpanId::stored(span_id) }))
    }

    /// The id for which `w3c` stands; itself, if it stands for no other.
    pub(super) async fn original(&self, project: &ProjectId, w3c: &str) -> Result<String, Problem> {
        if let Some(id) = self.aliases.find(project, w3c) {
            return Ok(id);
        }
        let id = self.store.resolve(project, w3c).await?.unwrap_or_else(|| w3c.to_owned());
        self.aliases.insert(project, w3c.to_owned(), &id);
        Ok(id)
    }

    /// The id under which a trace is held: the one given, or the one for which its W3C form stands.
    pub(super) async fn held_trace(&self, project: &ProjectId, id: TraceId) -> Result<TraceId, Problem> {
        if id.to_w3c() != id.as_str() {
            return Ok(id);
        }
        Ok(TraceId::stored(self.original(project, id.as_str()).await?))
    }

    /// The id under which a span is held, as with [`held_trace`](Self::held_trace).
    pub(super) async fn held_span(&self, project: &ProjectId, id: SpanId) -> Result<SpanId, Problem> {
        if id.to_w3c() != id.as_str() {
            return Ok(id);
        }
        Ok(SpanId::stored(self.original(project, id.as_str()).await?))
    }

    /// [`Lifted`] with the ids under which its trace and its span are held.
    pub(super) async fn lifted(
        &self,
        project: &ProjectId,
        metadata: &Map<String, Value>,
    ) -> Result<Lifted, Problem> {
        let mut lifted = Lifted::from_metadata(metadata);
        if let Some(trace_id) = lifted.trace_id.take() {
            lifted.trace_id = Some(self.held_trace(project, trace_id).await?);
        }
        if let Some(span_id) = lifted.span_id.take() {
            lifted.span_id = Some(self.held_span(project, span_id).await?);
        }
        Ok(lifted)
    }
}
