//! A tool as a command: its arguments as flags, with what its schema says of them.

use std::fmt::Write;

use clap::{Arg, Command};
use serde_json::Value;

use crate::mcp::ToolName;

/// The name of the argument that holds all of them.
pub(super) const JSON: &str = "JSON";

const AFTER: &str = "\
An argument that is not given as a flag is taken from JSON, then from GANTZ_ARG_NAME in the environment. \
`<nil>` and the argument's own name in double braces, which gantz leaves behind, count as not given. \
Settings stand before the tool: `watchglass call --store memory: TOOL`.";

const FROM_INPUT: &str = "A message that is given nowhere is what comes on standard input, whole.";

/// The arguments of a tool and what its schema says of each.
pub(in crate::cli) fn arguments(tool: ToolName) -> impl Iterator<Item = (&'static str, &'static Value)> {
    let properties = tool.definition().input_schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

/// The command line of a tool.
pub(super) fn command(tool: ToolName) -> Command {
    let definition = tool.definition();
    let required = definition.input_schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    Command::new(tool.as_str())
        .no_binary_name(true)
        .about(definition.description.as_deref().unwrap_or_default().to_owned())
        .override_usage(format!("watchglass call [SETTINGS] {} [JSON] [--NAME VALUE]...", tool.as_str()))
        .after_help(if tool == ToolName::LogEvent {
            format!("{FROM_INPUT}\n\n{AFTER}")
        } else {
            AFTER.to_owned()
        })
        .arg(Arg::new(JSON).help("The arguments as one JSON object"))
        .args(arguments(tool).map(|(name, schema)| flag(name, schema, is_required(name))))
}

fn flag(name: &'static str, schema: &'static Value, required: bool) -> Arg {
    let mut help = schema["description"].as_str().unwrap_or_default().to_owned();
    match &schema["default"] {
        Value::Null if required => help.push_str(" (required)"),
        Value::Null => {}
        Value::String(text) => write!(help, " [default: {text}]").unwrap_or_default(),
        other => write!(help, " [default: {other}]").unwrap_or_default(),
    }
    let kind = match schema["type"].as_str() {
        Some("number" | "integer") => "NUMBER",
        Some("string") => "TEXT",
        _ => "JSON",
    };
    let hyphens = name.replace('_', "-");
    let alias = (hyphens != name).then_some(name);
    let flag = Arg::new(name).long(hyphens).help(help).value_name(kind).allow_hyphen_values(true);
    match alias {
        Some(alias) => flag.alias(alias),
        None => flag,
    }
}

/// The tools, one a line, each with what it is for.
pub(super) fn list() -> String {
    let mut list = "Tools:\n".to_owned();
    for tool in ToolName::ALL {
        let title = tool.definition().title.as_deref().unwrap_or_default();
        writeln!(list, "  {:<13}  {title}", tool.as_str()).unwrap_or_default();
    }
    list + "\n`watchglass call TOOL --help` shows a tool's arguments"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_command_line_that_is_sound() {
        for tool in ToolName::ALL {
            command(tool).debug_assert();
        }
    }

    #[test]
    fn what_a_tool_takes_is_shown_as_its_schema_has_it() {
        for tool in ToolName::ALL {
            let mut command = command(tool).term_width(100);
            insta::assert_snapshot!(tool.as_str(), command.render_help().to_string());
        }
        insta::assert_snapshot!("tools", list());
    }
}
