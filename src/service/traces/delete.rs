//! Deleting traces for good.

use std::time::{Duration, Instant};

use super::answer::DeletedTraces;
use super::request::{DeleteTrace, DeleteTraces};
use crate::model::{Deletion, Problem, Scope, TraceId};
use crate::service::caller::Caller;
use crate::service::text::optional_name;
use crate::service::{Service, within_deadline};

/// How long slices are begun; what remains of the deadline is for the last one.
const SLICES_FOR: Duration = Duration::from_secs(3);

impl Service {
    /// Deletes a trace: its spans and its logs. Of an unknown trace there is nothing to delete.
    pub async fn delete_trace(
        &self,
        caller: &Caller,
        request: DeleteTrace,
    ) -> Result<DeletedTraces, Problem> {
        within_deadline(async {
            let project = caller.project(Scope::Admin)?;
            let trace_id = TraceId::parse("trace_id", request.trace_id)?;
            let trace_id = self.held_trace(project, trace_id).await?;
            self.delete(caller, &Deletion::Trace(trace_id)).await
        })
        .await
    }

    /// Deletes all traces and logs of an agent, or of a conversation.
    pub async fn delete_traces(
        &self,
        caller: &Caller,
        request: DeleteTraces,
    ) -> Result<DeletedTraces, Problem> {
        within_deadline(async {
            let agent = optional_name("agent", request.agent.as_deref())?;
            let session = optional_name("session", request.session.as_deref())?;
            let deletion = match (agent, session) {
                (Some(agent), None) => Deletion::Agent(agent),
                (None, Some(session)) => Deletion::Session(session),
                (Some(_), Some(_)) => {
                    return Err(Problem::invalid("session", "`agent` and `session` exclude each other"));
                }
                (None, None) => {
                    return Err(Problem::invalid("agent", "nothing says which traces to delete")
                        .hint("give `agent` or `session`, or a trace's id in the path"));
                }
            };
            self.delete(caller, &deletion).await
        })
        .await
    }

    async fn delete(&self, caller: &Caller, deletion: &Deletion) -> Result<DeletedTraces, Problem> {
        let project = caller.project(Scope::Admin)?;
        let begun = Instant::now();
        let mut sum = DeletedTraces { deleted_spans: 0, deleted_logs: 0, more: true };
        while sum.more && begun.elapsed() < SLICES_FOR {
            let slice = self.store.delete(project, deletion).await?;
            sum.deleted_spans += slice.spans;
            sum.deleted_logs += slice.logs;
            sum.more = slice.more;
        }
        Ok(sum)
    }
}
