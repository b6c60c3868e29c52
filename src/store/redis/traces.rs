//! Listing traces: the index tells when each began, what its spans add up to says the rest.

use super::RedisStore;
use super::codec::score;
use super::codec::share::Share;
use super::codec::span::fields;
use super::command::Command;
use super::connection::read;
use super::keys::Keys;
use super::walk::{Entry, Path, Walk};
use crate::model::{
    EXACT_TOTAL_LIMIT, Problem, Timestamp, Total, TraceId, TraceListQuery, TracePosition, TraceRow,
    TraceRows, TraceSort, TraceSummary,
};

/// Shares of traces that one scan looks at.
const BUDGET: usize = 20_000;
/// Traces that one scan looks at at least, however many shares each has.
const LEAST_TRACES: usize = 4_000;
/// Shares that are read at once.
const CHUNK: usize = 2_000;

/// What a scan found.
struct Found {
    /// The first of them, by start; or by what the list is ordered by, with one more than are wanted.
    rows: Vec<TraceRow>,
    matched: u64,
    /// Where the budget ended, if it did.
    stopped: Option<TracePosition>,
}

impl RedisStore {
    /// A page of traces.
    pub(super) async fn trace_list(&self, keys: &Keys, query: &TraceListQuery) -> Result<TraceRows, Problem> {
        if query.sort != TraceSort::Start {
            return self.ranked(keys, query).await;
        }
        let wanted = query.limit as u64 + 1;
        let is_counted = is_counted(query);
        // A first page and a count by looking share one scan.
        let shares = !is_counted && query.after.is_none();
        let most = if shares { EXACT_TOTAL_LIMIT + 1 } else { wanted };
        let mut page = self.scan(keys, query, query.after.as_ref(), most, query.limit).await?;
        page.rows.truncate(query.limit);
        let next = if page.matched >= wanted {
            page.rows.last().map(|row| row.position(query.sort))
        } else {
            page.stopped.clone()
        };
        let total = if is_counted {
            self.count_traces(keys, query).await?
        } else if shares {
            bounded(page.matched, page.stopped.is_none())
        } else {
            let all = self.scan(keys, query, None, EXACT_TOTAL_LIMIT + 1, 0).await?;
            bounded(all.matched, all.stopped.is_none())
        };
        Ok(TraceRows {
            traces: page.rows,
            total,
            next,
            complete: page.stopped.is_none() || page.matched >= wanted,
        })
    }

    /// A page in another order than that of the index: everything in the window has to be looked at.
    async fn ranked(&self, keys: &Keys, query: &TraceListQuery) -> Result<TraceRows, Problem> {
        let mut found = self.scan(keys, query, None, u64::MAX, query.limit).await?;
        let more = found.rows.len() > query.limit;
        found.rows.truncate(query.limit);
        let next = if more { found.rows.last().map(|row| row.position(query.sort)) } else { None };
        let complete = found.stopped.is_none();
        Ok(TraceRows { traces: found.rows, total: bounded(found.matched, complete), next, complete })
    }

    /// Looks at traces, newest first, until `most` matched, and keeps those that come first.
    async fn scan(
        &self,
        keys: &Keys,
        query: &TraceListQuery,
        after: Option<&TracePosition>,
        most: u64,
        keep: usize,
    ) -> Result<Found, Problem> {
        let path = Path {
            since: query.since,
            until: query.until,
            newest_first: true,
            after: after.map(|after| (start_of(after), after.trace_id.to_string())),
        };
        let sets = self.layout.shards().map(|shard| keys.traces(shard));
        let mut walk = Walk::new(&self.reads, sets, path);
        let budget = (BUDGET / self.layout.shard_count()).max(LEAST_TRACES);
        let mut found = Found { rows: Vec::new(), matched: 0, stopped: None };
        let mut seen = 0;
        let mut chunk = keep.saturating_add(1).max(16);
        loop {
            let most_now = (budget - seen).min(CHUNK / self.layout.shard_count()).min(chunk);
            chunk = CHUNK;
            let entries = walk.next(most_now).await?;
            seen += entries.len();
            let Some(last) = entries.last().map(position) else { return Ok(found) };
            for row in self.rows(keys, entries).await? {
                if !query.matches(&row) {
                    continue;
                }
                found.matched += 1;
                found.keep(row, query, keep);
                if found.matched == most {
                    return Ok(found);
                }
            }
            if seen >= budget {
                found.stopped = Some(last);
                return Ok(found);
            }
        }
    }

    /// The traces of entries, in their order. One without a span is no trace.
    pub(super) async fn rows(&self, keys: &Keys, entries: Vec<Entry>) -> Result<Vec<TraceRow>, Problem> {
        let commands = entries.iter().flat_map(|entry| about(keys, &entry.member));
        let mut replies = self.ask_all(commands).await.into_iter();
        let mut rows = Vec::new();
        for entry in entries {
            let replies: Vec<_> = replies.by_ref().take(self.layout.shard_count() + 1).collect();
            // The index knows the start of a span that never came to be.
            let started = TraceSummary { start_time: Some(entry.time), ..TraceSummary::default() };
            rows.extend(
                row(TraceId::stored(entry.member), replies)?
                    .map(|row| TraceRow { summary: row.summary.plus(started), ..row }),
            );
        }
        Ok(rows)
    }

    /// What is known of one trace as a whole.
    pub(super) async fn one_trace(
        &self,
        keys: &Keys,
        trace_id: &TraceId,
    ) -> Result<Option<TraceRow>, Problem> {
        row(trace_id.clone(), self.ask_all(about(keys, trace_id.as_str())).await)
    }

    async fn count_traces(&self, keys: &Keys, query: &TraceListQuery) -> Result<Total, Problem> {
        let until = format!("({}", score(query.until));
        let count = |shard| Command::new("ZCOUNT", keys.traces(shard)).arg(score(query.since)).arg(&until);
        let mut value = 0;
        for reply in self.ask_all(self.layout.shards().map(count)).await {
            value += read::<u64>(reply)?;
        }
        Ok(bounded(value, true))
    }
}

impl Found {
    /// Keeps a row if it may be on the page.
    fn keep(&mut self, row: TraceRow, query: &TraceListQuery, keep: usize) {
        if query.sort == TraceSort::Start {
            if self.rows.len() < keep {
                self.rows.push(row);
            }
            return;
        }
        let place = row.position(query.sort);
        if query.after.as_ref().is_some_and(|after| !query.precedes(after, &place)) {
            return;
        }
        let at = self.rows.partition_point(|held| query.precedes(&held.position(query.sort), &place));
        if at <= keep {
            self.rows.insert(at, row);
            self.rows.truncate(keep.saturating_add(1));
        }
    }
}

/// What is asked about a trace: its share in each shard, and what all of its records say.
fn about<'a>(keys: &'a Keys, trace_id: &'a str) -> impl Iterator<Item = Command> + use<'a> {
    let whole = |shard| Command::new("HGETALL", keys.trace_share(shard, trace_id));
    let trace = Command::new("HMGET", keys.trace(trace_id)).arg(&["last_activity", "agent_name"]);
    keys.shards().map(whole).chain([trace])
}

fn row(trace_id: TraceId, mut replies: Vec<super::connection::Reply>) -> Result<Option<TraceRow>, Problem> {
    let trace = replies.pop().unwrap_or(Ok(redis::Value::Nil));
    let (last_activity, agent_name): (Option<i64>, Option<String>) = read(trace)?;
    let mut whole: Option<Share> = None;
    for reply in replies {
        whole = match (whole, Share::decode(&fields(reply?))) {
            (Some(one), Some(other)) => Some(one.plus(other)),
            (one, other) => one.or(other),
        };
    }
    Ok(whole.map(|share| {
        let mut summary = share.into_summary();
        summary.agent_name = summary.agent_name.or(agent_name);
        let last_seen = summary.end_time.max(summary.start_time);
        let last_activity = last_activity.map(Timestamp::from_micros).max(last_seen);
        let last_activity = last_activity.unwrap_or(Timestamp::from_micros(0));
        TraceRow { trace_id, summary, last_activity }
    }))
}

/// Whether the index holds just what the query asks for.
fn is_counted(query: &TraceListQuery) -> bool {
    query.agent_name.is_none()
        && query.session_id.is_none()
        && query.status.is_none()
        && query.min_duration_ms.is_none()
        && query.words.is_empty()
}

fn bounded(value: u64, exact: bool) -> Total {
    Total { value: value.min(EXACT_TOTAL_LIMIT), exact: exact && value <= EXACT_TOTAL_LIMIT }
}

#[expect(clippy::cast_possible_truncation, reason = "microseconds, exact to 2255")]
fn start_of(position: &TracePosition) -> Timestamp {
    Timestamp::from_micros(position.rank as i64)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds, exact to 2255")]
fn position(entry: &Entry) -> TracePosition {
    TracePosition { rank: entry.time.micros() as f64, trace_id: TraceId::stored(&*entry.member) }
}
