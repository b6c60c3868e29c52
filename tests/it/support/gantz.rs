//! An imitation of gantz 0.4.0, as far as it decides what a tool's process gets and what its caller is told.
//!
//! gantz starts one process for each call. It knows neither `stdin:` nor a default's value, and it renders what the
//! caller sent as Go's `%v` does.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value};

/// What is read of a gantz.yaml; gantz ignores what it doesn't know, and so does this.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) tools: Vec<Tool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) parameters: Vec<Parameter>,
    script: Script,
}

impl Tool {
    /// Whether the arguments go to places on the process's command line.
    pub(crate) fn takes_places(&self) -> bool {
        self.script.args.iter().any(|argument| argument.contains("{{"))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) r#type: String,
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) required: bool,
    pub(crate) default: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Script {
    command: String,
    args: Vec<String>,
    timeout: Option<String>,
}

/// What the caller is told.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

impl Manifest {
    /// Reads a file as gantz does: variables are expanded before the YAML is parsed.
    pub(crate) fn read(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        serde_saphyr::from_str(&expand(text, variable)).expect("the file is as gantz wants it")
    }

    /// Calls a tool, with the programs in `directory` before all others, in an environment with `store`.
    pub(crate) fn call(&self, directory: &Path, store: &str, tool: &str, arguments: &Value) -> Outcome {
        let tool = self.tools.iter().find(|known| known.name == tool).expect("the tool is listed");
        let none = Map::new();
        let rendered: HashMap<&String, String> =
            arguments.as_object().unwrap_or(&none).iter().map(|(name, value)| (name, go(value))).collect();
        let mut process = Command::new(&tool.script.command);
        // Over a map, so in any order: a value that holds another's template may be expanded too.
        process.args(tool.script.args.iter().map(|argument| {
            let replace = |text: String, (name, value): (&&String, &String)| {
                text.replace(&format!("{{{{{name}}}}}"), value)
            };
            rendered.iter().fold(argument.clone(), replace)
        }));
        for (name, value) in &rendered {
            process.env(format!("GANTZ_ARG_{}", name.to_uppercase()), value);
        }
        let path = std::env::join_paths(
            [directory.to_owned()]
                .into_iter()
                .chain(std::env::split_paths(&super::services::environment("PATH").unwrap_or_default())),
        );
        process.env("PATH", path.expect("no colon in the directory")).env("WATCHGLASS_STORE", store);
        run(process, duration(tool.script.timeout.as_deref()))
    }
}

fn run(mut process: Command, timeout: Duration) -> Outcome {
    let spawned = process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Outcome { text: format!("Error: {error}"), is_error: true },
    };
    let collect = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).expect("the pipe can be read");
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let stdout = collect(Box::new(child.stdout.take().expect("a pipe")));
    let stderr = collect(Box::new(child.stderr.take().expect("a pipe")));
    let deadline = Instant::now() + timeout;
    let status = loop {
        if let Some(status) = child.try_wait().expect("the process is ours") {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().expect("the process is ours");
        }
        thread::sleep(Duration::from_millis(1));
    };
    // Whoever else holds the pipes is waited for too.
    let (mut text, stderr) = (stdout.join().expect("no panic"), stderr.join().expect("no panic"));
    if !stderr.is_empty() {
        text = format!("{text}\n{stderr}");
    }
    let text = text.trim().to_owned();
    let is_error = !status.success();
    let silent = is_error && text.is_empty();
    Outcome { text: if silent { format!("Error: {status}") } else { text }, is_error }
}

/// `$NAME`, `${NAME}`, `$1`: their values, or nothing.
fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut parts = text.split('$');
    expanded.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) =
            part.strip_prefix('{').and_then(|part| part.split_once('}')).unwrap_or_else(|| {
                let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                part.split_at(end.unwrap_or(part.len()))
            });
        expanded.push_str(&variable(name).unwrap_or_default());
        expanded.push_str(rest);
    }
    expanded
}

/// A Go duration of whole seconds; one without a unit is, without a word, the default.
fn duration(text: Option<&str>) -> Duration {
    let seconds = text.and_then(|text| text.strip_suffix('s')).and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30))
}

/// A value as Go's `%v` prints what its JSON decoder made of it.
pub(crate) fn go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => float(number.as_f64().expect("every number is a float there")),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::Object(object) => {
            let mut entries: Vec<String> =
                object.iter().map(|(key, value)| format!("{key}:{}", go(value))).collect();
            entries.sort();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// The shortest digits, with an exponent of at least two where it is below -4 or above 20 or the digits end before it.
fn float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("it was asked for");
    let exponent: i32 = exponent.parse().expect("a number");
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[test]
fn values_are_rendered_as_was_seen_of_gantz() {
    for (value, text) in [
        (serde_json::json!(60), "60"),
        (serde_json::json!(1.5), "1.5"),
        (serde_json::json!(1_000_000), "1e+06"),
        (serde_json::json!(1_500_000), "1.5e+06"),
        (serde_json::json!(123_456_789), "1.23456789e+08"),
        (serde_json::json!(0.00001), "1e-05"),
        (serde_json::json!(9_007_199_254_740_993_i64), "9.007199254740992e+15"),
        (serde_json::json!({ "k": "v", "n": 1 }), "map[k:v n:1]"),
        (serde_json::json!([1, "x", null]), "[1 x <nil>]"),
    ] {
        assert_eq!(go(&value), text);
    }
    let variables = |name: &str| (name == "A").then(|| "b".to_owned());
    assert_eq!(expand("x $A ${A}y $B $1 z", &variables), "x b by   z");
}
