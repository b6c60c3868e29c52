//! The `watchglass` binary.

use watchglass::cli::{self, ExitStatus};

fn main() -> ExitStatus {
    cli::run()
}
