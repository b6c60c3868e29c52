//! What a busy installation has written: traces of agents that call models and tools, and their logs, evenly through
//! a stretch of time that ends now. The same numbers give the same records, but for the time.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value, json};
use watchglass::clock::{Clock, SystemClock};
use watchglass::model::{
    EventType, Level, Log, Record, Span, SpanEnd, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Usage,
    Write,
};

/// The trace that has as many spans as an answer shows.
pub(crate) const LARGE_TRACE: &str = "00000000000000000000000000001000";
/// How long ago it began.
const LARGE_TRACE_AGE: Duration = Duration::from_secs(600);
const SPANS_OF_THE_LARGE_TRACE: u64 = 1_000;
const SPANS_OF_A_TRACE: u64 = 10;
const AGENTS: u64 = 20;
const TRACES_OF_A_SESSION: u64 = 5;

const MODELS: [(&str, &str); 4] = [
    ("claude-sonnet-4-5", "anthropic"),
    ("gpt-4o", "openai"),
    ("gemini-2.5-pro", "gcp.gemini"),
    ("my-own-model", "my-gateway"),
];
const TOOLS: [&str; 6] =
    ["search_web", "read_file", "run_query", "send_mail", "get_weather", "create_ticket"];
const EVENT_TYPES: [&str; 6] = [
    "agent.request.start",
    "agent.request.complete",
    "agent.request.error",
    "agent.tool.call",
    "agent.llm.response",
    "agent.memory.update",
];

/// How many of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Amount {
    pub(crate) logs: u64,
    pub(crate) spans: u64,
}

impl Amount {
    /// All together.
    pub(crate) const fn records(self) -> u64 {
        self.logs + self.spans
    }

    /// The same, made through so long a time.
    pub(crate) const fn over(self, time: Duration) -> (Self, Duration) {
        (self, time)
    }

    /// A hundredth of it.
    pub(crate) const fn hundredth(self) -> Self {
        Self { logs: self.logs / 100, spans: self.spans / 100 }
    }
}

/// `10000000,1000000`: logs, then spans.
impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |part: &str| part.trim().replace('_', "").parse::<u64>().ok();
        let numbers = text.split_once(',').and_then(|(logs, spans)| Some((parse(logs)?, parse(spans)?)));
        let (logs, spans) = numbers.ok_or("two numbers, of logs and of spans, such as `10000000,1000000`")?;
        Ok(Self { logs, spans })
    }
}

/// Records in the order in which they come: a trace's spans at its start, its logs until the next one's.
pub(crate) struct Records {
    amount: Amount,
    traces: u64,
    start: Timestamp,
    over: Duration,
    next_trace: u64,
    next_log: u64,
    ready: std::vec::IntoIter<Write>,
}

impl Records {
    /// Of so many records, through so long a time.
    pub(crate) fn new(amount: Amount, over: Duration) -> Self {
        // The large trace has its share of them.
        let rest = amount.spans.saturating_sub(SPANS_OF_THE_LARGE_TRACE);
        let start = SystemClock.now().minus(over);
        Self {
            amount,
            traces: (rest / SPANS_OF_A_TRACE).max(1),
            start,
            over,
            next_trace: 0,
            next_log: 0,
            ready: large_trace(start.plus(over.saturating_sub(LARGE_TRACE_AGE))).into_iter(),
        }
    }

    /// The instant of number `number` of `of`.
    fn at(&self, number: u64, of: u64) -> Timestamp {
        let share = u128::from(number) * self.over.as_micros() / u128::from(of.max(1));
        self.start.plus(Duration::from_micros(u64::try_from(share).unwrap_or(u64::MAX)))
    }

    /// The spans of the next trace and the logs until the one after.
    fn fill(&mut self) -> bool {
        let trace = self.next_trace;
        if trace == self.traces {
            return false;
        }
        self.next_trace += 1;
        let mut writes = spans_of(trace, self.at(trace, self.traces));
        let logs = u128::from(self.amount.logs) * u128::from(self.next_trace) / u128::from(self.traces);
        for log in self.next_log..u64::try_from(logs).unwrap_or(u64::MAX) {
            writes.push(self.log(log, trace));
            self.next_log += 1;
        }
        self.ready = writes.into_iter();
        true
    }

    fn log(&self, number: u64, trace: u64) -> Write {
        let noise = mix(number);
        let timestamp = self.at(number, self.amount.logs);
        let (level, event_type) = match noise % 100 {
            0..2 => (Level::Error, "agent.request.error"),
            2..10 => (Level::Warn, "agent.tool.call"),
            10..30 => (Level::Debug, "agent.memory.update"),
            _ => (Level::Info, EVENT_TYPES[usize::try_from(noise >> 32).unwrap_or(0) % EVENT_TYPES.len()]),
        };
        let agent = agent(trace);
        let trace_id = trace_id(trace);
        let message = format!(
            "Step {} of request {number:08}: looked at {} documents in {} ms and went on",
            noise % 9,
            noise % 40,
            noise % 5_000
        );
        Write::once(Record::Log(Box::new(Log {
            id: uuid::Builder::from_unix_timestamp_millis(millis(timestamp), &tail(noise))
                .into_uuid()
                .to_string(),
            timestamp,
            level: Some(level),
            event_type: EventType::stored(event_type),
            message,
            metadata: object(json!({ "agent_name": agent, "trace_id": trace_id, "attempt": noise % 3 })),
            agent_name: Some(agent),
            trace_id: Some(TraceId::stored(trace_id)),
            span_id: None,
            session_id: Some(session(trace)),
            sanitized: false,
            redacted: Vec::new(),
        })))
    }
}

impl Iterator for Records {
    type Item = Write;

    fn next(&mut self) -> Option<Write> {
        loop {
            if let Some(write) = self.ready.next() {
                return Some(write);
            }
            if !self.fill() {
                return None;
            }
        }
    }
}

/// A request: the agent, and in turns its calls of models and tools.
fn spans_of(trace: u64, start: Timestamp) -> Vec<Write> {
    let failed = mix(trace).is_multiple_of(50);
    let step = Duration::from_millis(120 + mix(trace) % 900);
    let mut writes = Vec::new();
    let mut at = start;
    for number in 1..SPANS_OF_A_TRACE {
        let ends_badly = failed && number == SPANS_OF_A_TRACE - 1;
        writes.extend(child(trace, &trace_id(trace), number, at, step, ends_badly));
        at = at.plus(step);
    }
    let root = Step { trace, number: 0, name: "agent_request", kind: SpanKind::Agent, failed };
    let [begin, end] = root.writes(&trace_id(trace), start, at, Map::new());
    [vec![begin], writes, vec![end]].concat()
}

/// One request of very many steps, all of them calls that the agent made itself.
fn large_trace(start: Timestamp) -> Vec<Write> {
    let step = Duration::from_millis(40);
    let mut at = start;
    let mut writes = Vec::new();
    // Its numbers are those of a trace that there is not.
    let trace = u64::MAX >> 12;
    for number in 1..SPANS_OF_THE_LARGE_TRACE {
        writes.extend(child(trace, LARGE_TRACE, number, at, step, number % 100 == 0));
        at = at.plus(step);
    }
    let root = Step { trace, number: 0, name: "agent_request", kind: SpanKind::Agent, failed: false };
    let [begin, end] = root.writes(LARGE_TRACE, start, at, Map::new());
    [vec![begin], writes, vec![end]].concat()
}

/// The call of a model, and after it that of a tool.
fn child(trace: u64, trace_id: &str, number: u64, at: Timestamp, step: Duration, failed: bool) -> [Write; 2] {
    let noise = mix(trace ^ number << 40);
    let pick = |many: usize| usize::try_from(noise).unwrap_or(0) % many;
    let end = at.plus(step.mul_f64(0.9));
    if number.is_multiple_of(2) {
        let name = TOOLS[pick(TOOLS.len())];
        return Step { trace, number, name, kind: SpanKind::Tool, failed }.writes(
            trace_id,
            at,
            end,
            Map::new(),
        );
    }
    let (model, provider) = MODELS[pick(MODELS.len())];
    let metadata = json!({
        "gen_ai.response.model": model,
        "gen_ai.provider.name": provider,
        "gen_ai.usage.input_tokens": 2_000 + noise % 20_000,
        "gen_ai.usage.cache_read.input_tokens": noise % 2_000,
        "gen_ai.usage.output_tokens": 50 + noise % 900,
    });
    Step { trace, number, name: "llm_call", kind: SpanKind::Llm, failed }.writes(
        trace_id,
        at,
        end,
        object(metadata),
    )
}

/// A step of an agent, before its times are known.
struct Step {
    trace: u64,
    number: u64,
    name: &'static str,
    kind: SpanKind,
    failed: bool,
}

impl Step {
    /// Its start and its end.
    fn writes(
        self,
        trace_id: &str,
        start: Timestamp,
        end: Timestamp,
        said: Map<String, Value>,
    ) -> [Write; 2] {
        let id = |number: u64| SpanId::stored(format!("{:012x}{number:04x}", self.trace));
        let span = Span {
            trace_id: TraceId::stored(trace_id),
            span_id: id(self.number),
            parent_span_id: (self.number > 0).then(|| id(0)),
            parent_remote: false,
            orphan: false,
            name: self.name.to_owned(),
            kind: self.kind,
            start_time: start,
            end_time: None,
            duration_ms: None,
            status: SpanStatus::InProgress,
            error: None,
            agent_name: Some(agent(self.trace)),
            session_id: Some(session(self.trace)),
            model: None,
            provider: None,
            usage: Usage::default(),
            reported_cost_pico_usd: None,
            computed_cost_pico_usd: None,
            metadata: object(json!({ "step": self.number })),
            clock_skew: false,
            redacted: Vec::new(),
            fingerprint: format!("{:032x}", self.trace),
        };
        let mut metadata = said;
        if self.failed {
            metadata.insert("error".into(), format!("timeout after {} ms", mix(self.trace) % 10_000).into());
        }
        let status = if self.failed { SpanStatus::Error } else { SpanStatus::Ok };
        let end = SpanEnd { span_id: id(self.number), end_time: end, status, metadata, redacted: Vec::new() };
        [Record::SpanStart(Box::new(span)), Record::SpanEnd(Box::new(end))].map(Write::once)
    }
}

fn trace_id(trace: u64) -> String {
    format!("{:016x}{trace:016x}", mix(trace))
}

fn agent(trace: u64) -> String {
    format!("agent-{:02}", mix(trace) % AGENTS)
}

fn session(trace: u64) -> String {
    format!("session-{}", trace / TRACES_OF_A_SESSION)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.micros() / 1_000).unwrap_or(0)
}

/// What of a log's id is not its time.
fn tail(noise: u64) -> [u8; 10] {
    let mut tail = [0; 10];
    tail[2..].copy_from_slice(&noise.to_be_bytes());
    tail
}

/// A number that looks like chance and is the same every time (the finalizer of `SplitMix64`).
const fn mix(number: u64) -> u64 {
    let mut noise = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    noise = (noise ^ (noise >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    noise = (noise ^ (noise >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    noise ^ (noise >> 31)
}
