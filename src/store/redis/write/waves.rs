//! Splitting a group so that what depends on an earlier record comes after it.

use std::collections::HashMap;
use std::hash::Hash;

use super::Item;
use crate::model::{Import, Record};

/// What one record may need of another.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Token<'a> {
    Span(&'a str),
    /// The agent that a trace's records name.
    TraceAgent(&'a str),
    IdempotencyKey(&'a str),
}

/// The waves, as indices into `items`, each in order.
///
/// A record stands in the wave after the last one that it depends on; so the number of waves is the depth of
/// what arrived, not its length.
pub(super) fn split(items: &[Item]) -> Vec<Vec<usize>> {
    let mut last_change: HashMap<(usize, Token<'_>), usize> = HashMap::new();
    let mut waves: Vec<Vec<usize>> = Vec::new();
    let mut projects: Vec<&str> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let project = number(&mut projects, item.keys.project());
        let (needs, changes) = tokens(item);
        let wave = needs
            .into_iter()
            .filter_map(|token| last_change.get(&(project, token)))
            .map(|wave| wave + 1)
            .max()
            .unwrap_or(0);
        for token in changes {
            let last = last_change.entry((project, token)).or_default();
            *last = wave.max(*last);
        }
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        waves[wave].push(index);
    }
    waves
}

/// What a record needs, and what it changes.
fn tokens(item: &Item) -> (Vec<Token<'_>>, Vec<Token<'_>>) {
    let key = || item.write.idempotency.iter().map(|idempotency| Token::IdempotencyKey(&idempotency.key));
    let (mut needs, mut changes): (Vec<_>, Vec<_>) = (key().collect(), key().collect());
    match &item.write.record {
        Record::Log(log) => {
            let agent = log.trace_id.as_ref().filter(|_| log.agent_name.is_some());
            changes.extend(agent.map(|id| Token::TraceAgent(id.as_str())));
        }
        Record::Point(point) => {
            changes.extend(point.trace_id.as_ref().map(|id| Token::TraceAgent(id.as_str())));
        }
        Record::SpanStart(span) => {
            needs.push(Token::Span(span.span_id.as_str()));
            needs.extend(span.parent_span_id.as_ref().map(|id| Token::Span(id.as_str())));
            changes.push(Token::Span(span.span_id.as_str()));
            if span.agent_name.is_some() {
                changes.push(Token::TraceAgent(span.trace_id.as_str()));
            } else {
                needs.push(Token::TraceAgent(span.trace_id.as_str()));
            }
        }
        Record::Import(import) => {
            if let Import::Span(span) = &**import {
                needs.push(Token::Span(span.span_id.as_str()));
                needs.extend(span.parent_span_id.as_ref().map(|id| Token::Span(id.as_str())));
                changes.push(Token::Span(span.span_id.as_str()));
            }
        }
        Record::SpanEnd(end) => {
            needs.push(Token::Span(end.span_id.as_str()));
            changes.push(Token::Span(end.span_id.as_str()));
        }
    }
    (needs, changes)
}

fn number<'a>(known: &mut Vec<&'a str>, project: &'a str) -> usize {
    known.iter().position(|known| *known == project).unwrap_or_else(|| {
        known.push(project);
        known.len() - 1
    })
}
