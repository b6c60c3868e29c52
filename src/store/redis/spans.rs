//! Reading spans of all traces, by one of their times.

use super::RedisStore;
use super::codec::span::{Fields, decode, fields};
use super::command::Command;
use super::connection::read;
use super::keys::Keys;
use super::walk::{Entry, Path, Walk};
use crate::model::{Point, Problem, SpanPage, SpanPosition, SpanQuery, SpanTime, Timestamp};

/// Spans that one round trip asks for.
const CHUNK: usize = 500;

impl RedisStore {
    /// A page of spans.
    pub(super) async fn span_page(&self, keys: &Keys, query: &SpanQuery) -> Result<SpanPage, Problem> {
        let index = |shard| match query.by {
            SpanTime::Start => keys.span_index(shard),
            SpanTime::End => keys.ended_spans(shard),
        };
        let path = Path {
            since: query.since,
            until: query.until,
            newest_first: query.newest_first,
            after: query.after.as_ref().map(|after| (after.start_time, after.span_id.to_string())),
        };
        let mut walk = Walk::new(&self.reads, self.layout.shards().map(index), path);
        let mut page = SpanPage::default();
        while page.spans.len() < query.limit {
            let entries = walk.next((query.limit - page.spans.len()).min(CHUNK)).await?;
            if entries.is_empty() {
                return Ok(page);
            }
            let found = self.hashes_of(keys, entries.iter().map(Entry::id)).await?;
            page.spans.extend(found.iter().filter_map(decode));
        }
        page.next = page.spans.last().map(|span| SpanPosition::by(span, query.by));
        Ok(page)
    }

    /// The hashes of spans, in the order of their ids; an empty one where there is none.
    pub(super) async fn hashes_of<'a>(
        &self,
        keys: &Keys,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Fields>, Problem> {
        let replies = self.ask_all(ids.map(|id| Command::new("HGETALL", keys.span(id)))).await;
        replies.into_iter().map(|reply| reply.map(fields)).collect()
    }

    /// Whether each of these spans is here.
    pub(super) async fn are_here<'a>(
        &self,
        keys: &Keys,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<bool>, Problem> {
        let exists = ids.map(|id| Command::new("EXISTS", keys.span(id)));
        self.ask_all(exists).await.into_iter().map(read).collect()
    }

    /// The points that are counted, by time and id.
    pub(super) async fn counted_points(
        &self,
        keys: &Keys,
        since: Timestamp,
        until: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: usize,
    ) -> Result<Vec<Point>, Problem> {
        let path = Path { since, until, newest_first: false, after };
        let sets = self.layout.shards().map(|shard| keys.points(shard));
        let entries = Walk::new(&self.reads, sets, path).next(limit).await?;
        Ok(entries
            .iter()
            .filter_map(|entry| super::codec::point::decode(&entry.member, entry.time))
            .collect())
    }
}
