//! The command line: one file per command.

mod demo;
mod health;
mod open;
mod print;
mod replay;
mod serve;
mod stdio;

use std::io::IsTerminal;
use std::process::{ExitCode, Termination};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::{self, Config, ConfigError, Flags, LogFormat};
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
    /// Something did not work: what, and what to do about it.
    Other { message: String, hint: Option<String> },
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
            Self::Other { message, hint } => {
                print::error(message, hint.as_deref());
                ExitStatus::Failure
            }
        }
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitStatus {
    // The one provider of cryptography, before anything speaks TLS; that there is one already is fine.
    rustls::crypto::ring::default_provider().install_default().ok();
    match Cli::try_parse() {
        Ok(cli) => execute(cli).err().map_or(ExitStatus::Success, |failure| failure.report()),
        Err(error) => {
            let is_error = error.use_stderr();
            print::rendered(&error.render().ansi().to_string(), &error.render().to_string(), is_error);
            if is_error { ExitStatus::Usage } else { ExitStatus::Success }
        }
    }
}

fn execute(cli: Cli) -> Result<(), Failure> {
    let config = Config::load(cli.flags, &config::process_environment)?;
    begin_to_log(&config)?;
    match cli.command.unwrap_or_default() {
        Command::Serve => serve::run(&config),
        Command::Stdio => stdio::run(&config),
        Command::Demo => demo::run(config),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Health(arguments) => health::run(&config, arguments),
    }
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
