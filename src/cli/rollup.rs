//! `watchglass rollup rebuild`: recounts the numbers from the records.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::open::{Opened, open};
use super::{Failure, on_one_thread, print};
use crate::config::Config;
use crate::model::text::on_one_line;
use crate::model::{Grant, Problem, ProjectId, Scopes};
use crate::service::{Caller, WholeHours};

#[derive(Debug, Clone, Args)]
pub(super) struct Rollup {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Recount every hour whose records are all held, while watchglass goes on
    Rebuild(Rebuild),
}

#[derive(Debug, Clone, Args)]
struct Rebuild {
    /// From the hour of this time on, such as 2d or a time; by default from the first that is wholly held
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only this project; by default all of them
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
}

/// What was recounted of a project.
struct Recounted {
    project: ProjectId,
    whole: WholeHours,
}

/// Recounts, and says what it did.
pub(super) fn run(config: &Config, arguments: &Rollup) -> Result<(), Failure> {
    let Command::Rebuild(rebuild) = &arguments.command;
    let config = Config { echo: false, ..config.clone() };
    let all = on_one_thread(async {
        let opened = open(&config).await?;
        let recounted = every_project(&opened, rebuild).await;
        opened.service.close().await;
        recounted.map_err(Failure::Problem)
    })??;
    if print::is_read_by_a_person() {
        return all.iter().flat_map(Recounted::lines).try_for_each(|line| print::data(&line));
    }
    print::data(&json!({ "projects": all.iter().map(Recounted::json).collect::<Vec<_>>() }).to_string())
}

async fn every_project(opened: &Opened, rebuild: &Rebuild) -> Result<Vec<Recounted>, Problem> {
    let projects = match &rebuild.project {
        Some(name) => vec![ProjectId::parse("project", name)?],
        None => opened.store.projects().await?,
    };
    let mut all = Vec::with_capacity(projects.len());
    for project in projects {
        let grant = Grant { project: project.clone(), scopes: Scopes::all(), key_id: None };
        let caller = Caller::new(grant, None);
        let whole = opened.service.whole_hours(&caller, rebuild.since.as_deref()).await?;
        let progress = print::Progress::new();
        for hour in whole.starts() {
            progress.show(&format!("{project}: the hour of {}", hour.to_rfc3339()));
            opened.service.rebuild_hour(&caller, hour).await?;
        }
        all.push(Recounted { project, whole });
    }
    Ok(all)
}

impl Recounted {
    fn json(&self) -> Value {
        let WholeHours { hours, more_before } = &self.whole;
        json!({
            "project": self.project,
            "since": hours.start.to_rfc3339(),
            "until": hours.end.to_rfc3339(),
            "hours": self.whole.starts().count(),
            "more_before": more_before,
        })
    }

    fn lines(&self) -> Vec<String> {
        let (project, hours) = (on_one_line(self.project.as_str()), &self.whole.hours);
        let told = match self.whole.starts().count() {
            0 => format!("{project}: there is no hour to recount"),
            1 => format!("{project}: recounted the hour from {} on", hours.start.to_rfc3339()),
            count => format!("{project}: recounted {count} hours, from {} on", hours.start.to_rfc3339()),
        };
        let kept = "  older records are gone in part, so the numbers of their hours stay as they are";
        std::iter::once(told).chain(self.whole.more_before.then(|| kept.to_owned())).collect()
    }
}
