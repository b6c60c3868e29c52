//! What keeps keys from vanishing and traces from looking silent: done once a second for a key, not for every log.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::draft::Draft;
use crate::model::Timestamp;
use crate::store::redis::command::Command;

/// How long what was done for a key holds. Times to live and silence are matters of hours.
const HOLDS: Duration = Duration::from_secs(1);
/// Keys that are remembered.
const MAX_KEYS: usize = 8_192;

/// The commands of this kind that were sent lately, by their name and key.
#[derive(Debug, Default)]
pub(super) struct Upkeep(HashMap<(&'static str, String), (Instant, Timestamp)>);

impl Upkeep {
    /// Takes out of a log's draft what was done just now for the same key.
    ///
    /// Logs alone are spared it: the keys that they touch are never emptied within the time that this holds.
    pub(super) fn spare(&mut self, mut draft: Draft, at: Timestamp) -> Draft {
        draft.entries.retain(|command| self.is_due(command, at));
        draft.body.retain(|command| self.is_due(command, at));
        draft
    }

    /// Forgets what was sent: not all of it has arrived.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    fn is_due(&mut self, command: &Command, at: Timestamp) -> bool {
        if !matches!(command.name, "EXPIRE" | "ZREMRANGEBYSCORE" | "NEWER" | "HSETNX") {
            return true;
        }
        let (now, name) = (Instant::now(), (command.name, command.key.name.clone()));
        let holds = self.0.get(&name).is_some_and(|(sent, known)| {
            now.duration_since(*sent) < HOLDS && known.minus(HOLDS) < at && at < known.plus(HOLDS)
        });
        if !holds {
            if self.0.len() >= MAX_KEYS {
                self.forget();
            }
            self.0.insert(name, (now, at));
        }
        !holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ProjectId, Written, testing};
    use crate::store::redis::keys::Layout;

    fn draft() -> Draft {
        let keys = Layout::single("").project(&ProjectId::default_project());
        let mut draft = Draft::new(0, keys.shard_of("1"), Written::Log(Box::new(testing::log("m"))));
        let trace = keys.trace("1");
        draft.entries = ["ZADD", "NEWER", "EXPIRE"].map(|name| Command::new(name, trace.clone())).into();
        draft.body = vec![Command::new("ZADD", keys.trace_logs("1"))];
        draft
    }

    fn left(draft: &Draft) -> Vec<&'static str> {
        draft.entries.iter().chain(&draft.body).map(|command| command.name).collect()
    }

    #[test]
    fn upkeep_is_done_once_a_second_and_again_after_a_failure() {
        let all = ["ZADD", "NEWER", "EXPIRE", "ZADD"];
        let mut upkeep = Upkeep::default();
        let at = Timestamp::from_micros;
        assert_eq!(left(&upkeep.spare(draft(), at(5_000_000))), all);
        assert_eq!(left(&upkeep.spare(draft(), at(5_999_999))), ["ZADD", "ZADD"], "records are never spared");
        assert_eq!(left(&upkeep.spare(draft(), at(6_000_000))), all);
        assert_eq!(left(&upkeep.spare(draft(), at(5_000_000))), all, "the clock was set back");
        upkeep.forget();
        assert_eq!(left(&upkeep.spare(draft(), at(5_000_000))), all);
    }
}
