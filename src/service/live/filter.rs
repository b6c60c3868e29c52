//! Which events a client wants.

use super::event::{Happening, LiveKind};
use super::request::WatchLive;
use crate::model::text::quoted;
use crate::model::{EventFilter, LevelFilter, LogQuery, Problem, Span, Timestamp, TraceId};
use crate::service::logs::{event_filter, level_filter};
use crate::service::text::{given, words};

/// What is wanted.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    kinds: Vec<LiveKind>,
    /// Of logs, but for their time.
    logs: LogQuery,
}

impl Filter {
    /// Everything.
    pub(super) fn all() -> Self {
        let logs = LogQuery {
            event_type: EventFilter::Any,
            level: LevelFilter::Any,
            since: Timestamp::from_micros(0),
            until: None,
            trace_id: None,
            agent_name: None,
            words: Vec::new(),
            limit: 0,
            before: None,
        };
        Self { kinds: LiveKind::RECORDS.to_vec(), logs }
    }

    /// What a request asks for, the trace in the form in which it is asked for.
    pub(super) fn parse(request: &WatchLive) -> Result<Self, Problem> {
        let all = Self::all();
        let kinds = request.kinds.iter().map(|kind| parse_kind(kind)).collect::<Result<Vec<_>, _>>()?;
        let trace_id = given(request.trace_id.as_deref()).map(|id| TraceId::parse("trace_id", id));
        Ok(Self {
            kinds: if kinds.is_empty() { all.kinds } else { kinds },
            logs: LogQuery {
                event_type: event_filter(request.event_type.as_deref())?,
                level: level_filter(request.level.as_deref(), request.min_level.as_deref())?,
                trace_id: trace_id.transpose()?,
                agent_name: given(request.agent.as_deref()).map(ToOwned::to_owned),
                words: words("q", request.q.as_deref())?,
                ..all.logs
            },
        })
    }

    /// The trace that is wanted, to be replaced by the id under which it is held.
    pub(super) const fn trace_id(&mut self) -> &mut Option<TraceId> {
        &mut self.logs.trace_id
    }

    /// The logs that are wanted from `since` on; `None` where none are.
    pub(super) fn logs(&self, since: Timestamp, limit: usize) -> Option<LogQuery> {
        let wanted = self.kinds.contains(&LiveKind::Log);
        wanted.then(|| LogQuery { since, limit, ..self.logs.clone() })
    }

    /// Whether spans are wanted that show as events of this kind.
    pub(super) fn wants_spans(&self, kind: LiveKind) -> bool {
        let of_logs_alone = self.logs.event_type != EventFilter::Any || self.logs.level != LevelFilter::Any;
        self.kinds.contains(&kind) && !of_logs_alone
    }

    /// Whether an event is wanted. What is no record concerns everyone.
    pub(super) fn matches(&self, happening: &Happening) -> bool {
        match happening {
            Happening::Log(log) => self.kinds.contains(&LiveKind::Log) && self.logs.matches(log),
            Happening::SpanStart(span) | Happening::SpanEnd(span) => {
                self.wants_spans(happening.kind()) && self.matches_span(span)
            }
            Happening::Gap(_) | Happening::End(_) => true,
        }
    }

    fn matches_span(&self, span: &Span) -> bool {
        let logs = &self.logs;
        logs.trace_id.as_ref().is_none_or(|wanted| span.trace_id == *wanted)
            && logs.agent_name.as_ref().is_none_or(|wanted| span.agent_name.as_ref() == Some(wanted))
            && (logs.words.is_empty() || {
                let metadata = serde_json::to_string(&span.metadata).unwrap_or_default();
                let error = span.error.as_deref().unwrap_or_default();
                let text = [&span.name, error, &metadata].join("\n").to_lowercase();
                logs.words.iter().all(|word| text.contains(word.as_str()))
            })
    }
}

fn parse_kind(text: &str) -> Result<LiveKind, Problem> {
    LiveKind::RECORDS.into_iter().find(|kind| kind.as_str() == text.trim()).ok_or_else(|| {
        Problem::invalid("kinds", format!("`kinds` can't hold {}", quoted(text)))
            .hint("one or more of log, span_start, span_end, with commas between them")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;
    use crate::model::{EventType, Level};

    fn filter(change: impl FnOnce(&mut WatchLive)) -> Filter {
        let mut request = WatchLive::default();
        change(&mut request);
        Filter::parse(&request).unwrap()
    }

    fn happenings() -> [Happening; 3] {
        let mut log = testing::log("The disk is full");
        log.level = Some(Level::Warn);
        log.event_type = EventType::stored("agent.disk");
        log.agent_name = Some("a".into());
        let mut span = testing::span("clean the disk");
        span.agent_name = Some("a".into());
        let ended = Happening::SpanEnd(Box::new(span.clone()));
        [Happening::Log(Box::new(log)), Happening::SpanStart(Box::new(span)), ended]
    }

    #[test]
    fn each_wish_leaves_out_what_differs() {
        let wanted = |filter: &Filter| happenings().map(|happening| filter.matches(&happening));
        for (filter, expected) in [
            (filter(|_| ()), [true, true, true]),
            (filter(|request| request.kinds = vec!["span_end".into(), "log".into()]), [true, false, true]),
            (filter(|request| request.event_type = Some("agent.*".into())), [true, false, false]),
            (filter(|request| request.event_type = Some("agent".into())), [false, false, false]),
            (filter(|request| request.min_level = Some("info".into())), [true, false, false]),
            (filter(|request| request.level = Some("error".into())), [false, false, false]),
            (filter(|request| request.agent = Some("a".into())), [true, true, true]),
            (filter(|request| request.agent = Some("b".into())), [false, false, false]),
            (filter(|request| request.trace_id = Some("t".into())), [false, true, true]),
            (filter(|request| request.q = Some("DISK the".into())), [true, true, true]),
            (filter(|request| request.q = Some("disk full".into())), [true, false, false]),
        ] {
            assert_eq!(wanted(&filter), expected, "{filter:?}");
        }
    }

    #[test]
    fn a_wish_that_makes_no_sense_is_refused_by_name() {
        let refused = |request: WatchLive| Filter::parse(&request).unwrap_err().field.clone().unwrap();
        let wrong = || Some("x".repeat(2_000));
        let kinds = vec!["metric".to_owned()];
        assert_eq!(refused(WatchLive { kinds, ..WatchLive::default() }), "kinds");
        assert_eq!(refused(WatchLive { q: wrong(), ..WatchLive::default() }), "q");
        assert_eq!(refused(WatchLive { level: wrong(), ..WatchLive::default() }), "level");
        assert_eq!(refused(WatchLive { trace_id: wrong(), ..WatchLive::default() }), "trace_id");
    }
}
