//! `watchglass key create|list|revoke`: who may call a server over a network.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, one_shot, print};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, parse_duration};
use crate::model::{ApiKey, Key, Problem, Scope, Scopes, Timestamp};
use crate::service::{NewKey, Service};

#[derive(Debug, Clone, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Make a key and print it, once; from the first key on, every request over HTTP needs one
    Create(Create),
    /// List the keys, those revoked and expired too
    List,
    /// Take a key back; servers refuse it within seconds
    Revoke {
        /// The key's id, or all of the key
        id: String,
    },
}

#[derive(Debug, Clone, Args)]
struct Create {
    /// What it allows: ingest, read (which includes metrics), metrics, admin; several with commas
    #[arg(long = "scope", value_name = "SCOPES", required = true, value_delimiter = ',', value_parser = scope)]
    scopes: Vec<Scope>,
    /// Whose records it opens
    #[arg(long, value_name = "PROJECT", default_value = "default")]
    project: String,
    /// What to call it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// For how long it is good, such as 90d; by default until it is revoked
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires: Option<Duration>,
}

fn scope(text: &str) -> Result<Scope, String> {
    text.parse().map_err(|problem: Problem| match &problem.hint {
        Some(hint) => format!("{problem}: {hint}"),
        None => problem.to_string(),
    })
}

/// Does what is asked with the keys of the store.
pub(super) fn run(keys: &Keys, mut config: Config) -> Result<(), Failure> {
    let worked = one_shot::run(&mut config, async |calls| match &keys.command {
        Command::Create(create) => create.run(calls.service()).await,
        Command::List => list(calls.service()).await,
        Command::Revoke { id } => revoke(calls.service(), id).await,
    });
    let told = worked.map_err(one_shot::tell)?;
    let (text, note) = if print::is_read_by_a_person() { told.read } else { (told.json.to_string(), None) };
    print::data(text.trim_end())?;
    if let Some(note) = note {
        print::note(&note);
    }
    Ok(())
}

/// What there is to say: to a person, with a note beside it, and to a program.
struct Told {
    read: (String, Option<String>),
    json: Value,
}

impl Create {
    async fn run(&self, service: &Service) -> Result<Told, Problem> {
        let asked = NewKey {
            project: self.project.clone(),
            scopes: self.scopes.iter().copied().collect::<Scopes>(),
            name: self.name.clone(),
            lifetime: self.expires,
        };
        let (key, text): (Key, ApiKey) = service.create_key(asked).await?;
        let mut json = shown(&key, key.created);
        json["key"] = text.reveal().into();
        let note = format!(
            "shown this once; it allows {} in the project {}, sent as `Authorization: Bearer KEY`",
            key.scopes, key.project
        );
        Ok(Told { read: (text.reveal(), Some(note)), json })
    }
}

async fn list(service: &Service) -> Result<Told, Problem> {
    let keys = service.keys().await?;
    let now = SystemClock.now();
    let json: Vec<Value> = keys.iter().map(|key| shown(key, now)).collect();
    let mut lines =
        vec![row(["ID", "STATE", "SCOPES", "PROJECT", "CREATED", "LAST USED", "NAME"].map(str::to_owned))];
    lines.extend(keys.iter().map(|key| {
        let day = |time: Option<Timestamp>| {
            time.map_or_else(|| "never".to_owned(), |time| time.to_rfc3339().chars().take(16).collect())
        };
        row([
            key.id.clone(),
            state(key, now).to_owned(),
            key.scopes.to_string(),
            key.project.to_string(),
            day(Some(key.created)),
            day(key.last_used),
            key.name.clone().unwrap_or_default(),
        ])
    }));
    let none = "there are no keys: whoever reaches the server may read and write".to_owned();
    let read = if keys.is_empty() { none } else { lines.join("\n") };
    Ok(Told { read: (read, None), json: json.into() })
}

async fn revoke(service: &Service, id: &str) -> Result<Told, Problem> {
    let key = service.revoke_key(id).await?;
    Ok(Told { read: (format!("revoked {}", key.id), None), json: shown(&key, SystemClock.now()) })
}

/// A key without its secret's hash.
fn shown(key: &Key, now: Timestamp) -> Value {
    let time = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
    json!({
        "id": key.id,
        "state": state(key, now),
        "project": key.project,
        "scopes": key.scopes,
        "name": key.name,
        "created": time(Some(key.created)),
        "expires": time(key.expires),
        "last_used": time(key.last_used),
        "revoked": time(key.revoked),
    })
}

fn state(key: &Key, now: Timestamp) -> &'static str {
    match key {
        Key { revoked: Some(_), .. } => "revoked",
        key if key.is_valid(now) => "valid",
        _ => "expired",
    }
}

fn row(cells: [String; 7]) -> String {
    let [id, state, scopes, project, created, used, name] = cells;
    format!("{id:<16}  {state:<7}  {scopes:<26}  {project:<12}  {created:<16}  {used:<16}  {name}")
}
