//! `watchglass call TOOL`: one call of a tool, without a server.

mod arguments;
mod readable;
mod tool;

use clap::{ArgMatches, Args};
use serde_json::{Map, Value};

use super::one_shot;
use super::{Failure, print, stdin};
use crate::config::{self, Config};
use crate::mcp::ToolName;
use crate::model::{Problem, text::quoted};

use arguments::gather;
pub(super) use arguments::{is_absent, typed};
pub(super) use readable::fields;
pub(super) use tool::arguments as arguments_of;

/// The tool and its arguments, left to the tool's own command line: settings stand before the tool's name, and what
/// stands behind it is the tool's, so that no setting can ever take an argument's name.
#[expect(clippy::doc_markdown, reason = "this text is the help, which is not Markdown")]
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "watchglass call [SETTINGS] TOOL [JSON] [--NAME VALUE]...",
    after_help = tool::list()
)]
pub(super) struct Call {
    /// The tool, then its arguments: one JSON object, flags named like them, or GANTZ_ARG_NAME in the environment
    #[arg(value_name = "TOOL", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Makes the call and prints the answer.
pub(super) fn run(call: &Call, settings: impl FnOnce() -> Result<Config, Failure>) -> Result<(), Failure> {
    let Some((tool, matches)) = understand(call)? else { return Ok(()) };
    let mut config = settings()?;
    let answer = arguments(tool, &matches)
        .map_err(Failure::Problem)
        .and_then(|arguments| one_shot::run(&mut config, async |calls| calls.make(tool, arguments).await));
    let answer = answer.map_err(one_shot::tell)?;
    if print::is_read_by_a_person() {
        print::data(&readable::answer(tool, &answer))
    } else {
        print::data(&answer.to_string())
    }
}

/// Reads the tool's name and its command line; `None` where all that was asked for is its help.
fn understand(call: &Call) -> Result<Option<(ToolName, ArgMatches)>, Failure> {
    let usage = |message: String| Failure::Usage(format!("{message}\n\n{}", tool::list()));
    let Some((name, words)) = call.words.split_first() else {
        return Err(usage("no tool is named".to_owned()));
    };
    let tool = ToolName::from_name(&name.replace('-', "_"))
        .ok_or_else(|| usage(format!("there is no tool {}", quoted(name))))?;
    match tool::command(tool).try_get_matches_from(words) {
        Ok(matches) => Ok(Some((tool, matches))),
        Err(error) if error.use_stderr() => Err(Failure::CommandLine(error)),
        Err(help) => {
            print::parsed(&help);
            Ok(None)
        }
    }
}

fn arguments(tool: ToolName, matches: &ArgMatches) -> Result<Map<String, Value>, Problem> {
    let mut arguments = gather(tool, matches, &config::process_environment)?;
    if tool == ToolName::LogEvent
        && !arguments.contains_key("message")
        && let Some(message) = stdin::message()?
    {
        arguments.insert("message".to_owned(), message.into());
    }
    Ok(arguments)
}
