//! Recorded runs of real agents, told again as the calls that those agents would have made.
//!
//! A recording → [`Transcript`] (what was said and done, in order) → [`Run`] (tool calls with times). The
//! recordings have no times and no token counts: both are made up here, from the lengths of the texts, and
//! marked so in every root's metadata.

mod script;
mod tau_bench;
mod transcript;
mod who_and_when;

use std::time::Duration;

use serde_json::{Map, Value};

pub use transcript::Transcript;

/// One tool call of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// When, from the run's start.
    pub at: Duration,
    /// The tool.
    pub tool: &'static str,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

/// All calls of one run of an agent, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The trace that the run makes.
    pub trace_id: String,
    /// The calls.
    pub calls: Vec<Call>,
}

impl Run {
    /// The calls that tell `transcript`, with fresh ids.
    pub fn of(transcript: &Transcript) -> Self {
        script::run(transcript)
    }

    /// How long the run takes.
    pub fn length(&self) -> Duration {
        self.calls.last().map_or(Duration::ZERO, |call| call.at)
    }
}

/// Reads a file of recorded runs, one a line, of either kind; blank lines are passed over.
///
/// # Errors
/// The number of the first line that is neither, and why.
pub fn read(text: &str) -> anyhow::Result<Vec<Transcript>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            transcript(line).map_err(|error| error.context(format!("line {} is no recorded run", number + 1)))
        })
        .collect()
}

fn transcript(line: &str) -> anyhow::Result<Transcript> {
    let recording: Value = serde_json::from_str(line)?;
    if recording.get("traj").is_some() {
        Ok(tau_bench::transcript(serde_json::from_value(recording)?))
    } else if recording.get("history").is_some() {
        Ok(who_and_when::transcript(serde_json::from_value(recording)?))
    } else {
        anyhow::bail!("it has neither `traj` (tau-bench) nor `history` (Who&When)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAU: &str = include_str!("../../examples/data/tau_airline.jsonl");
    const WHO: &str = include_str!("../../examples/data/who_and_when.jsonl");

    #[test]
    fn both_kinds_become_runs_that_open_and_close_every_span() {
        for text in [TAU, WHO] {
            for transcript in read(text).unwrap() {
                let run = Run::of(&transcript);
                let ids = |tool: &str| {
                    let mut ids: Vec<String> = run
                        .calls
                        .iter()
                        .filter(|call| call.tool == tool)
                        .map(|call| call.arguments["span_id"].as_str().unwrap().to_owned())
                        .collect();
                    ids.sort();
                    ids
                };
                assert!(ids("start_span").len() > 3);
                assert_eq!(ids("start_span"), ids("end_span"));
                assert!(run.calls.is_sorted_by_key(|call| call.at));
            }
        }
    }

    #[test]
    fn a_line_that_is_no_run_is_named() {
        let error = read("\n{\"a\": 1}\n").unwrap_err();
        assert!(format!("{error:#}").starts_with("line 2 is no recorded run: it has neither"), "{error:#}");
    }
}
