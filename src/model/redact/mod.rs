//! Taking secrets, and on request content, out of records before anything is stored.
//!
//! A safety net, not a promise: it knows the names that secrets are kept under ([`names`]) and the forms that
//! they have ([`secrets`], [`card`]). What it replaces stays visible as `[REDACTED:rule]`.
//!
//! **Invariant:** every expression here is matched in linear time, whatever an agent writes.

mod card;
mod json_text;
mod names;
mod redactions;
mod secrets;
#[cfg(test)]
mod tests;
mod walk;

pub(super) use redactions::merge_marks;
pub use redactions::{MAX_MARKS, Redactions};

use regex::Regex;
use serde::Deserialize;

use self::walk::{Trail, Walk};
use super::{Code, Import, Labels, Log, Point, Problem, Record, Series, Span, SpanEnd, Write};

/// What is kept of what agents say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentPolicy {
    /// All, secrets too.
    Full,
    /// All but secrets.
    #[default]
    Redacted,
    /// Neither secrets nor prompts, completions, arguments and results.
    MetadataOnly,
}

impl ContentPolicy {
    /// The word for it, in the settings and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Redacted => "redacted",
            Self::MetadataOnly => "metadata_only",
        }
    }
}

/// Takes out of records what the policy says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Redactor {
    policy: ContentPolicy,
}

impl Redactor {
    /// One that keeps to `policy`.
    pub const fn new(policy: ContentPolicy) -> Self {
        Self { policy }
    }

    /// Rewrites a record whose fields have been lifted out of its metadata, marks in it where something was
    /// replaced, and tells what.
    ///
    /// # Errors
    /// A name that holds a secret, as [`check_name`](Self::check_name) has it.
    pub fn redact(self, write: &mut Write) -> Result<Redactions, Problem> {
        let mut redactions = Redactions::default();
        if self.policy == ContentPolicy::Full {
            return Ok(redactions);
        }
        if let Some(idempotency) = &write.idempotency {
            self.check_name("idempotency_key", &idempotency.key)?;
        }
        let mut walk = Walk::new(self.policy == ContentPolicy::MetadataOnly, &mut redactions);
        match &mut write.record {
            Record::Log(log) => {
                self.log(log, &mut walk)?;
                // One that comes from another store has its marks.
                merge_marks(&mut log.redacted, redactions.paths().to_vec());
            }
            Record::SpanStart(span) => {
                self.span(span, &mut walk)?;
                span.redacted = redactions.paths().to_vec();
            }
            Record::SpanEnd(end) => {
                let SpanEnd { span_id: _, end_time: _, status: _, metadata, redacted: _ } = &mut **end;
                walk.object(metadata, Trail::Field("metadata"));
                merge_marks(&mut end.redacted, redactions.paths().to_vec());
            }
            Record::Point(point) => self.point(point, &mut walk)?,
            Record::Import(import) => match &mut **import {
                Import::Span(span) => {
                    self.span(span, &mut walk)?;
                    merge_marks(&mut span.redacted, redactions.paths().to_vec());
                }
                Import::Point(point) => self.point(point, &mut walk)?,
                Import::Series { series, updated: _ } => {
                    let Series { name, labels, value: _ } = series;
                    self.labelled(name, labels, &mut walk)?;
                }
            },
        }
        Ok(redactions)
    }

    /// Refuses a name that holds a secret: a record is found by it, so it is stored as it is or not at all.
    ///
    /// Card numbers pass, because ids are made of digits too.
    ///
    /// # Errors
    /// [`InvalidArgument`](Code::InvalidArgument), which does not repeat the name.
    pub fn check_name(self, field: &str, name: &str) -> Result<(), Problem> {
        if self.policy == ContentPolicy::Full {
            return Ok(());
        }
        match secrets::find(name) {
            None => Ok(()),
            Some(rule) => {
                let message = format!("`{field}` holds what looks like a secret: `{rule}`");
                Err(Problem::new(Code::InvalidArgument, message)
                    .at(field)
                    .hint("it is stored and shown as it is, so give one that opens nothing"))
            }
        }
    }

    // Each field is named, so that a new one is not forgotten.

    fn log(self, log: &mut Log, walk: &mut Walk<'_>) -> Result<(), Problem> {
        let Log {
            id: _,
            timestamp: _,
            level: _,
            event_type,
            message,
            metadata,
            agent_name,
            trace_id,
            span_id,
            session_id,
            sanitized: _,
            redacted: _,
        } = log;
        self.check_name("event_type", event_type.as_str())?;
        // They were lifted out of metadata, where the secret is replaced; what is left can't be an id.
        trace_id.take_if(|id| secrets::find(id.as_str()).is_some());
        span_id.take_if(|id| secrets::find(id.as_str()).is_some());
        walk.text(message, Trail::Field("message"));
        walk.optional_text(agent_name, Trail::Field("agent_name"));
        walk.optional_text(session_id, Trail::Field("session_id"));
        walk.object(metadata, Trail::Field("metadata"));
        Ok(())
    }

    fn span(self, span: &mut Span, walk: &mut Walk<'_>) -> Result<(), Problem> {
        let Span {
            trace_id,
            span_id,
            parent_span_id,
            parent_remote: _,
            orphan: _,
            name,
            kind: _,
            start_time: _,
            end_time: _,
            duration_ms: _,
            status: _,
            error,
            agent_name,
            session_id,
            model,
            provider,
            usage: _,
            reported_cost_pico_usd: _,
            computed_cost_pico_usd: _,
            metadata,
            clock_skew: _,
            redacted: _,
            fingerprint: _,
        } = span;
        self.check_name("trace_id", trace_id.as_str())?;
        self.check_name("span_id", span_id.as_str())?;
        if let Some(parent) = parent_span_id {
            self.check_name("parent_span_id", parent.as_str())?;
        }
        walk.text(name, Trail::Field("name"));
        walk.optional_text(error, Trail::Field("error"));
        walk.optional_text(agent_name, Trail::Field("agent_name"));
        walk.optional_text(session_id, Trail::Field("session_id"));
        walk.optional_text(model, Trail::Field("model"));
        walk.optional_text(provider, Trail::Field("provider"));
        walk.object(metadata, Trail::Field("metadata"));
        Ok(())
    }

    fn point(self, point: &mut Point, walk: &mut Walk<'_>) -> Result<(), Problem> {
        let Point { id: _, timestamp: _, name, labels, kind: _, kind_given: _, value: _, trace_id: _ } =
            point;
        self.labelled(name, labels, walk)
    }

    fn labelled(self, name: &str, labels: &mut Labels, walk: &mut Walk<'_>) -> Result<(), Problem> {
        self.check_name("metric_name", name)?;
        for (name, value) in labels {
            self.check_name("labels", name)?;
            walk.named_text(name, value, &Trail::Field("labels"));
        }
        Ok(())
    }
}

/// An expression of ours.
#[expect(clippy::expect_used, reason = "the expressions are ours, and a test compiles them")]
pub(in crate::model) fn compile(expression: &str) -> Regex {
    Regex::new(expression).expect("a sound expression")
}
