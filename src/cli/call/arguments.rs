//! The arguments of a call, from where they may come: flags before JSON before what gantz puts in the environment.

use clap::ArgMatches;
use serde_json::{Map, Value};

use super::tool::{self, JSON};
use crate::config::{self, Environment};
use crate::mcp::ToolName;
use crate::model::{Code, Problem, json};

/// All arguments of a call.
///
/// # Errors
/// JSON that can't be read, or text that is no number where one is wanted.
pub(super) fn gather(
    tool: ToolName,
    matches: &ArgMatches,
    environment: Environment<'_>,
) -> Result<Map<String, Value>, Problem> {
    let mut gathered = match matches.get_one::<String>(JSON) {
        Some(text) => object(text)?,
        None => Map::new(),
    };
    for (name, schema) in tool::arguments(tool) {
        let given = |text: &String| !is_absent(name, text);
        if let Some(text) = matches.get_one::<String>(name).filter(|text| given(text)) {
            gathered.insert(name.to_owned(), typed(name, schema, text)?);
        } else if !gathered.contains_key(name)
            && let Some(text) = config::gantz_argument(name, environment).filter(given)
        {
            gathered.insert(name.to_owned(), typed(name, schema, &text)?);
        }
    }
    Ok(gathered)
}

/// Whether the text stands for an argument that was not sent: gantz prints null so, and leaves the template of what is
/// missing as it is.
pub(in crate::cli) fn is_absent(name: &str, text: &str) -> bool {
    let template = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    text == "<nil>" || template == Some(name)
}

/// Text as a value of the type that `schema` wants.
///
/// # Errors
/// [`InvalidNumber`](Code::InvalidNumber).
pub(in crate::cli) fn typed(name: &str, schema: &Value, text: &str) -> Result<Value, Problem> {
    match (schema["type"].as_str(), number(text)) {
        (Some("number" | "integer"), Some(number)) => Ok(number.into()),
        (Some("number"), None) => {
            let message = format!("`{name}` must be a finite number");
            Err(Problem::new(Code::InvalidNumber, message).at(name).hint("such as 12, 0.5 or 1e+06"))
        }
        // The tool names the range that a whole number must be in.
        _ => Ok(text.into()),
    }
}

/// A finite number in a form that Go prints or Python reads: `1e+06`, ` 12 `, `1_000`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_digit = |character: Option<char>| character.is_some_and(|character| character.is_ascii_digit());
    let mut parts = text.split('_').peekable();
    while let Some(part) = parts.next() {
        if let Some(next) = parts.peek()
            && !(is_digit(part.chars().next_back()) && is_digit(next.chars().next()))
        {
            return None;
        }
    }
    text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

fn object(text: &str) -> Result<Map<String, Value>, Problem> {
    let whole = |message: String| Problem::new(Code::InvalidArgument, message);
    let read = json::read(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        whole(format!("the arguments are not json: unreadable at {place}"))
    })?;
    if let Some(violation) = read.violations.first() {
        return Err(violation.fault.problem(&violation.path.to_string()));
    }
    match read.value {
        Value::Object(object) => Ok(object),
        _ => Err(whole("the arguments must be one json object".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gathered(
        tool: ToolName,
        words: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Map<String, Value>, Problem> {
        let matches = tool::command(tool).try_get_matches_from(words).unwrap();
        let look_up = |asked: &str| {
            environment.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        };
        gather(tool, &matches, &look_up)
    }

    #[test]
    fn flags_go_before_json_and_that_before_the_environment() {
        let environment = [
            ("GANTZ_ARG_LEVEL", "debug"),
            ("GANTZ_ARG_EVENT_TYPE", "from.gantz"),
            ("GANTZ_ARG_MESSAGE", "from gantz: {{level}} $(id) \"'\n"),
            ("GANTZ_ARG_METADATA", "{{metadata}}"),
            ("GANTZ_ARG_IDEMPOTENCY_KEY", "<nil>"),
        ];
        let words = ["--level=error", r#"{"level": "warn", "event_type": "from.json"}"#];
        let expected = json!({
            "level": "error", "event_type": "from.json", "message": "from gantz: {{level}} $(id) \"'\n",
        });
        assert_eq!(Value::Object(gathered(ToolName::LogEvent, &words, &environment).unwrap()), expected);
    }

    #[test]
    fn a_flag_is_written_with_hyphens_or_as_the_argument_is_named() {
        for flag in ["--event-type", "--event_type"] {
            let found = gathered(ToolName::LogEvent, &[flag, "--odd"], &[]).unwrap();
            assert_eq!(Value::Object(found), json!({ "event_type": "--odd" }), "{flag}");
        }
    }

    #[test]
    fn text_becomes_a_number_where_one_is_wanted() {
        for (text, number) in
            [("1e+06", 1e6), (" 12 ", 12.0), ("1_000", 1000.0), ("-2.5", -2.5), ("6e+01", 60.0)]
        {
            let found = gathered(ToolName::RecordMetric, &["--value", text], &[]).unwrap();
            assert_eq!(found["value"], json!(number), "{text}");
        }
        for text in ["nan", "inf", "-Infinity", "1e400", "", "five", "1__0", "_1", "1_", "1_e5", "0x10"] {
            let problem = gathered(ToolName::RecordMetric, &[], &[("GANTZ_ARG_VALUE", text)]).unwrap_err();
            assert_eq!(
                (problem.code, problem.field.as_deref()),
                (Code::InvalidNumber, Some("value")),
                "{text}"
            );
        }
        let minutes = |text| gathered(ToolName::QueryLogs, &["--since-minutes", text], &[]).unwrap();
        assert_eq!(minutes("6e+01")["since_minutes"], json!(60.0));
        assert_eq!(minutes("soon")["since_minutes"], json!("soon"), "the tool says what it must be");
    }

    #[test]
    fn json_is_read_strictly() {
        let refused = |text| gathered(ToolName::LogEvent, &[text], &[]).unwrap_err();
        assert_eq!(refused(r#"{"a":1,"a":2}"#).field.as_deref(), Some("a"));
        assert!(refused("{").message.contains("line 1, column 1"));
        assert!(refused("[1]").message.contains("one json object"));
        assert_eq!(refused(r#"{"n":18446744073709551616}"#).code, Code::InvalidNumber);
    }
}
