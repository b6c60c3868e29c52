//! Finds the programs that some tests need and `scripts/test` installs.
//!
//! Without them `cargo test` leaves those tests out and says so; `WATCHGLASS_TEST_SERVICES=all`, which
//! `scripts/test` sets, makes a missing one a failure.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where `program` is: a path is relative to the repository's root, a bare name is looked for in `PATH`.
/// `None`: the test that asks is to be left out, and the reader has been told.
pub(crate) fn require(program: &str) -> Option<PathBuf> {
    let found = if program.contains('/') {
        Some(repository(program)).filter(|path| path.exists())
    } else {
        std::env::split_paths(&environment("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
    };
    if found.is_none() {
        assert!(
            environment("WATCHGLASS_TEST_SERVICES") != Some("all".into()),
            "`{program}` is not installed: run ./scripts/test"
        );
        leave_out(program);
    }
    found
}

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Past the test runner, which keeps to itself what a passing test prints.
fn leave_out(program: &str) {
    let thread = std::thread::current();
    let line =
        format!("left out: {}: needs `{program}` (run ./scripts/test)\n", thread.name().unwrap_or("a test"));
    std::io::stderr().write_all(line.as_bytes()).expect("stderr is open");
}

#[expect(clippy::disallowed_methods, reason = "the tests' own environment, not the program's settings")]
pub(crate) fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
