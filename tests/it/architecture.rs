//! The direction of imports and the size of files, as `ARCHITECTURE.md` states them.

use std::fs;
use std::path::{Path, PathBuf};

/// Which top-level modules a module may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &["model"]),
    ("exposition", &["model"]),
    ("prices", &["model"]),
    ("telemetry", &["model", "exposition"]),
    ("store", &["model", "telemetry"]),
    ("service", &["model", "clock", "telemetry", "store"]),
    ("http", &["model", "service"]),
    ("mcp", &["model", "telemetry", "service", "http"]),
    ("api", &["model", "telemetry", "service", "http"]),
    ("scrape", &["model", "exposition", "service", "http"]),
    ("replay", &["clock"]),
    ("config", &["model", "prices"]),
    ("pushgateway", &["model", "exposition", "telemetry", "service", "config"]),
    (
        "server",
        &["model", "clock", "store", "service", "http", "api", "mcp", "scrape", "config", "telemetry"],
    ),
    (
        "cli",
        &[
            "model",
            "clock",
            "prices",
            "store",
            "service",
            "http",
            "api",
            "mcp",
            "scrape",
            "pushgateway",
            "replay",
            "config",
            "telemetry",
            "server",
        ],
    ),
];

/// Crates that only one part may name.
const CRATE_OF: &[(&str, &str)] = &[
    ("rusqlite", "store/sqlite"),
    ("redis", "store/redis"),
    ("rmcp", "mcp"),
    ("prometheus", "telemetry/metrics"),
];

const MAX_LINES: usize = 400;

/// Files that are longer, each with the reason.
const LONGER: &[(&str, &str)] = &[];

/// Every file of Rust in `directory` and below.
pub(crate) fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Every file of the source with its text.
pub(crate) fn source_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let found = rust_files(&root);
    assert!(found.len() > 30, "the walk found only {} files", found.len());
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    found.into_iter().map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

/// A file without the tests at its end.
pub(crate) fn without_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(code, _)| code)
}

/// The numbered lines of a file that are code.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = without_tests(text).lines().enumerate();
    lines.map(|(number, line)| (number + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for (file, text) in source_files() {
        let module = file.split(['/', '.']).next().unwrap();
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("`{module}` is not on the map: add it here and to ARCHITECTURE.md"));
        for (number, line) in code(&text) {
            for (_, rest) in line.match_indices("crate::").map(|(at, found)| line.split_at(at + found.len()))
            {
                let used = rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap();
                let known = MAY_USE.iter().any(|(name, _)| *name == used);
                if known && used != module && !allowed.contains(&used) {
                    wrong.push(format!("src/{file}:{number}: `{module}` may not use `{used}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn engines_and_protocols_stay_where_they_are() {
    let mut wrong = Vec::new();
    for (file, text) in source_files() {
        for (name, home) in CRATE_OF.iter().filter(|(_, home)| !file.starts_with(home)) {
            for (number, line) in code(&text) {
                let path = format!("{name}::");
                let named = line.match_indices(&path).any(|(at, _)| {
                    let before = line.split_at(at).0;
                    !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':')
                });
                // `store` names its own module `redis` and `sqlite`.
                if named && !file.starts_with("store/mod.rs") {
                    wrong.push(format!("src/{file}:{number}: only src/{home} may name the crate `{name}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_small() {
    let files = source_files();
    let lines = |text: &str| without_tests(text).lines().count();
    for (file, text) in &files {
        let excused = LONGER.iter().any(|(name, _)| name == file);
        assert_eq!(lines(text) > MAX_LINES, excused, "src/{file} has {} lines", lines(text));
    }
    let mut sizes: Vec<usize> = files.iter().map(|(_, text)| lines(text)).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(median <= 150, "the median file has {median} lines");
}
