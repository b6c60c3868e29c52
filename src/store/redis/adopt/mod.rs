//! Adoption: what the published scripts write gets the index entries that our own records have from the start.
//!
//! A script that still writes to the same server leaves no entries, so what it writes is found by id and by exact
//! type alone. A round goes through all names, slice by slice: [`logs`] and [`spans`] without our mark are
//! indexed and counted, and spans that a script has ended leave the index of open ones and are counted again. All of it may be done again, and by
//! two at once: an entry is a member of a set, and a span is marked in the step that indexes it.
//!
//! **Cost:** a slice is one short script over [`NAMES`] names, one over [`logs::CHUNK`] logs, and the entries of
//! what is new. Spans that are marked and sets of logs that have not changed cost no more than that look.

mod logs;
mod spans;

use self::logs::Logs;
use super::RedisStore;
use super::command::{Request, Script};
use super::connection::{Reply, read};
use super::error::is_outage;
use super::keys::Keys;
use crate::model::{Problem, ProjectId, Timestamp};
use crate::store::Adopted;

/// Names that a slice looks at: about a millisecond of the server's time.
const NAMES: usize = 1_000;

static SURVEY: Script = Script::new(include_str!("survey.lua"));

/// How far this process has come. Another one begins anew, and finds entries and marks where there are any.
#[derive(Debug, Default)]
pub(super) struct Adoption {
    stage: Stage,
    logs: Logs,
}

/// Where a round is.
#[derive(Debug, Clone)]
enum Stage {
    /// Among all names, at this cursor.
    Names(String),
    /// Among the open spans, at this rank.
    Open(usize),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Names("0".into())
    }
}

/// The next cursor; event types, each with what tells of a change; ids of spans that the numbers don't know.
type Survey = (String, Vec<(Vec<u8>, String)>, Vec<Vec<u8>>);

impl RedisStore {
    /// Does a slice of a round; tells how many records got their entries, and whether there is more to do now.
    pub(super) async fn adopt_slice(&self, now: Timestamp) -> Result<Adopted, Problem> {
        let keys = self.layout.project(&ProjectId::default_project());
        let mut adoption = self.adoption.lock().await;
        let mut records = 0;
        let next = match adoption.stage.clone() {
            Stage::Names(cursor) => {
                let (cursor, types, spans) = self.survey(&keys, cursor).await?;
                self.compare_logs(&mut adoption.logs, &keys, types).await?;
                records += self.adopt_spans(&keys, spans).await?;
                if cursor == "0" {
                    adoption.logs.forget_unseen();
                    Some(Stage::Open(0))
                } else {
                    Some(Stage::Names(cursor))
                }
            }
            Stage::Open(rank) => self.sweep_open(&keys, rank).await?.map(Stage::Open),
        };
        let round_goes_on = next.is_some();
        adoption.stage = next.unwrap_or_default();
        records += self.read_logs(&mut adoption.logs, &keys, now).await?;
        Ok(Adopted { records, more: round_goes_on || adoption.logs.are_unread() })
    }

    async fn survey(&self, keys: &Keys, cursor: String) -> Result<Survey, Problem> {
        let names = NAMES.to_string();
        let request = Request::Script {
            script: &SURVEY,
            keys: vec![keys.span_index(keys.shard_of(""))],
            arguments: [cursor.as_str(), &names, self.layout.prefix()]
                .map(|argument| argument.as_bytes().to_vec())
                .to_vec(),
        };
        read(self.reads.ask(request).await)
    }
}

/// The reply to one record's commands. What the server refuses of one record is left out, so that an odd key can't
/// stop the rest.
fn of_one(reply: Reply) -> Result<Option<redis::Value>, Problem> {
    match reply {
        Ok(value) => Ok(Some(value)),
        Err(problem) if is_outage(&problem) => Err(problem),
        Err(problem) => {
            tracing::debug!(%problem, "a record can't be adopted");
            Ok(None)
        }
    }
}
