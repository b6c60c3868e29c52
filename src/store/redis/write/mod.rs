//! The one task that writes: group after group, each in a few round trips.
//!
//! A group is split into waves, so that no record of a wave depends on another. A wave takes, as far as its
//! records need it, one round trip to claim idempotency keys, one to read what the rules ask for, one to
//! admit new series, one for index entries in other shards (on a cluster), and one for the records
//! themselves: one script each. The record is there when its body is; a reader skips an index entry without a
//! body.
//!
//! **Invariant:** what is sent may be sent again. Logs are members of sets, points leave a marker, spans change
//! only if they are still what was read.

mod claims;
mod draft;
mod effects;
mod import;
mod log;
mod points;
mod rollups;
mod span;
mod upkeep;
mod waves;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use redis::Value;

use super::command::{Command, Request, requests};
use super::connection::{Link, Reply};
use super::error::is_outage;
use super::keys::{Keys, Layout};
use crate::model::{Code, Pricing, Problem, Record, Tier, Write, Written};
use crate::store::queue::{Groups, Submission};
use crate::store::{Retention, StoreOptions};
use claims::Claim;
use draft::Draft;
use points::Admissions;
use upkeep::Upkeep;

pub(super) use effects::{await_parent, effects, removal};
pub(super) use log::trace_entries;
pub(super) use points::series_id;
pub(super) use rollups::{list, of_failure, recounted, tally};
pub(super) use span::span_entries;

/// How often a record is tried that another process keeps changing.
const MAX_ATTEMPTS: usize = 5;

/// The writer's state.
pub(super) struct Writer {
    link: Link,
    layout: Layout,
    ttl: Ttl,
    admissions: Admissions,
    upkeep: Upkeep,
    pricing: Arc<dyn Pricing>,
    /// Projects that are known to be in the set of projects.
    registered: HashSet<String>,
}

/// Seconds after which keys vanish that nothing touches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ttl {
    pub(super) traces: u64,
    pub(super) logs: u64,
    pub(super) series: u64,
    pub(super) rollups: u64,
}

impl Ttl {
    /// How long the numbers of a tier stay. Minutes stay a little longer than the spans from which they are recounted.
    pub(super) const fn rollup(self, tier: Tier) -> u64 {
        match tier {
            Tier::Minute => self.traces + 3_600,
            Tier::Hour => self.rollups,
        }
    }
}

impl From<&Retention> for Ttl {
    fn from(retention: &Retention) -> Self {
        let seconds = |time: Duration| time.as_secs().max(1);
        Self {
            traces: seconds(retention.traces),
            logs: seconds(retention.logs),
            series: seconds(retention.series),
            rollups: seconds(retention.rollups),
        }
    }
}

/// One record on its way.
struct Item {
    /// Which of the group's callers sent it.
    caller: usize,
    keys: Arc<Keys>,
    write: Write,
    claim: Claim,
    answer: Option<Result<Written, Problem>>,
}

impl Writer {
    /// A writer that sends over `link`.
    pub(super) fn new(link: Link, layout: Layout, options: &StoreOptions) -> Self {
        Self {
            link,
            layout,
            ttl: Ttl::from(&options.retention),
            admissions: Admissions::default(),
            upkeep: Upkeep::default(),
            pricing: Arc::clone(&options.pricing),
            registered: HashSet::new(),
        }
    }

    /// Writes until no submitter is left.
    pub(super) async fn run(mut self, mut groups: Groups) {
        while let Some(group) = groups.next().await {
            let Some(outage) = self.commit(group).await else { continue };
            // Whoever waits would wait as long again and hear the same.
            while let Some(Some(waiting)) = groups.next().now_or_never() {
                for submission in waiting {
                    submission.fail(&outage);
                }
            }
        }
    }

    /// Writes a group and answers its callers; tells if the store could not be reached.
    async fn commit(&mut self, mut group: Vec<Submission>) -> Option<Problem> {
        let mut items = self.items(&mut group);
        let mut outage = self.register(&group).await.err();
        for wave in waves::split(&items) {
            let mut wave: Vec<&mut Item> = select(&mut items, &wave);
            if let Some(problem) = &outage {
                for item in wave {
                    item.answer = Some(Err(problem.clone()));
                }
                continue;
            }
            self.write_wave(&mut wave).await;
            outage = common_outage(&wave);
        }
        let mut answers: Vec<Vec<_>> = group.iter().map(|_| Vec::new()).collect();
        for item in items {
            let unanswered = || Err(Problem::internal("a record was not answered"));
            answers[item.caller].push(item.answer.unwrap_or_else(unanswered));
        }
        for (submission, answers) in group.into_iter().zip(answers) {
            submission.answer(answers);
        }
        outage
    }

    fn items(&self, group: &mut [Submission]) -> Vec<Item> {
        let mut items = Vec::new();
        for (caller, submission) in group.iter_mut().enumerate() {
            let keys = Arc::new(self.layout.project(&submission.project));
            items.extend(std::mem::take(&mut submission.batch).into_iter().map(|write| Item {
                caller,
                keys: Arc::clone(&keys),
                write,
                claim: Claim::None,
                answer: None,
            }));
        }
        items
    }

    /// Notes projects that this process has not written before, so that retention finds them.
    async fn register(&mut self, group: &[Submission]) -> Result<(), Problem> {
        let mut new: Vec<&str> = group
            .iter()
            .map(|submission| submission.project.as_str())
            .filter(|project| !self.registered.contains(*project))
            .collect();
        new.dedup();
        if new.is_empty() {
            return Ok(());
        }
        self.link.ask(Command::new("SADD", self.layout.projects()).arg(&new)).await?;
        self.registered.extend(new.into_iter().map(str::to_owned));
        Ok(())
    }

    async fn write_wave(&mut self, wave: &mut [&mut Item]) {
        claims::stake(&self.link, wave).await;
        for _ in 0..MAX_ATTEMPTS {
            let mut open: Vec<&mut Item> =
                wave.iter_mut().map(|item| &mut **item).filter(|item| item.answer.is_none()).collect();
            if open.is_empty() {
                break;
            }
            let mut drafts = self.decide(&mut open).await;
            self.admit(&mut open, &mut drafts).await;
            self.store(&mut open, drafts).await;
        }
        for item in wave.iter_mut().filter(|item| item.answer.is_none()) {
            let problem = Problem::new(Code::StorageTimeout, "another process kept changing the record");
            item.answer = Some(Err(problem));
        }
        claims::release(&self.link, wave).await;
    }

    /// Reads what the rules ask for and puts them to each record: an answer, or a draft of what to write.
    async fn decide(&mut self, open: &mut [&mut Item]) -> Vec<Draft> {
        let mut requests: Vec<Request> = Vec::new();
        let ends: Vec<usize> = open
            .iter()
            .map(|item| {
                requests.extend(reads(item).into_iter().map(Request::from));
                requests.len()
            })
            .collect();
        let mut replies =
            if requests.is_empty() { Vec::new() } else { self.link.send(&requests).await }.into_iter();
        let mut drafts = Vec::new();
        let mut planned = HashMap::new();
        let mut taken = 0;
        for ((index, item), end) in open.iter_mut().enumerate().zip(ends) {
            let replies: Vec<Reply> = replies.by_ref().take(end - taken).collect();
            taken = end;
            match self.rule(index, item, replies, &mut planned) {
                Ok(Decision::Write(draft)) => drafts.push(draft),
                Ok(Decision::Stored(written)) => item.answer = Some(Ok(written)),
                Err(problem) => item.answer = Some(Err(problem)),
            }
        }
        span::find_agents(&self.link, open, &mut drafts).await;
        drafts
    }

    fn rule(
        &mut self,
        index: usize,
        item: &Item,
        replies: Vec<Reply>,
        planned: &mut Planned,
    ) -> Result<Decision, Problem> {
        let (keys, ttl) = (&item.keys, self.ttl);
        match &item.write.record {
            Record::Log(log) => Ok(match log::write(index, keys, ttl, log, replies)? {
                Decision::Write(draft) => Decision::Write(self.upkeep.spare(draft, log.timestamp)),
                stored @ Decision::Stored(_) => stored,
            }),
            Record::SpanStart(span) => span::start(index, keys, ttl, span, item.claim, replies, planned),
            Record::SpanEnd(end) => span::end(index, keys, end, &*self.pricing, replies),
            Record::Point(point) => {
                Ok(Decision::Write(points::draft(index, keys, ttl, point, item.write.idempotency.is_some())))
            }
            Record::Import(import) => import::draft(index, keys, ttl, import, replies, planned),
        }
    }

    /// Sends the drafts: entries in other shards first, then each record in its own.
    async fn store(&mut self, open: &mut [&mut Item], drafts: Vec<Draft>) {
        let mut drafts: Vec<Draft> = drafts
            .into_iter()
            .filter(|draft| open[draft.item].answer.is_none())
            .map(|draft| {
                let keys = Arc::clone(&open[draft.item].keys);
                draft.finish(&keys, self.ttl)
            })
            .collect();
        let elsewhere = drafts.iter().map(|draft| {
            let entries = draft.entries_elsewhere();
            (draft.item, entries.flat_map(|commands| requests(&[], commands)).collect())
        });
        for (item, outcome) in self.send_all(elsewhere.collect()).await {
            if let Err(problem) = outcome {
                open[item].answer = Some(Err(problem));
            }
        }
        drafts.retain(|draft| open[draft.item].answer.is_none());
        let records = drafts.iter().map(|draft| (draft.item, requests(&draft.guards, draft.record())));
        let outcomes = self.send_all(records.collect()).await;
        for (draft, (item, outcome)) in drafts.into_iter().zip(outcomes) {
            match outcome {
                // Another process was faster: the rules are put to what it wrote.
                Ok(Sent::Changed) => {}
                Ok(Sent::Repeated) => open[item].answer = Some(Ok(draft.repeated())),
                Ok(Sent::Written) => open[item].answer = Some(Ok(draft.written)),
                Err(problem) => open[item].answer = Some(Err(problem)),
            }
        }
    }

    /// Sends what belongs to several items in one go; what became of each item's.
    async fn send_all(
        &mut self,
        of_items: Vec<(usize, Vec<Request>)>,
    ) -> Vec<(usize, Result<Sent, Problem>)> {
        let counts: Vec<(usize, usize)> =
            of_items.iter().map(|(item, requests)| (*item, requests.len())).collect();
        let all: Vec<Request> = of_items.into_iter().flat_map(|(_, requests)| requests).collect();
        if all.is_empty() {
            return counts.into_iter().map(|(item, _)| (item, Ok(Sent::Written))).collect();
        }
        let mut replies = self.link.send(&all).await.into_iter();
        let sent: Vec<_> = counts
            .into_iter()
            .map(|(item, count)| {
                let replies: Vec<Reply> = replies.by_ref().take(count).collect();
                (item, replies.into_iter().try_fold(Sent::Written, |sent, reply| Ok(sent.and(&reply?))))
            })
            .collect();
        if sent.iter().any(|(_, outcome)| outcome.is_err()) {
            self.upkeep.forget();
        }
        sent
    }
}

/// What became of a record that reached the server.
#[derive(Clone, Copy)]
enum Sent {
    Written,
    /// It had been written before.
    Repeated,
    /// A guard found another state than was read.
    Changed,
}

impl Sent {
    /// With what one more reply says; a plain command's says nothing of guards.
    fn and(self, reply: &Value) -> Self {
        let word = match reply {
            Value::SimpleString(word) => word.as_bytes(),
            Value::BulkString(word) => word,
            _ => b"",
        };
        match word {
            b"changed" => Self::Changed,
            b"done" => Self::Repeated,
            _ => self,
        }
    }
}

/// Spans that a wave is about to start, by the key of their trace.
type Planned = HashMap<String, u64>;

/// What the rules make of a record.
enum Decision {
    /// It is to be written.
    Write(Draft),
    /// It is stored already, and this is its answer.
    Stored(Written),
}

/// What has to be read before the rules can be put to a record.
fn reads(item: &Item) -> Vec<Command> {
    match &item.write.record {
        Record::Log(log) => log::reads(&item.keys, log, item.claim),
        Record::SpanStart(span) => span::start_reads(&item.keys, span),
        Record::SpanEnd(end) => vec![Command::new("HGETALL", item.keys.span(end.span_id.as_str()))],
        Record::Import(import) => import::reads(&item.keys, import),
        Record::Point(_) => Vec::new(),
    }
}

fn select<'a>(items: &'a mut [Item], wave: &[usize]) -> Vec<&'a mut Item> {
    let mut wanted = wave.iter().copied().peekable();
    items
        .iter_mut()
        .enumerate()
        .filter(|(index, _)| wanted.next_if_eq(index).is_some())
        .map(|(_, item)| item)
        .collect()
}

/// The outage that every record of the wave met.
fn common_outage(wave: &[&mut Item]) -> Option<Problem> {
    let problem =
        |item: &Item| item.answer.as_ref()?.as_ref().err().filter(|problem| is_outage(problem)).cloned();
    let first = problem(wave.first()?)?;
    wave.iter().all(|item| problem(item).is_some()).then_some(first)
}
