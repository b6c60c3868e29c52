//! The command line: one file per command.

mod call;
mod completions;
mod copy;
mod demo;
mod doctor;
mod drop_in;
mod health;
mod key;
mod logs;
mod one_shot;
mod open;
mod print;
mod replay;
mod rollup;
mod screen;
mod serve;
mod source;
mod stdin;
mod stdio;
mod trace;
mod traces;

use std::io::IsTerminal;
use std::process::{ExitCode, Termination};

use clap::{Parser, Subcommand};
use serde_json::Value;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::config::{self, Config, ConfigError, Flags, LogFormat};
use crate::model::Problem;
use crate::telemetry::logging::{self, Format};

/// See everything an AI agent did, while it does it.
#[derive(Debug, Parser)]
#[command(name = "watchglass", version, about)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Default, Subcommand)]
enum Command {
    /// Serve MCP over HTTP (what watchglass does without a command)
    #[default]
    Serve,
    /// Serve MCP over standard input and output, for a client that starts this process
    Stdio,
    /// Serve on a temporary store, in which recorded agents are at work
    Demo,
    /// Send recorded runs to a running server, as the agents would have
    Replay(replay::Replay),
    /// Ask the server that runs with these settings how it is
    Health(health::Health),
    /// Call a tool and print its answer: JSON in a pipe, text on a terminal
    Call(call::Call),
    #[command(flatten)]
    DropIn(drop_in::DropIn),
    /// Make, list and revoke the keys by which a server is called over a network
    Key(key::Keys),
    /// Look at settings, store, keys, port and Pushgateway, and say how to mend what is wrong
    Doctor(doctor::Doctor),
    /// List traces, the newest first
    Traces(traces::Traces),
    /// Show a trace as a waterfall
    Trace(trace::Trace),
    /// Show logs, and with -f what comes after them
    Logs(logs::Logs),
    /// Copy all that one store holds into another
    Copy(copy::Copy),
    /// Recount the numbers from the records
    Rollup(rollup::Rollup),
    /// Print every setting with its default, as a file to begin with
    Config,
    /// Print a script that completes commands and settings in a shell
    Completions(completions::Completions),
}

/// What the process says when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0
    Success,
    /// 1: it was tried and did not work.
    Failure,
    /// 2: the command line can't be understood.
    Usage,
    /// 64: the settings can't be used; nothing was opened or bound.
    Configuration,
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Configuration => 64,
        })
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The settings are at fault.
    Config(ConfigError),
    /// The command line is at fault, as its parser says.
    CommandLine(clap::Error),
    /// The command line can be parsed and makes no sense.
    Usage(String),
    /// What the store or a tool says.
    Problem(Problem),
    /// What a server says.
    Refused(Box<Value>),
    /// A server that does not answer.
    Unreachable(String),
    /// Something did not work: what, and what to do about it.
    Other { message: String, hint: Option<String> },
    /// It has been told, as the answer that was asked for.
    Told,
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), hint: None }
    }

    /// Tells the user, and gives the status to end with.
    fn report(&self) -> ExitStatus {
        match self {
            Self::Config(error) => {
                print::error(&error.message, error.hint.as_deref());
                ExitStatus::Configuration
            }
            Self::CommandLine(error) => {
                print::parsed(error);
                ExitStatus::Usage
            }
            Self::Usage(message) => {
                print::error(message, None);
                ExitStatus::Usage
            }
            Self::Problem(problem) => {
                print::error(&open::with_causes(problem), problem.hint.as_deref());
                ExitStatus::Failure
            }
            Self::Refused(problem) => {
                let text = |name: &str| problem[name].as_str();
                print::error(text("message").or(text("detail")).unwrap_or_default(), text("hint"));
                ExitStatus::Failure
            }
            Self::Unreachable(message) => {
                print::error(
                    message,
                    Some("start a server with `watchglass serve`, or leave out `--server`"),
                );
                ExitStatus::Failure
            }
            Self::Other { message, hint } => {
                print::error(message, hint.as_deref());
                ExitStatus::Failure
            }
            Self::Told => ExitStatus::Failure,
        }
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitStatus {
    // The one provider of cryptography, before anything speaks TLS; that there is one already is fine.
    rustls::crypto::ring::default_provider().install_default().ok();
    match Cli::try_parse() {
        Ok(cli) => execute(cli).err().map_or(ExitStatus::Success, |failure| failure.report()),
        Err(error) if error.use_stderr() => Failure::CommandLine(error).report(),
        Err(help) => {
            print::parsed(&help);
            ExitStatus::Success
        }
    }
}

fn execute(cli: Cli) -> Result<(), Failure> {
    let settings = |lives_on: bool| -> Result<Config, Failure> {
        let config = Config::load(cli.flags, &config::process_environment)?;
        if lives_on || !config.log.is_default() {
            begin_to_log(&config)?;
        }
        Ok(config)
    };
    match cli.command.unwrap_or_default() {
        Command::Serve => serve::run(&settings(true)?),
        Command::Stdio => stdio::run(&settings(true)?),
        Command::Demo => demo::run(settings(true)?),
        Command::Replay(arguments) => replay::run(&settings(true)?, &arguments),
        Command::Health(arguments) => health::run(&settings(false)?, arguments),
        Command::Call(call) => call::run(&call, || settings(false)),
        Command::DropIn(script) => drop_in::run(&script, || settings(false)),
        Command::Key(keys) => settings(false).and_then(|config| key::run(&keys, config)),
        Command::Doctor(arguments) => doctor::run(&settings(false)?, &arguments),
        Command::Traces(arguments) => traces::run(&settings(false)?, &arguments),
        Command::Trace(arguments) => trace::run(&settings(false)?, &arguments),
        Command::Logs(arguments) => logs::run(&settings(false)?, arguments),
        Command::Copy(arguments) => copy::run(&settings(false)?, &arguments),
        Command::Rollup(arguments) => rollup::run(&settings(false)?, &arguments),
        Command::Config => print::data(config::EXAMPLE.trim_end()),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

/// Does `work` on this thread: for one thing after the other that is enough, and it starts in half the time.
fn on_one_thread<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(one_thread()?.block_on(work))
}

/// A runtime on this thread.
fn one_thread() -> Result<Runtime, Failure> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::new(format!("the runtime can't be started: {error}")))
}

fn begin_to_log(config: &Config) -> Result<(), Failure> {
    let format = match config.log.format {
        LogFormat::Text => Format::Text,
        LogFormat::Auto if std::io::stderr().is_terminal() => Format::Text,
        LogFormat::Auto | LogFormat::Json => Format::Json,
    };
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("the log can't be written: {error}"));
    let filter = EnvFilter::try_new(&config.log.filter).map_err(|error| failed(&error))?;
    logging::init(filter, format).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_what_is_done_without_a_command() {
        let cli = Cli::try_parse_from(["watchglass", "--listen", "127.0.0.1:1"]).unwrap();
        assert!(matches!(cli.command.unwrap_or_default(), Command::Serve));
        let cli = Cli::try_parse_from(["watchglass", "stdio", "--store", "memory:"]).unwrap();
        assert_eq!(cli.flags.store.as_deref(), Some("memory:"));
    }

    #[test]
    fn the_help_names_the_environment() {
        let help = Cli::command().render_long_help().to_string();
        for name in ["LISTEN", "STORE", "CONFIG", "LOG", "LOG_FORMAT", "ECHO"] {
            assert!(help.contains(&format!("[env: WATCHGLASS_{name}]")), "{name}");
        }
    }
}
