//! Fills a store with records, in big batches of which several are on their way.

use std::collections::VecDeque;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use watchglass::model::ProjectId;
use watchglass::store::{Answers, Store};

use crate::load::per_second;
use crate::records::{Amount, Records};

const BATCH: usize = 2_000;
/// Batches that are on their way while the next one is made.
const UNDER_WAY: usize = 3;
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Writes `amount` of records that were made over so long a time, and tells on standard error how far it is.
pub(crate) async fn fill(store: &dyn Store, (amount, over): (Amount, Duration)) -> Result<()> {
    let project = ProjectId::default_project();
    let mut records = Records::new(amount, over);
    let mut under_way = VecDeque::new();
    let started = Instant::now();
    let (mut written, mut told) = (0_u64, started);
    loop {
        let batch: Vec<_> = records.by_ref().take(BATCH).collect();
        let ended = batch.is_empty();
        if !ended {
            under_way.push_back(store.write(&project, batch));
        }
        while under_way.len() > if ended { 0 } else { UNDER_WAY } {
            let Some(answers) = under_way.pop_front() else { break };
            written += check(answers.await)?;
        }
        if told.elapsed() > TELL_EVERY {
            told = Instant::now();
            tell(&format!(
                "{written} writes of about {}, {:.0} a second",
                amount.logs + 2 * amount.spans,
                per_second(written, started.elapsed())
            ));
        }
        if ended {
            return Ok(());
        }
    }
}

fn check(answers: Answers) -> Result<u64> {
    let count = answers.len() as u64;
    answers.into_iter().collect::<Result<Vec<_>, _>>().context("a write failed")?;
    Ok(count)
}

pub(crate) fn tell(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}
