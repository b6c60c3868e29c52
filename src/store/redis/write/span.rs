//! Starting and ending spans.

use super::draft::{Draft, touch_trace};
use super::effects::{await_parent, effects};
use super::rollups::of_failure;
use super::{Claim, Decision, Item, Planned, Ttl};
use crate::model::{MAX_SPANS_PER_TRACE, Pricing, Problem, Span, SpanEnd, Written};
use crate::store::redis::codec::score;
use crate::store::redis::codec::span::{
    COUNTED, PARENT_MISSING, as_counted, awaits_parent, decode, encode, fields,
};
use crate::store::redis::command::{Command, Guard, Request};
use crate::store::redis::connection::{Link, Reply, read};
use crate::store::redis::keys::Keys;

/// What a start asks for: the id's present holder, the trace's agent and size, the parent.
pub(super) fn start_reads(keys: &Keys, span: &Span) -> Vec<Command> {
    let trace_id = span.trace_id.as_str();
    let mut reads = vec![
        Command::new("HGETALL", keys.span(span.span_id.as_str())),
        Command::new("HGET", keys.trace(trace_id)).arg("agent_name"),
        Command::new("SCARD", keys.trace_spans(trace_id)),
    ];
    let parent = span.parent_span_id.as_ref().map(|id| keys.span(id.as_str()));
    reads.extend(parent.map(|key| Command::new("HMGET", key).arg(&["span_id", "agent_name"])));
    reads
}

/// Starts a span, or finds that it has been started.
pub(super) fn start(
    item: usize,
    keys: &Keys,
    ttl: Ttl,
    start: &Span,
    claim: Claim,
    replies: Vec<Reply>,
    planned: &mut Planned,
) -> Result<Decision, Problem> {
    let mut replies = replies.into_iter();
    let mut next = || replies.next();
    let held = fields(next().unwrap_or(Ok(redis::Value::Nil))?);
    if !held.is_empty() {
        return repeated(start, decode(&held), claim);
    }
    let trace_agent: Option<String> = next().map_or(Ok(None), read)?;
    let stored: u64 = next().map_or(Ok(0), read)?;
    let planned = planned.entry(keys.trace_spans(start.trace_id.as_str()).name).or_default();
    let count = stored + *planned;
    if count >= MAX_SPANS_PER_TRACE {
        return Err(Span::no_room(count));
    }
    let (parent, parent_agent): (Option<String>, Option<String>) = next().map_or(Ok((None, None)), read)?;
    *planned += 1;
    let mut span = start.clone();
    span.parent_remote &= parent.is_none();
    span.agent_name = span.agent_name.or(parent_agent).or(trace_agent);
    let parent_missing = !span.is_root() && parent.is_none();
    let written = Written::SpanStarted(Box::new(span.clone()));
    Ok(Decision::Write(new_span(item, keys, ttl, &span, parent_missing, written)))
}

fn repeated(start: &Span, held: Option<Span>, claim: Claim) -> Result<Decision, Problem> {
    let Some(held) = held.filter(|held| held.fingerprint == start.fingerprint) else {
        return Err(Span::conflict());
    };
    let held = if claim == Claim::Repeat { held.as_started() } else { held };
    Ok(Decision::Stored(Written::SpanStarted(Box::new(held))))
}

/// Drafts a span that is not there yet.
pub(super) fn new_span(
    item: usize,
    keys: &Keys,
    ttl: Ttl,
    span: &Span,
    parent_missing: bool,
    written: Written,
) -> Draft {
    let body = keys.span(span.span_id.as_str());
    let mut draft = Draft::new(item, body.shard, written);
    draft.guards.push(Guard::Field { key: body.clone(), name: "span_id", held: String::new() });
    draft.entries = span_entries(keys, ttl, span);
    draft.entries.extend(of_failure(keys, ttl, span));
    draft.body = effects(keys, ttl, None, Some(span));
    let mut hash = Command::new("HSET", body.clone()).arg(encode(span));
    if parent_missing {
        hash = hash.arg(&[PARENT_MISSING, "1"]);
        draft.body.extend(await_parent(keys, ttl, span));
    }
    draft.body.push(hash);
    draft.body.push(Command::new("EXPIRE", body).arg(ttl.traces));
    draft
}

/// What a span adds to its trace, and the ids that stand for its own.
pub(in super::super) fn span_entries(keys: &Keys, ttl: Ttl, span: &Span) -> Vec<Command> {
    let trace_id = span.trace_id.as_str();
    let spans = keys.trace_spans(trace_id);
    let mut commands = vec![
        Command::new("SADD", spans.clone()).arg(span.span_id.as_str()),
        Command::new("EXPIRE", spans).arg(ttl.traces),
    ];
    commands.extend(trace_entry(keys, ttl, span));
    commands.extend(touch_trace(keys, ttl, trace_id, span.agent_name.as_deref(), span.start_time));
    for (alias, id) in span.w3c_aliases() {
        commands.push(Command::new("SET", keys.alias(&alias)).arg(id).arg(&["NX", "EX"]).arg(ttl.traces));
    }
    commands
}

/// The place of a span's trace among traces, which the earliest of its spans decides.
fn trace_entry(keys: &Keys, ttl: Ttl, span: &Span) -> [Command; 2] {
    let index = keys.trace_index(span.trace_id.as_str());
    let add = Command::new("ZADD", index.clone()).arg("LT").arg(score(span.start_time));
    [add.arg(span.trace_id.as_str()), Command::new("EXPIRE", index).arg(ttl.traces)]
}

/// Ends a span, or finds that it has ended.
pub(super) fn end(
    item: usize,
    keys: &Keys,
    end: &SpanEnd,
    pricing: &dyn Pricing,
    replies: Vec<Reply>,
) -> Result<Decision, Problem> {
    let held = replies.into_iter().next().unwrap_or(Ok(redis::Value::Nil))?;
    let held = fields(held);
    let mut span = decode(&held).ok_or_else(Span::not_found)?;
    // The same end at the same microsecond is this very call, sent again.
    let own = span.end_time == Some(end.end_time);
    let (before, awaits_parent) = (as_counted(&held, &span), awaits_parent(&held, &span));
    if !span.end(end.clone(), pricing)? {
        return Ok(Decision::Stored(Written::SpanEnded { span: Box::new(span), already_ended: !own }));
    }
    let body = keys.span(end.span_id.as_str());
    let mut draft =
        Draft::new(item, body.shard, Written::SpanEnded { span: Box::new(span), already_ended: false });
    (draft.before, draft.awaits_parent) = (before.map(Box::new), awaits_parent);
    for name in ["status", COUNTED] {
        let held = held.get(name).cloned().unwrap_or_default();
        draft.guards.push(Guard::Field { key: body.clone(), name, held });
    }
    Ok(Decision::Write(draft))
}

/// Gives ended spans without an agent their trace's, and all of them the points that they feed.
pub(super) async fn find_agents(link: &Link, open: &mut [&mut Item], drafts: &mut [Draft]) {
    let mut ended: Vec<(usize, &mut Span, &mut Vec<_>)> = drafts
        .iter_mut()
        .filter_map(|Draft { item, written, points, .. }| match written {
            Written::SpanEnded { span, .. } => Some((*item, &mut **span, points)),
            _ => None,
        })
        .collect();
    let nameless = |span: &Span| span.agent_name.is_none();
    let requests: Vec<Request> = ended
        .iter()
        .filter(|(_, span, _)| nameless(span))
        .map(|(item, span, _)| open[*item].keys.trace(span.trace_id.as_str()))
        .map(|trace| Command::new("HGET", trace).arg("agent_name").into())
        .collect();
    if !requests.is_empty() {
        let asked = ended.iter_mut().filter(|(_, span, _)| nameless(span));
        for ((item, span, _), reply) in asked.zip(link.send(&requests).await) {
            match read(reply) {
                Ok(agent_name) => span.agent_name = agent_name,
                Err(problem) => open[*item].answer = Some(Err(problem)),
            }
        }
    }
    for (_, span, points) in ended {
        points.extend(span.derived_points().into_iter().map(|point| (point, false)));
    }
}

/// Puts in what an ended span changes.
pub(super) fn finish_end(keys: &Keys, ttl: Ttl, span: &Span, draft: &mut Draft) {
    let at = span.end_time.unwrap_or(span.start_time);
    let trace_id = span.trace_id.as_str();
    draft.entries.extend(trace_entry(keys, ttl, span));
    draft.entries.extend(touch_trace(keys, ttl, trace_id, span.agent_name.as_deref(), at));
    draft.entries.push(Command::new("EXPIRE", keys.trace_spans(trace_id)).arg(ttl.traces));
    draft.entries.extend(of_failure(keys, ttl, span));
    draft.body.extend(effects(keys, ttl, draft.before.as_deref(), Some(span)));
    if draft.awaits_parent {
        draft.body.extend(await_parent(keys, ttl, span));
    }
    let key = keys.span(span.span_id.as_str());
    draft.body.push(Command::new("HSET", key.clone()).arg(encode(span)));
    draft.body.push(Command::new("EXPIRE", key).arg(ttl.traces));
}
