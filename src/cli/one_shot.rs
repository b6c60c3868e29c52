//! What the commands have in common that make a call and end.
//!
//! What such a command prints is read by programs: standard output carries one answer or one problem, and where it
//! ends well standard error carries nothing.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::open::{Opened, open, open_briefly};
use super::{Failure, on_one_thread, print};
use crate::config::Config;
use crate::mcp::{ToolName, call_tool};
use crate::model::{Code, Problem};
use crate::pushgateway;
use crate::service::{Caller, Service};

/// The store, for the length of a call.
pub(super) struct Calls {
    opened: Opened,
    /// Whether something was written.
    wrote: Cell<bool>,
}

impl Calls {
    /// The service that is called.
    pub(super) fn service(&self) -> &Service {
        &self.opened.service
    }

    /// Calls a tool as a connected agent would. What it wrote is committed when this returns.
    pub(super) async fn make(&self, tool: ToolName, arguments: Map<String, Value>) -> Result<Value, Problem> {
        let answer = call_tool(&self.opened.service, &Caller::local(), tool.as_str(), arguments).await?;
        self.wrote.set(self.wrote.get() || !tool.reads());
        Ok(answer)
    }
}

/// Opens the store that `config` names, and does `work` with it.
pub(super) fn run<T>(
    config: &mut Config,
    work: impl AsyncFnOnce(&Calls) -> Result<T, Problem>,
) -> Result<T, Failure> {
    config.echo = false;
    on_one_thread(async {
        let calls = Calls { opened: open_briefly(config).await?, wrote: Cell::default() };
        let done = work(&calls).await;
        // What was written is committed, and nothing is printed yet.
        if calls.wrote.get() {
            pushgateway::after_write(&calls.opened.service, config.pushgateway.as_ref()).await;
        }
        if done.is_ok() {
            calls.opened.service.trim().await;
        }
        calls.opened.service.close().await;
        match done {
            Ok(done) => Ok(done),
            Err(problem) => Err(explained(config, problem).await),
        }
    })?
}

/// What a store refuses that was not examined is told as it would have been at a server's start.
async fn explained(config: &Config, problem: Problem) -> Failure {
    if matches!(problem.code, Code::Internal | Code::StorageMisconfigured)
        && let Err(failure) = open(config).await
    {
        return failure;
    }
    Failure::Problem(problem)
}

/// Tells a program of a problem where it looks for the answer; a person is told as of any failure.
pub(super) fn tell(failure: Failure) -> Failure {
    match failure {
        Failure::Problem(problem) if !print::is_read_by_a_person() => {
            print::data(&problem.to_text()).err().unwrap_or(Failure::Told)
        }
        Failure::Refused(problem) if !print::is_read_by_a_person() => {
            print::data(&problem.to_string()).err().unwrap_or(Failure::Told)
        }
        other => other,
    }
}
