//! Writing what another store held.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};

use super::answer::Outcome;
use super::check::check;
use super::item::Line;
use super::lines::{self, Lines};
use super::section::{Incomplete, Section};
use super::{Imported, Item, Kind};
use crate::model::{
    EventFilter, LevelFilter, LogQuery, Problem, ProjectId, Scope, Timestamp, Write, Written,
};
use crate::service::{Caller, Service, within_deadline};

/// Lines that are written at once.
const BATCH: usize = 500;
/// Bytes of lines that are held until they are written.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Logs that are looked through at once for those that are there.
const PAGE: usize = 1_000;
/// How long a client may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// How often a batch is tried that the store has no room for, or no time.
const ATTEMPTS: u32 = 5;

/// An item with the number of its line, if it has one.
pub type Numbered = (Option<u64>, Item);

/// Takes what another store held, batch by batch.
pub struct Importer {
    service: Arc<Service>,
    project: ProjectId,
    told: Imported,
}

impl Service {
    /// Begins an import into the caller's project.
    ///
    /// # Errors
    /// A caller who may not administer: an import chooses ids and times.
    pub fn importer(self: &Arc<Self>, caller: &Caller) -> Result<Importer, Problem> {
        let project = caller.project(Scope::Admin)?.clone();
        let told = Imported { complete: true, ..Imported::default() };
        Ok(Importer { service: Arc::clone(self), project, told })
    }

    /// Writes the lines of an export. What is there already stays as it is, so an import can be repeated.
    ///
    /// # Errors
    /// A body that is no export, before anything is written, and a store that does not take more.
    pub async fn import<B: AsRef<[u8]>, E>(
        self: &Arc<Self>,
        caller: &Caller,
        mut body: impl Stream<Item = Result<B, E>> + Unpin,
    ) -> Result<Imported, Problem> {
        let mut reader =
            Reader { importer: self.importer(caller)?, section: Section::default(), batch: Batch::default() };
        let mut lines = Lines::default();
        let broken = loop {
            let next = tokio::time::timeout(SILENCE, body.next()).await;
            match next {
                Ok(Some(Ok(chunk))) => reader.take(lines.push(chunk.as_ref())).await?,
                Ok(None) => break None,
                Ok(Some(Err(_))) => break Some("the body broke off"),
                Err(_) => break Some("the body did not go on"),
            }
        };
        if broken.is_none() {
            reader.take(lines.end()).await?;
        }
        reader.finish(lines.number(), broken).await
    }
}

/// Items that are to be written together, each with the number of its line.
#[derive(Default)]
struct Batch {
    items: Vec<Numbered>,
    bytes: usize,
}

/// Reads lines into batches.
struct Reader {
    importer: Importer,
    section: Section,
    batch: Batch,
}

impl Reader {
    async fn take(&mut self, lines: impl IntoIterator<Item = lines::Numbered>) -> Result<(), Problem> {
        for (number, line) in lines {
            self.line(number, line)?;
            if self.batch.items.len() >= BATCH || self.batch.bytes >= BATCH_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    fn line(&mut self, number: u64, line: Result<Vec<u8>, Problem>) -> Result<(), Problem> {
        let length = line.as_ref().map_or(0, Vec::len);
        match line.and_then(|line| Line::read(&line)) {
            Ok(Line::Frame(frame)) => match self.section.frame(frame) {
                Ok(()) => {}
                Err(Incomplete::Unknown(problem)) => return Err(problem),
                Err(Incomplete::Lines(message)) => self.importer.told.breaks_off(number, message),
            },
            Ok(Line::Item(item)) => {
                self.section.record(Some(item.kind()))?;
                self.batch.bytes += length;
                self.batch.items.push((Some(number), item));
            }
            Err(problem) => {
                self.section.record(None)?;
                self.importer.told.refuse(Some(number), None, &problem);
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Problem> {
        self.importer.take(std::mem::take(&mut self.batch).items).await
    }

    async fn finish(mut self, lines: u64, broken: Option<&str>) -> Result<Imported, Problem> {
        self.flush().await?;
        if let Some(why) = broken {
            self.importer.told.breaks_off(lines, format!("{why}: import it again to go on"));
        } else if lines == 0 {
            self.section.record(None)?;
        } else if !self.section.is_over() {
            let message = "the export ends without its last line: it was cut off";
            self.importer.told.breaks_off(lines, message.to_owned());
        }
        Ok(self.importer.finish())
    }
}

impl Importer {
    /// Writes items as another store held them, each with the number of its line if it has one.
    ///
    /// # Errors
    /// A store that does not take more. What was written until then stays, and is found when the import is repeated.
    pub async fn take(&mut self, batch: Vec<Numbered>) -> Result<(), Problem> {
        let mut batch = self.sound(batch);
        self.leave_out_known_logs(&mut batch).await?;
        let mut wait = Duration::ZERO;
        for attempt in 1.. {
            batch = self.write(batch, attempt == ATTEMPTS, &mut wait).await?;
            if batch.is_empty() {
                break;
            }
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// What became of it all.
    pub fn finish(self) -> Imported {
        self.told
    }

    /// What has become of it so far.
    pub const fn told(&self) -> &Imported {
        &self.told
    }

    /// The items that a store can hold and would not delete at once. A span that is deleted and imported again would
    /// be counted twice, as the numbers of its hour stay.
    fn sound(&mut self, batch: Vec<Numbered>) -> Vec<Numbered> {
        let now = self.service.clock.now();
        let options = &self.service.options;
        let (logs, traces) = (now.minus(options.logs_kept), now.minus(options.traces_kept));
        let told = &mut self.told;
        let is_old = |item: &Item| match item {
            Item::Log(log) => log.timestamp < logs,
            Item::Span(span) => span.start_time < traces,
            Item::Point(point) => point.timestamp < traces,
            Item::Series(_) => false,
        };
        let mut keep = |(line, item): Numbered| match check(&item) {
            Ok(()) if is_old(&item) => {
                told.count(item.kind(), Outcome::TooOld);
                None
            }
            Ok(()) => Some((line, item)),
            Err(problem) => {
                told.refuse(line, Some((item.kind(), item.to_string())), &problem);
                None
            }
        };
        batch.into_iter().filter_map(&mut keep).collect()
    }

    /// A store answers a log that it holds as one that it has written, so those are looked for.
    async fn leave_out_known_logs(&mut self, batch: &mut Vec<Numbered>) -> Result<(), Problem> {
        let mut known = self.known_logs(batch).await?;
        let told = &mut self.told;
        batch.retain(|(_, item)| {
            let Item::Log(log) = item else { return true };
            let is_new = known.insert((log.timestamp, log.id.clone()));
            if !is_new {
                told.count(Kind::Logs, Outcome::AlreadyThere);
            }
            is_new
        });
        Ok(())
    }

    /// The logs that are held in the time of those in the batch.
    async fn known_logs(&self, batch: &[Numbered]) -> Result<HashSet<(Timestamp, String)>, Problem> {
        let times = batch.iter().filter_map(|(_, item)| match item {
            Item::Log(log) => Some(log.timestamp),
            _ => None,
        });
        let mut known = HashSet::new();
        let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(known) };
        let mut query = LogQuery {
            event_type: EventFilter::Any,
            level: LevelFilter::Any,
            since: first,
            until: Some(last.plus(Duration::from_micros(1))),
            trace_id: None,
            agent_name: None,
            words: Vec::new(),
            limit: PAGE,
            before: None,
        };
        loop {
            let page = within_deadline(self.service.store.logs(&self.project, &query)).await?;
            known.extend(page.logs.into_iter().map(|log| (log.timestamp, log.id)));
            match page.next {
                Some(next) => query.before = Some(next),
                None => return Ok(known),
            }
        }
    }

    /// Writes the batch, and gives what is to be tried again after a `wait`.
    async fn write(
        &mut self,
        batch: Vec<Numbered>,
        is_last: bool,
        wait: &mut Duration,
    ) -> Result<Vec<Numbered>, Problem> {
        let writes = batch.iter().map(|(_, item)| item.clone().into_write()).collect();
        let answers = self.submitted(writes).await?;
        let mut again = Vec::new();
        let mut open = Vec::new();
        for ((line, item), answer) in batch.into_iter().zip(answers) {
            match answer {
                Ok(Written::Imported { new: false }) => self.told.count(item.kind(), Outcome::AlreadyThere),
                Ok(Written::StillOpen) => open.push(item),
                Ok(_) => self.told.count(item.kind(), Outcome::Imported),
                Err(problem) => match problem.code.retry_after_ms() {
                    Some(milliseconds) if !is_last => {
                        *wait = Duration::from_millis(milliseconds);
                        again.push((line, item));
                    }
                    _ if problem.code.is_server_fault() => return Err(problem),
                    _ => self.told.refuse(line, Some((item.kind(), item.to_string())), &problem),
                },
            }
        }
        self.end(open).await?;
        Ok(again)
    }

    /// Ends spans that were open when they were imported and have ended since.
    async fn end(&mut self, open: Vec<Item>) -> Result<(), Problem> {
        let ends = open.iter().filter_map(Item::as_end).collect();
        for answer in self.submitted(ends).await? {
            let outcome = match answer {
                Ok(_) => Outcome::Imported,
                Err(problem) if problem.code.is_server_fault() => return Err(problem),
                // It has ended here in between, in its own way.
                Err(_) => Outcome::AlreadyThere,
            };
            self.told.count(Kind::Spans, outcome);
        }
        Ok(())
    }

    async fn submitted(&self, writes: Vec<Write>) -> Result<Vec<Result<Written, Problem>>, Problem> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.service.submit_all(&self.project, writes);
        within_deadline(async { Ok(written.await) }).await
    }
}
