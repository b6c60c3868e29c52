//! Writing the calls of a run: those of the published agent, in its order.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::transcript::{Event, Outcome, Transcript};
use super::{Call, Run};
use crate::clock::Ids;

/// Characters of a text that a span's metadata carries; a longer one goes into a log of the span.
const MAX_INLINE_CHARS: usize = 12_000;
/// Characters of one log; a longer text takes several.
const MAX_LOG_CHARS: usize = 60_000;

pub(super) fn run(transcript: &Transcript) -> Run {
    let mut script = Script {
        transcript,
        trace_id: Ids.trace(),
        root: Ids.span(),
        now: Duration::ZERO,
        calls: Vec::new(),
        read_tokens: 0,
        tool_calls: 0,
        said_last: transcript.task.clone(),
    };
    script.begin();
    for event in &transcript.events {
        script.event(event);
    }
    script.finish();
    Run { trace_id: script.trace_id, calls: script.calls }
}

struct Script<'a> {
    transcript: &'a Transcript,
    trace_id: String,
    root: String,
    now: Duration,
    calls: Vec<Call>,
    /// Tokens of everything said so far, which the next model call reads again.
    read_tokens: u64,
    tool_calls: u64,
    said_last: String,
}

impl Script<'_> {
    fn begin(&mut self) {
        let transcript = self.transcript;
        self.call(
            "start_span",
            json!({
                "trace_id": self.trace_id, "span_id": self.root, "span_name": "agent_request", "kind": "agent",
                "agent_name": transcript.agent_name, "session_id": transcript.session_id,
                "metadata": {
                    "input": cut(&transcript.task, MAX_INLINE_CHARS), "source": transcript.source,
                    "times": "made up", "tokens": "estimated from the length of texts",
                },
            }),
        );
        let beginning = cut(&transcript.task, 100);
        self.log(
            "info",
            "agent.request.start",
            &format!("Processing request: {beginning}"),
            &self.root.clone(),
        );
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Person(text) => {
                self.log_whole("agent.user.message", text, &self.root.clone());
                self.heard(text);
                self.pass(1.0);
            }
            Event::Model { speaker, text } => self.model(speaker.as_deref(), text),
            Event::Tool { name, arguments, result, failed } => self.tool(name, arguments, result, *failed),
            Event::Note(text) => {
                self.log("warn", "agent.annotation", &cut(text, MAX_LOG_CHARS), &self.root.clone());
            }
        }
    }

    fn model(&mut self, speaker: Option<&str>, text: &str) {
        let span = self.open("llm_call", json!({ "input": cut(&self.said_last, 2_000), "speaker": speaker }));
        let written = tokens(text).max(8);
        self.pass(0.4 + f64::from(u32::try_from(written).unwrap_or(u32::MAX)) / 80.0);
        let mut metadata = json!({
            "input_tokens": self.read_tokens + 200, "output_tokens": written, "tokens_estimated": true,
        });
        if let Some(model) = &self.transcript.model {
            metadata["model"] = json!(model);
        }
        self.attach(&mut metadata, "output", text, &span);
        self.close(&span, "ok", metadata);
        self.heard(text);
    }

    fn tool(&mut self, name: &str, arguments: &Value, result: &str, failed: bool) {
        self.tool_calls += 1;
        let span = self.open(&format!("tool.{name}"), json!({ "arguments": arguments }));
        self.pass(0.15 + f64::from(u32::try_from(result.len() % 1_700).unwrap_or(0)) / 1_000.0);
        let mut metadata = json!({});
        self.attach(&mut metadata, "result", result, &span);
        if failed {
            metadata["error"] = json!(cut(result, 300));
            let message = format!("{name} failed: {}", cut(result, 300));
            self.log("error", "agent.tool.error", &message, &span);
        }
        self.close(&span, if failed { "error" } else { "ok" }, metadata);
        self.heard(result);
    }

    fn finish(&mut self) {
        let seconds = self.now.as_secs_f64();
        let agent = json!({ "agent_name": self.transcript.agent_name });
        self.metric("agent.request.duration_ms", json!(seconds * 1_000.0), agent.clone());
        self.metric("agent.tool_calls", json!(self.tool_calls), agent.clone());
        let root = self.root.clone();
        match &self.transcript.outcome {
            Outcome::Solved => {
                let message = format!("Request completed in {seconds:.2}s");
                self.log("info", "agent.request.success", &message, &root);
                self.close(&root, "ok", json!({ "output": cut(&self.said_last, 2_000) }));
            }
            Outcome::Failed(reason) => {
                let reason = cut(reason, MAX_INLINE_CHARS);
                self.log("error", "agent.request.error", &reason, &root);
                let labels = json!({ "agent_name": self.transcript.agent_name, "error_type": "task_failed" });
                self.metric("agent.request.errors", json!(1), labels);
                self.close(&root, "error", json!({ "error": reason, "error_type": "task_failed" }));
            }
        }
    }

    fn open(&mut self, name: &str, metadata: Value) -> String {
        let span = Ids.span();
        self.call(
            "start_span",
            json!({
                "trace_id": self.trace_id, "span_id": span, "span_name": name, "parent_span_id": self.root,
                "metadata": metadata,
            }),
        );
        span
    }

    fn close(&mut self, span: &str, status: &str, metadata: Value) {
        self.call("end_span", json!({ "span_id": span, "status": status, "metadata": metadata }));
        self.pass(0.02);
    }

    fn metric(&mut self, name: &str, value: Value, labels: Value) {
        self.call("record_metric", json!({ "metric_name": name, "value": value, "labels": labels }));
    }

    fn log(&mut self, level: &str, event_type: &str, message: &str, span: &str) {
        self.call(
            "log_event",
            json!({
                "level": level, "event_type": event_type, "message": message,
                "metadata": {
                    "agent_name": self.transcript.agent_name, "trace_id": self.trace_id, "span_id": span,
                    "session_id": self.transcript.session_id,
                },
            }),
        );
    }

    /// Logs a text of any length, in as many logs as it takes.
    fn log_whole(&mut self, event_type: &str, text: &str, span: &str) {
        let mut rest = text;
        loop {
            let end = rest.char_indices().nth(MAX_LOG_CHARS).map_or(rest.len(), |(index, _)| index);
            let (part, after) = rest.split_at(end);
            self.log("info", event_type, part, span);
            if after.is_empty() {
                break;
            }
            rest = after;
        }
    }

    /// Puts `text` under `name` if it is short, else into a log of the span.
    fn attach(&mut self, metadata: &mut Value, name: &str, text: &str, span: &str) {
        if text.chars().count() <= MAX_INLINE_CHARS {
            metadata[name] = json!(text);
        } else {
            metadata[name] = json!(cut(text, 2_000));
            metadata[format!("{name}_in_log")] = json!(format!("agent.{name}"));
            self.log_whole(&format!("agent.{name}"), text, span);
        }
    }

    fn heard(&mut self, text: &str) {
        self.read_tokens += tokens(text);
        text.clone_into(&mut self.said_last);
    }

    fn call(&mut self, tool: &'static str, arguments: Value) {
        let arguments: Map<String, Value> = match arguments {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        self.calls.push(Call { at: self.now, tool, arguments });
    }

    fn pass(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }
}

/// About four characters make a token of English.
fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((index, _)) => format!("{}…", text.split_at(index).0),
        None => text.to_owned(),
    }
}
