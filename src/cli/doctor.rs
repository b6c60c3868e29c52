//! `watchglass doctor`: looks at all that a server needs, and says how to mend what is wrong.

mod checks;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{Failure, on_one_thread, print};
use crate::config::Config;
use crate::model::text::on_one_line;
use crate::store::StoreUrl;

#[derive(Debug, Clone, Args)]
pub(super) struct Doctor {
    /// Where the published scripts write
    #[arg(long, value_name = "URL", default_value = "redis://127.0.0.1:6379")]
    scripts_redis: String,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It works, and perhaps not as it is meant to.
    Warning,
    /// A server would not work.
    Failed,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// The thing.
    check: &'static str,
    state: State,
    /// How it stands: lower case, no full stop.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Finding {
    fn new(check: &'static str, state: State, message: impl Into<String>) -> Self {
        Self { check, state, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Looks at everything, and fails if something would not work.
pub(super) fn run(config: &Config, arguments: &Doctor) -> Result<(), Failure> {
    let Ok(scripts @ StoreUrl::Redis(_)) = StoreUrl::parse(&arguments.scripts_redis) else {
        // What can't be read can't be shown without what may be a password.
        return Err(Failure::Usage(
            "`--scripts-redis` is no address of a Redis, such as redis://localhost:6379".to_owned(),
        ));
    };
    let findings = on_one_thread(checks::all(config, &scripts))?;
    if print::is_read_by_a_person() {
        findings.iter().try_for_each(show)?;
    } else {
        print::data(&json!(findings).to_string())?;
    }
    match findings.iter().filter(|finding| finding.state == State::Failed).count() {
        0 => Ok(()),
        _ => Err(Failure::Told),
    }
}

fn show(finding: &Finding) -> Result<(), Failure> {
    let state = match finding.state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Failed => "failed",
    };
    // It may quote what a store or a gateway answers.
    print::data(&format!("{state:<8} {:<14} {}", finding.check, on_one_line(&finding.message)))?;
    if let Some(hint) = &finding.hint {
        print::data(&format!("{:24}{}", "", on_one_line(hint)))?;
    }
    Ok(())
}
