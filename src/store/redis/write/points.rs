//! Adding points to series, and admitting series.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::draft::{Draft, touch_trace};
use super::{Item, Ttl, Writer};
use crate::model::{
    Idempotency, Labels, MAX_SERIES_PER_METRIC, MAX_SERIES_PER_PROJECT, MetricKind, Point, Problem, Record,
    Series, SeriesValue, Tier, Timestamp, Written, bucket_of, digest,
};
use crate::store::redis::codec::score;
use crate::store::redis::command::{Command, Guard, Request, Script};
use crate::store::redis::connection::{Reply, read};
use crate::store::redis::keys::{Keys, Shard};

static ADMIT: Script = Script::new(include_str!("admit.lua"));

/// How long an admission holds without asking again, far less than a series is kept.
const ADMISSION_HOLDS: Duration = Duration::from_secs(600);
/// Admissions that a process remembers.
const MAX_REMEMBERED: usize = 50_000;
/// How long the marker of a point without an idempotency key stays: longer than anything sends it again, or
/// a server that hangs could get to it.
const MARKER_KEPT: Duration = Duration::from_secs(600);

/// Series that this process has seen admitted.
#[derive(Default)]
pub(super) struct Admissions(HashMap<String, (Admission, Instant)>);

/// What a series is, and whether there was room for it.
#[derive(Debug, Clone, Copy)]
struct Admission {
    kind: MetricKind,
    overflow: bool,
}

/// Drafts a point; its series follow once they are admitted.
pub(super) fn draft(item: usize, keys: &Keys, ttl: Ttl, point: &Point, keyed: bool) -> Draft {
    let marker = keys.done(&point.id);
    let kept = if keyed { Idempotency::KEPT } else { MARKER_KEPT };
    let written = Written::Point { kind: point.kind, overflow: false };
    let mut draft = Draft::new(item, marker.shard, written);
    draft.guards.push(Guard::Absent(marker.clone()));
    if let Some(trace_id) = &point.trace_id {
        draft.entries = touch_trace(keys, ttl, trace_id.as_str(), point.agent_name(), point.timestamp);
    }
    draft.points.push((point.clone(), false));
    draft.body.push(Command::new("SET", marker).arg(1).arg("EX").arg(kept.as_secs()));
    draft
}

/// What adds a point to its series' share in a shard.
pub(super) fn add(keys: &Keys, ttl: Ttl, shard: Shard, point: &Point, labels: &Labels) -> Vec<Command> {
    let id = series_id(&point.name, labels);
    let value = match point.kind {
        MetricKind::Counter => SeriesValue::Counter(point.value),
        MetricKind::Gauge => SeriesValue::Gauge(point.value),
        MetricKind::Histogram => {
            let bucket = bucket_of(&point.name, point.value);
            let buckets = (0..=bucket).map(|index| u64::from(index == bucket)).collect();
            SeriesValue::Histogram { buckets, sum: point.value }
        }
    };
    let series = Series { name: point.name.clone(), labels: labels.clone(), value };
    let mut commands = add_series(keys, ttl, shard, &series, point.timestamp);
    commands.push(sample(keys, ttl, shard, &id, point));
    commands
}

/// What adds sums, of which the last was taken at `time`, to a series' share in a shard.
pub(super) fn add_series(
    keys: &Keys,
    ttl: Ttl,
    shard: Shard,
    more: &Series,
    time: Timestamp,
) -> Vec<Command> {
    let id = series_id(&more.name, &more.labels);
    let series = keys.series(shard, &id);
    let index = keys.series_index(shard);
    let command = |name| Command::new(name, series.clone());
    let labels = serde_json::to_string(&more.labels).unwrap_or_default();
    let kind = more.value.kind().as_str();
    let mut commands = vec![command("HSET").arg(&["name", &more.name, "labels", &labels, "kind", kind])];
    match &more.value {
        SeriesValue::Counter(sum) => commands.push(command("HINCRBYFLOAT").arg("sum").arg(*sum)),
        SeriesValue::Gauge(value) => {
            commands.push(command("NEWER").arg("time").arg(time.micros()).arg("value").arg(*value));
        }
        SeriesValue::Histogram { buckets, sum } => {
            for (bucket, count) in buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
                commands.push(command("HINCRBY").arg(format!("b{bucket}")).arg(*count));
            }
            commands.push(command("HINCRBYFLOAT").arg("sum").arg(*sum));
        }
    }
    commands.push(command("EXPIRE").arg(ttl.series));
    commands.push(Command::new("ZADD", index.clone()).arg("GT").arg(score(time)).arg(&id));
    commands.push(Command::new("EXPIRE", index).arg(ttl.series));
    commands
}

/// What adds a point to its series' share of its minute.
fn sample(keys: &Keys, ttl: Ttl, shard: Shard, series_id: &str, point: &Point) -> Command {
    let minute = point.timestamp.minute();
    let hour = Tier::Hour.start_of(minute);
    let number = minute.micros().abs_diff(hour.micros()) / 60_000_000;
    let bucket = match point.kind {
        MetricKind::Histogram => bucket_of(&point.name, point.value).to_string(),
        MetricKind::Counter | MetricKind::Gauge => String::new(),
    };
    let sample = Command::new("SAMPLE", keys.series_hour(shard, series_id, hour)).arg(ttl.series).arg(number);
    sample.arg(point.timestamp.micros()).arg(point.value).arg(bucket)
}

impl Writer {
    /// Finds out for every point of the drafts whether its series may be, asking for those not seen before.
    pub(super) async fn admit(&mut self, open: &mut [&mut Item], drafts: &mut [Draft]) {
        let mut asked: Vec<String> = Vec::new();
        let mut questions: HashSet<String> = HashSet::new();
        let mut requests: Vec<Request> = Vec::new();
        for draft in drafts.iter() {
            let item = &*open[draft.item];
            for (point, _) in &draft.points {
                let name = remembered_name(&item.keys, point);
                // Points of one series with different kinds are each asked for, so that each is answered.
                let question = format!("{name}:{}:{}", point.kind.as_str(), point.kind_given);
                if self.admissions.find(&name).is_none() && questions.insert(question.clone()) {
                    asked.push(question);
                    let now = item.write.record.taken_at();
                    requests.push(admission_request(&item.keys, self.ttl, point, now));
                }
            }
        }
        let mut answers: HashMap<String, Result<Admission, Problem>> = HashMap::new();
        if !requests.is_empty() {
            let replies = self.link.send(&requests).await;
            answers = asked.into_iter().zip(replies.into_iter().map(admission)).collect();
        }
        for draft in drafts {
            let item = &mut *open[draft.item];
            let mut refused = None;
            draft.points.retain_mut(|(point, overflow)| {
                let name = remembered_name(&item.keys, point);
                let question = format!("{name}:{}:{}", point.kind.as_str(), point.kind_given);
                let admission = match (self.admissions.find(&name), answers.get(&question)) {
                    (Some(known), _) => Ok(known),
                    (None, Some(answer)) => answer.clone(),
                    (None, None) => Err(Problem::internal("a series was not admitted")),
                };
                match admission.and_then(|admission| apply(point, admission)) {
                    Ok(admission) => {
                        *overflow = admission.overflow;
                        self.admissions.remember(name, admission);
                        true
                    }
                    Err(problem) => {
                        refused = Some((point.name.clone(), problem));
                        false
                    }
                }
            });
            settle(item, draft, refused);
        }
    }
}

/// Takes over what became of a draft's points into its answer.
fn settle(item: &mut Item, draft: &mut Draft, refused: Option<(String, Problem)>) {
    match (&item.write.record, refused) {
        (Record::Point(_) | Record::Import(_), Some((_, problem))) => item.answer = Some(Err(problem)),
        (Record::Point(_), None) => {
            if let Some((point, overflow)) = draft.points.first() {
                draft.written = Written::Point { kind: point.kind, overflow: *overflow };
            }
        }
        (_, Some((_, problem))) if problem.code.is_server_fault() => item.answer = Some(Err(problem)),
        // Only a caller who took one of our names for another kind can be in the way; the span's end is
        // not refused for that.
        (_, Some((metric, problem))) => {
            tracing::warn!(metric, %problem, "a span could not be counted");
        }
        (_, None) => {}
    }
}

/// Gives the point its metric's kind.
fn apply(point: &mut Point, admission: Admission) -> Result<Admission, Problem> {
    let kind = admission.kind;
    point.check_kind(kind)?;
    point.kind = kind;
    Ok(admission)
}

fn admission_request(keys: &Keys, ttl: Ttl, point: &Point, now: Timestamp) -> Request {
    let forget = now.minus(Duration::from_secs(ttl.series) + ADMISSION_HOLDS);
    let given = if point.kind_given { "1" } else { "0" };
    let arguments = [
        series_id(&point.name, &point.labels),
        point.kind.as_str().to_owned(),
        given.to_owned(),
        score(now),
        score(forget),
        (ttl.series + ADMISSION_HOLDS.as_secs()).to_string(),
        MAX_SERIES_PER_METRIC.to_string(),
        MAX_SERIES_PER_PROJECT.to_string(),
    ];
    Request::Script {
        script: &ADMIT,
        keys: vec![keys.metric_kind(&point.name), keys.metric_series(&point.name), keys.admitted()],
        arguments: arguments.into_iter().map(String::into_bytes).collect(),
    }
}

fn admission(reply: Reply) -> Result<Admission, Problem> {
    let (kind, word): (String, String) = read(reply)?;
    // A conflict shows in the kind.
    Ok(Admission { kind: MetricKind::parse("kind", &kind)?, overflow: word == "overflow" })
}

impl Admissions {
    fn find(&self, name: &str) -> Option<Admission> {
        let (admission, since) = self.0.get(name)?;
        (since.elapsed() < ADMISSION_HOLDS).then_some(*admission)
    }

    fn remember(&mut self, name: String, admission: Admission) {
        if self.find(&name).is_some() {
            return;
        }
        if self.0.len() >= MAX_REMEMBERED {
            // To ask again costs one round trip for each group.
            self.0.clear();
        }
        self.0.insert(name, (admission, Instant::now()));
    }
}

/// A series' id: a digest of its name and labels.
pub(in super::super) fn series_id(name: &str, labels: &Labels) -> String {
    let texts = labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let mut id = digest(std::iter::once(name).chain(texts));
    id.truncate(32);
    id
}

fn remembered_name(keys: &Keys, point: &Point) -> String {
    format!("{}{}", keys.project(), series_id(&point.name, &point.labels))
}
