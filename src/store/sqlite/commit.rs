//! The thread that writes: whatever waits goes into one transaction.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::connection::Connections;
use super::ledger::Ledger;
use super::{make_project, write};
use crate::model::{Pricing, ProjectId};
use crate::store::Answers;
use crate::store::queue::{Groups, Submission};

/// Commits groups until there are no more.
pub(super) fn groups(connections: &Connections, mut groups: Groups, pricing: &dyn Pricing) {
    while let Some(group) = groups.next_blocking() {
        if group.iter().all(|submission| submission.batch.is_empty()) {
            for submission in group {
                submission.answer(Answers::new());
            }
            continue;
        }
        let committed = connections.write(|connection| answers(connection, &group, pricing));
        groups.committed();
        match committed {
            Ok(all) => {
                for (submission, answers) in group.into_iter().zip(all) {
                    submission.answer(answers);
                }
            }
            Err(problem) => {
                for submission in group {
                    submission.fail(&problem);
                }
            }
        }
    }
}

fn answers(
    connection: &Connection,
    group: &[Submission],
    pricing: &dyn Pricing,
) -> rusqlite::Result<Vec<Answers>> {
    let mut ledgers: BTreeMap<&ProjectId, Ledger<'_>> = BTreeMap::new();
    let mut all = Vec::with_capacity(group.len());
    for submission in group {
        let ledger = match ledgers.entry(&submission.project) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Ledger::new(connection, make_project(connection, &submission.project)?))
            }
        };
        let answers = submission.batch.iter().map(|write| write::apply(ledger, write, pricing));
        all.push(answers.collect::<rusqlite::Result<Answers>>()?);
    }
    ledgers.into_values().try_for_each(Ledger::flush)?;
    Ok(all)
}
