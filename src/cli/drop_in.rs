//! The commands that take the place of the published scripts: the same arguments in the same places, the same
//! standard input, the same standard output to the byte.

mod answer;
mod python;

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::call::{arguments_of, is_absent, typed};
use super::one_shot::{self, Calls};
use super::{Failure, print, stdin};
use crate::config::{self, Config, Environment};
use crate::mcp::ToolName;
use crate::model::{Code, Problem};

/// How long all pages of an answer may take: a bare array can't say that it is cut, and whoever runs the script
/// waits no longer than this.
const PAGES: Duration = Duration::from_secs(8);

/// The six, each in the place of the script of its name. An argument may also come as `GANTZ_ARG_NAME`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum DropIn {
    /// Log an event as the published script did; the message is on standard input
    #[command(override_usage = "watchglass log-event LEVEL EVENT_TYPE [METADATA] < MESSAGE")]
    LogEvent(Words),
    /// Start a span as the published script did
    #[command(override_usage = "watchglass start-span TRACE_ID SPAN_NAME [PARENT_SPAN_ID]")]
    StartSpan(Words),
    /// End a span as the published script did
    #[command(override_usage = "watchglass end-span SPAN_ID [STATUS] [METADATA]")]
    EndSpan(Words),
    /// Record a metric as the published script did
    #[command(override_usage = "watchglass record-metric METRIC_NAME VALUE [LABELS]")]
    RecordMetric(Words),
    /// Print a trace as the published script was to
    #[command(override_usage = "watchglass get-trace TRACE_ID")]
    GetTrace(Words),
    /// Print logs as the published script was to
    #[command(override_usage = "watchglass query-logs [EVENT_TYPE] [LEVEL] [SINCE_MINUTES]")]
    QueryLogs(Words),
}

/// The arguments in their places. Settings stand before them.
#[derive(Debug, Clone, Args)]
pub(super) struct Words {
    /// The arguments of the script; those that it does not know are ignored
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

impl DropIn {
    /// The tool, the arguments in the order of their places, and what was given in these places.
    const fn parts(&self) -> (ToolName, &'static [&'static str], &Words) {
        match self {
            Self::LogEvent(words) => (ToolName::LogEvent, &["level", "event_type", "metadata"], words),
            Self::StartSpan(words) => {
                (ToolName::StartSpan, &["trace_id", "span_name", "parent_span_id"], words)
            }
            Self::EndSpan(words) => (ToolName::EndSpan, &["span_id", "status", "metadata"], words),
            Self::RecordMetric(words) => (ToolName::RecordMetric, &["metric_name", "value", "labels"], words),
            Self::GetTrace(words) => (ToolName::GetTrace, &["trace_id"], words),
            Self::QueryLogs(words) => (ToolName::QueryLogs, &["event_type", "level", "since_minutes"], words),
        }
    }
}

/// Does what the script did.
pub(super) fn run(
    script: &DropIn,
    settings: impl FnOnce() -> Result<Config, Failure>,
) -> Result<(), Failure> {
    let (tool, places, words) = script.parts();
    let mut config = settings()?;
    let arguments = gather(tool, places, &words.words, &config::process_environment)
        .and_then(|arguments| with_message(tool, arguments));
    let answer = arguments.map_err(Failure::Problem).and_then(|arguments| {
        one_shot::run(&mut config, async |calls| published(calls, tool, arguments).await)
    });
    match answer {
        Ok(answer) => print::data(&python::dumps(&answer)),
        // The script took it for an answer: it did not fail.
        Err(Failure::Problem(problem)) if problem.code == Code::SpanNotFound => {
            print::data(&problem.to_text())
        }
        Err(failure) => Err(one_shot::tell(failure)),
    }
}

/// Each argument from the environment, else from its place. What is absent or empty is left to the tool.
fn gather(
    tool: ToolName,
    places: &[&str],
    words: &[String],
    environment: Environment<'_>,
) -> Result<Map<String, Value>, Problem> {
    let mut gathered = Map::new();
    for (name, schema) in arguments_of(tool) {
        let place = places.iter().position(|known| *known == name);
        if place.is_none() && name != "message" {
            continue;
        }
        let given = config::gantz_argument(name, environment)
            .or_else(|| words.get(place?).cloned())
            .filter(|text| !is_absent(name, text));
        match given {
            Some(text) if !text.is_empty() || name == "message" => {
                gathered.insert(name.to_owned(), typed(name, schema, &text)?);
            }
            _ => {}
        }
    }
    Ok(gathered)
}

/// A message is what is on standard input; nothing there is a message without words.
fn with_message(tool: ToolName, mut arguments: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    if tool == ToolName::LogEvent && !arguments.contains_key("message") {
        arguments.insert("message".to_owned(), stdin::message()?.unwrap_or_default().into());
    }
    Ok(arguments)
}

async fn published(calls: &Calls, tool: ToolName, arguments: Map<String, Value>) -> Result<Value, Problem> {
    match tool {
        ToolName::GetTrace => Ok(answer::trace(&pages(calls, tool, arguments).await?)),
        ToolName::QueryLogs => Ok(answer::logs(&pages(calls, tool, arguments).await?)),
        _ => Ok(answer::written(tool, &calls.make(tool, arguments).await?)),
    }
}

/// Every page of an answer.
async fn pages(
    calls: &Calls,
    tool: ToolName,
    mut arguments: Map<String, Value>,
) -> Result<Vec<Value>, Problem> {
    let started = Instant::now();
    let mut pages = Vec::new();
    if tool == ToolName::QueryLogs {
        arguments.insert("limit".to_owned(), LARGEST_PAGE.into());
    }
    loop {
        let page = calls.make(tool, arguments.clone()).await?;
        let next = page["next"].clone();
        pages.push(page);
        if next.is_null() {
            return Ok(pages);
        }
        if started.elapsed() > PAGES {
            let message = format!("the answer can't be read in {} s", PAGES.as_secs());
            return Err(Problem::new(Code::FieldTooLarge, message)
                .hint("ask for less, or page through it with `watchglass call`"));
        }
        arguments.insert("cursor".to_owned(), next);
    }
}

/// More than any page holds: the tool cuts it to the most there is.
const LARGEST_PAGE: u32 = 1_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gathered(script: &DropIn, environment: &[(&str, &str)]) -> Value {
        let (tool, places, words) = script.parts();
        let look_up = |asked: &str| {
            environment.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        };
        Value::Object(gather(tool, places, &words.words, &look_up).unwrap())
    }

    fn words(words: &[&str]) -> Words {
        Words { words: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn the_environment_goes_before_the_place_and_what_is_absent_is_left_out() {
        let script = DropIn::LogEvent(words(&["{{level}}", "from.argv", "", "ignored"]));
        assert_eq!(gathered(&script, &[]), json!({ "event_type": "from.argv" }));
        let environment = [
            ("GANTZ_ARG_LEVEL", "warn"),
            ("GANTZ_ARG_EVENT_TYPE", "from.gantz"),
            ("GANTZ_ARG_MESSAGE", ""),
            ("GANTZ_ARG_METADATA", "<nil>"),
        ];
        let expected = json!({ "level": "warn", "event_type": "from.gantz", "message": "" });
        assert_eq!(gathered(&script, &environment), expected);
    }

    #[test]
    fn numbers_come_as_go_and_python_write_them() {
        let script = DropIn::RecordMetric(words(&["m", "-1e+06", r#"{"a": 1}"#]));
        let expected = json!({ "metric_name": "m", "value": -1e6, "labels": "{\"a\": 1}" });
        assert_eq!(gathered(&script, &[]), expected);
        let script = DropIn::QueryLogs(words(&["", "", "6e+01"]));
        assert_eq!(gathered(&script, &[]), json!({ "since_minutes": 60.0 }));
    }
}
