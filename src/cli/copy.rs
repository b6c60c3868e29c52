//! `watchglass copy`: all that one store holds, into another.

use std::path::Path;

use clap::Args;
use futures::StreamExt;
use serde::Serialize;
use serde_json::json;

use super::open::{Opened, open};
use super::{Failure, on_one_thread, print};
use crate::config::Config;
use crate::model::text::on_one_line;
use crate::model::{Grant, Problem, ProjectId, Scopes};
use crate::service::Caller;
use crate::service::transfer::{Export, Imported, Refusal, Tally};
use crate::store::StoreUrl;

#[expect(clippy::doc_markdown, reason = "these texts are the help, which is not Markdown")]
#[derive(Debug, Clone, Args)]
pub(super) struct Copy {
    /// The store to read, such as sqlite:PATH or redis://HOST; it stays as it is
    #[arg(long, value_name = "STORE")]
    from: String,
    /// The store to write to; what is there already stays as it is
    #[arg(long, value_name = "STORE")]
    to: String,
    /// Only this project; by default all of them
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Only what is newer, such as 7d or a time; by default all that is kept
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
}

/// What was copied of a project.
#[derive(Debug, Serialize)]
struct Copied {
    project: ProjectId,
    #[serde(flatten)]
    told: Imported,
}

/// Copies, and says what it did. It can be broken off and begun again: nothing is written twice.
pub(super) fn run(config: &Config, arguments: &Copy) -> Result<(), Failure> {
    let (from, to) = (address("--from", &arguments.from)?, address("--to", &arguments.to)?);
    if is_same(&from, &to) {
        return Err(Failure::Usage("`--from` and `--to` are the same store".to_owned()));
    }
    if let StoreUrl::Sqlite(path) = &from
        && !path.exists()
    {
        // To open it would make it.
        return Err(Failure::new(format!("there is no store to read at {from}")));
    }
    let all = on_one_thread(copy(config, arguments))??;
    let text = if print::is_read_by_a_person() {
        all.iter().map(table).collect::<Vec<_>>().join("\n\n")
    } else {
        json!({ "from": from.to_string(), "to": to.to_string(), "projects": all }).to_string()
    };
    print::data(&text)?;
    if all.iter().any(|copied| copied.told.refused > 0) { Err(Failure::Told) } else { Ok(()) }
}

async fn copy(config: &Config, arguments: &Copy) -> Result<Vec<Copied>, Failure> {
    let at = async |url: &str| {
        let mut config = Config { echo: false, ..config.clone() };
        config.store.url = url.to_owned().into();
        open(&config).await
    };
    let from = at(&arguments.from).await?;
    let to = at(&arguments.to).await?;
    let copied = every_project(&from, &to, arguments).await;
    to.service.close().await;
    from.service.close().await;
    copied.map_err(Failure::Problem)
}

async fn every_project(from: &Opened, to: &Opened, arguments: &Copy) -> Result<Vec<Copied>, Problem> {
    if from.store.adopts() {
        // What scripts wrote a moment ago is to be found, too.
        from.service.adopt("copy").await?;
    }
    let projects = match &arguments.project {
        Some(name) => vec![ProjectId::parse("project", name)?],
        None => from.store.projects().await?,
    };
    let mut all = Vec::with_capacity(projects.len());
    for project in projects {
        all.push(one_project(from, to, project, arguments.since.clone()).await?);
    }
    Ok(all)
}

async fn one_project(
    from: &Opened,
    to: &Opened,
    project: ProjectId,
    since: Option<String>,
) -> Result<Copied, Problem> {
    let grant = Grant { project: project.clone(), scopes: Scopes::all(), key_id: None };
    let caller = Caller::new(grant, None);
    let mut pages = from.service.all_of(&caller, &Export { since, ..Export::default() })?;
    let mut importer = to.service.importer(&caller)?;
    let progress = print::Progress::new();
    while let Some(page) = pages.next().await {
        importer.take(page?.into_iter().map(|item| (None, item)).collect()).await?;
        let told = importer.told();
        let seen = told.imported + told.already_there + told.too_old + told.refused;
        progress.show(&format!("{project}: {seen} records, {} of them new", told.imported));
    }
    Ok(Copied { project, told: importer.finish() })
}

fn address(flag: &str, text: &str) -> Result<StoreUrl, Failure> {
    match StoreUrl::parse(text) {
        Ok(StoreUrl::Memory) => {
            Err(Failure::Usage(format!("`{flag}` is a store in memory, which ends with the command")))
        }
        Ok(url) => Ok(url),
        // It may hold a password, so it is not repeated.
        Err(problem) => {
            let hint = problem.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
            Err(Failure::Usage(format!("`{flag}`: {problem}{hint}")))
        }
    }
}

/// Whether both addresses name one store, as far as they tell.
fn is_same(from: &StoreUrl, to: &StoreUrl) -> bool {
    let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match (from, to) {
        (StoreUrl::Sqlite(one), StoreUrl::Sqlite(other)) => resolved(one) == resolved(other),
        (StoreUrl::Redis(one), StoreUrl::Redis(other)) => {
            from.is_same_server(to) && database(one) == database(other)
        }
        // Without users and passwords.
        _ => from.to_string() == to.to_string(),
    }
}

/// Which part of a server: the number of the database, and what stands before every key.
fn database(url: &str) -> Option<(String, Option<String>)> {
    let url = url::Url::parse(url).ok()?;
    let prefix = url.query_pairs().find(|(name, _)| name == "prefix").map(|(_, prefix)| prefix.into_owned());
    let number = url.path().trim_matches('/');
    Some((if number.is_empty() { "0".to_owned() } else { number.to_owned() }, prefix))
}

/// What was copied of a project, as people read it.
fn table(copied: &Copied) -> String {
    let kinds = &copied.told.kinds;
    let rows =
        [("logs", kinds.logs), ("spans", kinds.spans), ("points", kinds.points), ("series", kinds.series)];
    let mut lines = vec![format!("project {}", on_one_line(copied.project.as_str()))];
    lines.extend(rows.iter().map(|(name, tally)| format!("  {name:<8}{}", counts(tally))));
    lines.extend(copied.told.errors.iter().map(refusal));
    let more = copied.told.refused.saturating_sub(copied.told.errors.len() as u64);
    if more > 0 {
        lines.push(format!("  {more} more were refused"));
    }
    lines.join("\n")
}

fn counts(tally: &Tally) -> String {
    let notes = [
        (tally.already_there, "there already"),
        (tally.too_old, "older than they are kept"),
        (tally.refused, "refused"),
    ];
    let notes = notes.iter().filter(|(count, _)| *count > 0).map(|(count, note)| format!(", {count} {note}"));
    format!("{} copied{}", tally.imported, notes.collect::<String>())
}

fn refusal(refusal: &Refusal) -> String {
    let record = refusal.record.as_deref().unwrap_or("a record");
    format!("  refused {}: {}", on_one_line(record), on_one_line(&refusal.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_store_is_known_by_each_of_its_addresses() {
        let same = |one: &str, other: &str| {
            is_same(&StoreUrl::parse(one).unwrap(), &StoreUrl::parse(other).unwrap())
        };
        assert!(same("sqlite:./Cargo.toml", "sqlite:src/../Cargo.toml"));
        assert!(same("redis://localhost", "redis://user:secret@127.0.0.1:6379/0"));
        assert!(same("redis+cluster://a,b", "redis+cluster://u:p@a,b"));
        assert!(!same("sqlite:a.db", "sqlite:b.db"));
        assert!(!same("redis://localhost", "redis://localhost/1"));
        assert!(!same("redis://localhost", "redis://localhost?prefix=x"));
        assert!(!same("redis://localhost:1", "redis://localhost:2"));
    }
}
