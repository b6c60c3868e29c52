//! What a job that goes on for ever says of its rounds.

use crate::model::Problem;

/// The rounds of one job. That they fail is logged once for each change: a store that is down says so elsewhere too.
pub(super) struct Rounds {
    /// What is said of a round that failed.
    failed: &'static str,
    failing: bool,
}

impl Rounds {
    pub(super) const fn new(failed: &'static str) -> Self {
        Self { failed, failing: false }
    }

    /// How many records a round had to do with, if it ended well and there were any.
    pub(super) fn ended(&mut self, round: Result<u64, Problem>) -> Option<u64> {
        if let Err(problem) = &round
            && !self.failing
        {
            tracing::warn!(code = problem.code.as_str(), %problem, "{}", self.failed);
        }
        self.failing = round.is_err();
        round.ok().filter(|records| *records > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    #[test]
    fn a_round_tells_what_it_did_and_failures_are_remembered() {
        let mut rounds = Rounds::new("the job could not run");
        assert_eq!((rounds.ended(Ok(0)), rounds.failing), (None, false));
        let away = || Err(Problem::new(Code::StorageUnavailable, "away"));
        assert_eq!((rounds.ended(away()), rounds.failing), (None, true));
        assert_eq!((rounds.ended(away()), rounds.failing), (None, true));
        assert_eq!((rounds.ended(Ok(3)), rounds.failing), (Some(3), false));
    }
}
