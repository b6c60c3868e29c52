//! Who calls, and in which trace.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Service;
use crate::model::{Problem, ProjectId, Span, SpanId, TraceContext, TraceId};

/// What a surface knows of a call besides its arguments.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whose records are written and read.
    pub project: ProjectId,
    /// The trace in which the call was made, where the protocol tells.
    pub context: Option<TraceContext>,
}

impl Default for Caller {
    fn default() -> Self {
        Self { project: ProjectId::default_project(), context: None }
    }
}

/// W3C ids that stand for other ids, as this process handed them out. What has been handed out may come
/// back before the store has committed it.
#[derive(Debug, Default)]
pub(super) struct Aliases(Mutex<HashMap<(ProjectId, String), String>>);

/// Aliases kept; past it the store alone knows.
const MAX_ALIASES: usize = 10_000;

impl Aliases {
    pub(super) fn remember(&self, project: &ProjectId, span: &Span) {
        for (alias, id) in span.w3c_aliases() {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MAX_ALIASES {
                known.clear();
            }
            known.insert((project.clone(), alias), id.to_owned());
        }
    }

    fn find(&self, project: &ProjectId, alias: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(project.clone(), alias.to_owned())).cloned()
    }
}

impl Service {
    /// The call's context with the ids under which its trace and its span are held here.
    pub(super) async fn context(&self, caller: &Caller) -> Result<Option<TraceContext>, Problem> {
        let Some(context) = &caller.context else { return Ok(None) };
        let trace_id = self.original(&caller.project, context.trace_id.as_str()).await?;
        let span_id = self.original(&caller.project, context.span_id.as_str()).await?;
        Ok(Some(TraceContext { trace_id: TraceId::stored(trace_id), span_id: SpanId::stored(span_id) }))
    }

    /// The id for which `w3c` stands; itself, if it stands for no other.
    pub(super) async fn original(&self, project: &ProjectId, w3c: &str) -> Result<String, Problem> {
        if let Some(id) = self.aliases.find(project, w3c) {
            return Ok(id);
        }
        Ok(self.store.resolve(project, w3c).await?.unwrap_or_else(|| w3c.to_owned()))
    }
}
