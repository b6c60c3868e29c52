//! `watchglass completions SHELL`: what a shell needs to complete commands and settings.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure, print};

#[derive(Debug, Clone, Args)]
pub(super) struct Completions {
    /// The shell that is to complete
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(arguments: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "watchglass", &mut script);
    print::data(String::from_utf8_lossy(&script).trim_end())
}
