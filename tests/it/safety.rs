//! What the source may not hold: statements that are built from text, and ways to end the process (S-39, S-43, S-44).
//! And that `docs/security.md` names a test for every row.

use std::collections::BTreeSet;

use regex::Regex;

use crate::architecture::{rust_files, source_files, without_tests};
use crate::support::services::repository;

/// Texts that are formatted and hold SQL, each with the reason why no value can get into it.
const FORMATTED_SQL: [(&str, &str, &str); 4] = [
    (
        "store/sqlite/logs.rs",
        "SELECT timestamp, id, level, event_type, body FROM logs WHERE {condition}{of_level}",
        "both are made of constants",
    ),
    ("store/sqlite/logs.rs", "{all} ORDER BY timestamp DESC, id DESC", "parts such as the one above"),
    ("store/sqlite/logs.rs", "SELECT 1 FROM logs WHERE {condition}{of_level}", "both are made of constants"),
    (
        "store/sqlite/logs.rs",
        "SELECT count(*) FROM ({all} LIMIT {most})",
        "parts such as the one above, and a constant",
    ),
];

/// Names that stand for a statement that is not a literal where it is prepared.
const NAMED_STATEMENTS: [(&str, &str, &str); 4] = [
    ("store/sqlite/logs.rs", "&sql", "one of the texts above"),
    ("store/sqlite/expire.rs", "self.delete", "a constant of the rule"),
    ("store/sqlite/expire.rs", "statement", "one of two constants"),
    ("store/sqlite/schema.rs", "step", "a file that is compiled in"),
];

/// Methods of the store that take no project, each with the reason.
const WITHOUT_PROJECT: [(&str, &str); 13] = [
    ("expire", "retention is the installation's"),
    ("settle_orphans", "one job settles those of all projects"),
    ("list_lengths", "others write these lists, under names that belong to no project"),
    ("projects", "it says which there are"),
    ("lease", "leases are between processes"),
    ("keys", "they say which project is whose"),
    ("put_key", "likewise"),
    ("touch_key", "likewise"),
    ("adopts", "about the store itself"),
    ("adopt", "what scripts wrote is the default project's"),
    ("ping", "about the store itself"),
    ("durability", "about the store itself"),
    ("close", "about the store itself"),
];

/// The arguments of each call of `name` in `code`, up to the parenthesis that ends them.
fn calls<'a>(code: &'a str, name: &str) -> Vec<&'a str> {
    let starts = code.match_indices(name).map(|(at, found)| code.split_at(at + found.len()).1);
    starts.filter_map(arguments).collect()
}

/// What stands between the parentheses with which `code` begins.
fn arguments(code: &str) -> Option<&str> {
    let inside = code.strip_prefix('(')?;
    let mut depth = 1;
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(inside.split_at(at).0);
        }
    }
    None
}

/// Text on one line, with single spaces.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn calls_are_found_with_all_their_arguments() {
    let code = r#"x.push_str("a) \" (b"); y.push_str(&f(1, (2)), 3); push_string(4)"#;
    assert_eq!(calls(code, "push_str"), [r#""a) \" (b""#, "&f(1, (2)), 3"]);
}

#[test]
fn sql_is_not_built_from_text() {
    let is_sql = Regex::new(
        r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|FROM|VALUES|ORDER BY|LIMIT|SET|AND|PRAGMA|CREATE|DROP|ALTER|ATTACH)\b",
    )
    .unwrap();
    let mut wrong = Vec::new();
    let mut excused: BTreeSet<&(&str, &str, &str)> = BTreeSet::new();
    let mut prepared = 0;
    for (file, text) in source_files().into_iter().filter(|(file, _)| file.starts_with("store/sqlite")) {
        let code = without_tests(&text);
        let formatted = [
            "format!",
            "write!",
            "writeln!",
            "concat!",
            "replace",
            "replacen",
            "join",
            "push_str",
            "insert_str",
        ]
        .iter()
        .flat_map(|name| calls(code, name));
        for call in formatted.map(on_one_line).filter(|call| is_sql.is_match(call)) {
            let is_constant = call.starts_with('"') && !call.contains('{') && call.matches('"').count() == 2;
            let excuse = FORMATTED_SQL.iter().find(|(place, sql, _)| *place == file && call.contains(sql));
            excused.extend(excuse);
            if !is_constant && excuse.is_none() {
                wrong.push(format!("src/{file}: SQL in `{call}`"));
            }
        }
        let statements = ["prepare", "prepare_cached", "execute", "execute_batch", "query_row", "query_one"];
        for call in statements.iter().flat_map(|name| calls(code, &format!(".{name}"))).map(on_one_line) {
            prepared += 1;
            let first = call.split(',').next().unwrap_or_default();
            let named = NAMED_STATEMENTS.iter().any(|(place, name, _)| *place == file && *name == first);
            // A statement that is prepared takes nothing but its parameters.
            let is_bound = first.starts_with("params!")
                || first.starts_with("params_from_iter")
                || first.starts_with('[');
            if !first.starts_with('"') && !named && !is_bound {
                wrong.push(format!("src/{file}: a statement that is no literal: `{call}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(excused.len(), FORMATTED_SQL.len(), "an excuse that nothing needs: {FORMATTED_SQL:?}");
    assert!(prepared > 40, "only {prepared} statements were looked at");
}

#[test]
fn lua_is_in_files_and_nowhere_else() {
    let mut scripts = 0;
    for (file, text) in source_files() {
        let code = without_tests(&text);
        for script in calls(code, "Script::new") {
            let is_file = script.starts_with("include_str!(\"") && script.ends_with(".lua\")");
            // The type that hashes them for EVALSHA, in the one place that makes it.
            assert!(
                is_file || file == "store/redis/command.rs" && script == "self.text",
                "src/{file}: {script}"
            );
            scripts += usize::from(is_file);
        }
        for lua in ["redis.call", "redis.pcall", "KEYS[", "ARGV["] {
            assert!(!code.contains(lua), "src/{file}: `{lua}` in Rust");
        }
        let runs = code.contains("\"EVAL\"") || code.contains("\"EVALSHA\"") || code.contains("\"FCALL\"");
        assert!(!runs || file == "store/redis/command.rs", "src/{file} runs scripts by itself");
    }
    assert!(scripts >= 5, "only {scripts} scripts were found");
}

#[test]
fn lua_never_makes_code_of_text() {
    fn scripts(directory: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                scripts(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "lua") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    scripts(&repository("src"), &mut found);
    assert!(found.len() >= 5, "{found:?}");
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        for code in ["loadstring", "load(", "dofile", "setfenv"] {
            assert!(!text.contains(code), "{}: {code}", path.display());
        }
    }
}

#[test]
fn every_method_of_the_store_begins_with_the_project() {
    let (_, text) = source_files().into_iter().find(|(file, _)| file == "store/mod.rs").unwrap();
    let (_, after) = text.split_once("pub trait Store: Send + Sync {").unwrap();
    let (body, _) = after.split_once("\n}").unwrap();
    let methods: Vec<(&str, &str)> = body
        .split("fn ")
        .skip(1)
        .filter_map(|method| method.split_once('('))
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    assert!(methods.len() > 10, "{methods:?}");
    for (name, parameters) in methods {
        let takes = on_one_line(parameters).starts_with("&self, project: &ProjectId");
        let excused = WITHOUT_PROJECT.iter().any(|(method, _)| *method == name);
        assert_eq!(takes, !excused, "`{name}` takes no project first");
    }
}

#[test]
fn what_could_end_the_process_is_denied() {
    let manifest = std::fs::read_to_string(repository("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let lint = |tool: &str, name: &str| manifest["lints"][tool][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(lint("rust", "unsafe_code"), "forbid");
    for name in [
        "unwrap_used",
        "expect_used",
        "panic",
        "todo",
        "unimplemented",
        "exit",
        "string_slice",
        "await_holding_lock",
    ] {
        assert_eq!(lint("clippy", name), "deny", "{name}");
    }
    // The panic that is left costs one request (`a_panic_is_an_internal_error`), so it may not end the process.
    for profile in ["dev", "release", "dist"] {
        let setting = manifest["profile"].get(profile).and_then(|profile| profile.get("panic"));
        assert!(setting.is_none(), "{profile}: {setting:?}");
    }
    let mut excepted = Vec::new();
    for (file, text) in source_files() {
        let code = without_tests(&text);
        excepted.extend(
            calls(code, "expect")
                .into_iter()
                .filter(|call| call.contains("expect_used"))
                .map(|_| file.clone()),
        );
        for lint in ["unwrap_used", "panic"] {
            assert!(
                !code.contains(&format!("clippy::{lint}")) || file == "lib.rs",
                "src/{file} excepts `{lint}`"
            );
        }
        assert!(!code.contains("unsafe "), "src/{file}");
    }
    excepted.sort();
    let expected = ["model/redact/mod.rs", "telemetry/metrics.rs"];
    assert_eq!(excepted, expected, "each is about constants, and tests run it");
}

/// The rows of the security matrix that are built.
const ROWS: [&str; 24] = [
    "S-01", "S-02", "S-04", "S-06", "S-10", "S-11", "S-12", "S-13", "S-14", "S-16", "S-17", "S-18", "S-20",
    "S-23", "S-25", "S-26", "S-33", "S-34", "S-36", "S-39", "S-40", "S-43", "S-44", "S-46",
];

#[test]
fn every_row_names_tests_that_exist() {
    let tests = rust_files(&repository("tests/it")).into_iter().chain(rust_files(&repository("src")));
    let code: String = tests.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let page = std::fs::read_to_string(repository("docs/security.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| S-"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    for row in ROWS {
        assert!(rows.iter().any(|cells| cells[0] == row), "docs/security.md has no row {row}");
    }
    for cells in rows {
        for test in cells[2].split(", ") {
            let name = test.trim_matches('`');
            let is_test =
                Regex::new(&format!(r"test[^\n]*\]\n(?:#\[[^\n]*\]\n)*\s*(?:async )?fn {name}\(")).unwrap();
            assert!(is_test.is_match(&code), "{}: there is no test `{name}`", cells[0]);
        }
    }
}
