//! What all spans of a trace say together.

use std::collections::{HashMap, HashSet};

use super::answer::{CriticalPath, FirstError, KindTotals, PathStep};
use super::critical::{Step, path};
use crate::model::{Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceSummary};
use crate::service::answer::shown;
use crate::service::tree::{Nest, nest};

/// Steps of a critical path that are told.
const MAX_STEPS: usize = 500;

/// The spans of a trace, in the order in which they started, without what makes them large.
#[derive(Default)]
pub(super) struct Anatomy {
    bones: Vec<Bone>,
    first_error: Option<(Timestamp, FirstError)>,
    pub(super) summary: TraceSummary,
}

/// What is kept of a span.
struct Bone {
    span_id: SpanId,
    parent: Option<SpanId>,
    name: String,
    kind: SpanKind,
    is_root: bool,
    failed: bool,
    start: Timestamp,
    end: Option<Timestamp>,
}

/// The spans as steps in time.
pub(super) struct Timing<'a> {
    bones: &'a [Bone],
    steps: Vec<Step>,
    nest: Nest,
}

impl Anatomy {
    pub(super) fn len(&self) -> usize {
        self.bones.len()
    }

    pub(super) fn add(&mut self, span: &Span) {
        let failed = span.status == SpanStatus::Error;
        let at = span.end_time.unwrap_or(span.start_time);
        if failed && self.first_error.as_ref().is_none_or(|(first, _)| at < *first) {
            let error = FirstError {
                span_id: shown(span.span_id.as_str()),
                name: shown(span.name.as_str()),
                kind: span.kind.as_str().to_owned(),
                error: span.error.as_deref().map(shown),
                end_time: span.end_time.map(Timestamp::to_rfc3339),
            };
            self.first_error = Some((at, error));
        }
        self.summary = std::mem::take(&mut self.summary).plus(TraceSummary::of(span));
        self.bones.push(Bone {
            span_id: span.span_id.clone(),
            parent: span.parent_span_id.clone(),
            name: span.name.clone(),
            kind: span.kind,
            is_root: span.is_root(),
            failed,
            start: span.start_time,
            end: span.end_time,
        });
    }

    /// The failure that ended first.
    pub(super) fn first_error(&self) -> Option<FirstError> {
        self.first_error.as_ref().map(|(_, error)| error.clone())
    }

    /// The spans in time; what is open goes on until `open_until`.
    pub(super) fn timing(&self, open_until: Timestamp) -> Timing<'_> {
        let places: HashMap<&SpanId, usize> =
            self.bones.iter().enumerate().map(|(place, bone)| (&bone.span_id, place)).collect();
        let parents: Vec<Option<usize>> =
            self.bones.iter().map(|bone| places.get(bone.parent.as_ref()?).copied()).collect();
        let step =
            |bone: &Bone| Step { start: bone.start, end: bone.end.unwrap_or(open_until).max(bone.start) };
        Timing { bones: &self.bones, steps: self.bones.iter().map(step).collect(), nest: nest(&parents) }
    }
}

impl Timing<'_> {
    /// The path from the end of the root that ended last; `None` of a trace without spans.
    pub(super) fn critical_path(&self) -> Option<CriticalPath> {
        let order = |root: &usize| {
            (self.bones[*root].is_root, self.steps[*root].end, std::cmp::Reverse(self.steps[*root].start))
        };
        let root = self.nest.roots.iter().copied().max_by_key(order)?;
        let mut own = HashMap::<usize, f64>::new();
        let mut met = Vec::new();
        for stay in path(&self.steps, &self.nest.children, root) {
            *own.entry(stay.step).or_insert_with(|| {
                met.push(stay.step);
                0.0
            }) += stay.end.millis_since(stay.start);
        }
        let mut by_length = met.clone();
        by_length.sort_by(|one, other| own[other].total_cmp(&own[one]));
        let hidden: HashSet<usize> =
            by_length.split_off(by_length.len().min(MAX_STEPS)).into_iter().collect();
        let hidden_ms = hidden.iter().map(|step| own[step]).sum();
        let hidden_steps = hidden.len();
        own.retain(|step, _| !hidden.contains(step));
        let steps = met.into_iter().filter_map(|step| {
            let bone = &self.bones[step];
            Some(PathStep {
                span_id: shown(bone.span_id.as_str()),
                name: shown(bone.name.as_str()),
                kind: bone.kind.as_str().to_owned(),
                self_ms: *own.get(&step)?,
            })
        });
        Some(CriticalPath {
            root_span_id: shown(self.bones[root].span_id.as_str()),
            duration_ms: self.steps[root].end.millis_since(self.steps[root].start),
            ended: self.bones[root].end.is_some(),
            steps: steps.collect(),
            hidden_steps,
            hidden_ms,
        })
    }

    /// What the steps of each kind come to, those with most time of their own first.
    pub(super) fn kinds(&self) -> Vec<KindTotals> {
        let mut kinds: Vec<KindTotals> = Vec::new();
        for kind in SpanKind::ALL {
            let of_kind = || self.bones.iter().enumerate().filter(move |(_, bone)| bone.kind == kind);
            let ended = || of_kind().filter(|(_, bone)| bone.end.is_some()).map(|(place, _)| place);
            kinds.push(KindTotals {
                kind: kind.as_str().to_owned(),
                spans: of_kind().count(),
                errors: of_kind().filter(|(_, bone)| bone.failed).count(),
                duration_ms: ended().map(|step| self.length(step)).sum(),
                self_ms: ended().map(|step| self.length(step) - self.shared(step)).sum(),
            });
        }
        kinds.retain(|kind| kind.spans > 0);
        kinds.sort_by(|one, other| other.self_ms.total_cmp(&one.self_ms));
        kinds
    }

    fn length(&self, step: usize) -> f64 {
        self.steps[step].end.millis_since(self.steps[step].start)
    }

    /// For how long at least one step inside this one was at work.
    fn shared(&self, step: usize) -> f64 {
        let Step { start, end } = self.steps[step];
        let mut inside: Vec<Step> = self.nest.children[step].iter().map(|child| self.steps[*child]).collect();
        inside.sort_by_key(|child| child.start);
        let (mut now, mut shared) = (start, 0.0);
        for child in inside {
            let (from, to) = (child.start.max(now), child.end.min(end));
            if from < to {
                shared += to.millis_since(from);
                now = to;
            }
        }
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::span;

    /// A span from one millisecond to another, or an open one.
    fn made(id: &str, parent: Option<&str>, kind: SpanKind, start: i64, end: Option<i64>) -> Span {
        let at = |millis: i64| Timestamp::from_micros(millis * 1_000);
        Span {
            span_id: SpanId::stored(id),
            parent_span_id: parent.map(SpanId::stored),
            kind,
            start_time: at(start),
            end_time: end.map(at),
            duration_ms: end.map(|end| at(end).millis_since(at(start))),
            status: if end.is_some() { SpanStatus::Ok } else { SpanStatus::InProgress },
            ..span(id)
        }
    }

    fn anatomy(spans: impl IntoIterator<Item = Span>) -> Anatomy {
        let mut anatomy = Anatomy::default();
        spans.into_iter().for_each(|span| anatomy.add(&span));
        anatomy
    }

    fn steps(path: &CriticalPath) -> Vec<(&str, f64)> {
        path.steps.iter().map(|step| (step.span_id.as_str(), step.self_ms)).collect()
    }

    const END: Timestamp = Timestamp::from_micros(1_000_000);

    #[test]
    fn the_path_and_the_kinds_of_a_run_are_as_counted_by_hand() {
        let anatomy = anatomy([
            made("root", None, SpanKind::Agent, 0, Some(100)),
            made("ask", Some("root"), SpanKind::Llm, 10, Some(40)),
            made("search", Some("root"), SpanKind::Tool, 40, Some(70)),
            made("fetch", Some("root"), SpanKind::Tool, 40, Some(60)),
            made("answer", Some("root"), SpanKind::Llm, 75, Some(95)),
        ]);
        let timing = anatomy.timing(END);
        let path = timing.critical_path().unwrap();
        assert_eq!(steps(&path), [("root", 20.0), ("ask", 30.0), ("search", 30.0), ("answer", 20.0)]);
        assert_eq!((path.root_span_id.as_str(), path.duration_ms, path.ended), ("root", 100.0, true));
        let kinds = timing.kinds();
        let counted: Vec<(&str, usize, f64, f64)> = kinds
            .iter()
            .map(|kind| (kind.kind.as_str(), kind.spans, kind.duration_ms, kind.self_ms))
            .collect();
        assert_eq!(counted, [("llm", 2, 50.0, 50.0), ("tool", 2, 50.0, 50.0), ("agent", 1, 100.0, 20.0)]);
    }

    #[test]
    fn an_open_root_has_the_path_so_far() {
        let anatomy = anatomy([
            made("root", None, SpanKind::Agent, 0, None),
            made("done", Some("root"), SpanKind::Llm, 0, Some(400)),
            made("stuck", Some("root"), SpanKind::Tool, 400, None),
        ]);
        let path = anatomy.timing(END).critical_path().unwrap();
        assert_eq!(steps(&path), [("done", 400.0), ("stuck", 600.0)]);
        assert!(!path.ended);
    }

    #[test]
    fn of_several_roots_the_last_to_end_leads_and_one_without_its_parent_only_where_there_is_no_other() {
        let late = made("late", Some("gone"), SpanKind::Other, 0, Some(900));
        let spans = [
            made("first", None, SpanKind::Agent, 0, Some(10)),
            made("second", None, SpanKind::Agent, 5, Some(30)),
            late.clone(),
        ];
        assert_eq!(anatomy(spans).timing(END).critical_path().unwrap().root_span_id, "second");
        assert_eq!(anatomy([late]).timing(END).critical_path().unwrap().root_span_id, "late");
        assert_eq!(anatomy([]).timing(END).critical_path(), None);
    }

    #[test]
    fn what_is_left_out_of_a_long_path_is_told() {
        let many = (0..600_i64).map(|index| {
            made(
                &format!("s{index}"),
                Some("root"),
                SpanKind::Tool,
                index * 10,
                Some(index * 10 + 1 + index % 9),
            )
        });
        let root = made("root", None, SpanKind::Agent, 0, Some(6_000));
        let path = anatomy([root].into_iter().chain(many)).timing(END).critical_path().unwrap();
        assert_eq!((path.steps.len(), path.hidden_steps), (MAX_STEPS, 101));
        let told: f64 = path.steps.iter().map(|step| step.self_ms).sum();
        assert!((told + path.hidden_ms - 6_000.0).abs() < 1e-6);
        assert!(path.steps.iter().all(|step| step.self_ms >= 2.0));
    }

    #[test]
    fn the_first_failure_is_the_one_that_ended_first() {
        let failed = |id: &str, start, end| Span {
            status: SpanStatus::Error,
            error: Some(format!("{id} broke")),
            ..made(id, None, SpanKind::Tool, start, Some(end))
        };
        let error = anatomy([failed("outer", 0, 50), failed("inner", 10, 40)]).first_error().unwrap();
        assert_eq!((error.span_id.as_str(), error.error.as_deref()), ("inner", Some("inner broke")));
    }
}
