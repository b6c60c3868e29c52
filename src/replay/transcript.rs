//! What was said and done in a run, whoever recorded it.

use serde_json::Value;

/// A recorded run.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// Where the recording comes from.
    pub source: String,
    /// The agent at work.
    pub agent_name: String,
    /// The model behind it, where the recording tells.
    pub model: Option<String>,
    /// What belongs together: several trials of one task.
    pub session_id: String,
    /// What the agent was asked.
    pub task: String,
    /// What happened.
    pub events: Vec<Event>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Transcript {
    /// Every text of the recording that a replay must keep.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.events.iter().map(|event| match event {
            Event::Person(text) | Event::Model { text, .. } | Event::Note(text) => text.as_str(),
            Event::Tool { result, .. } => result.as_str(),
        })
    }
}

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A person said something.
    Person(String),
    /// A model wrote something; `speaker` where several agents share a run.
    Model {
        /// Which agent.
        speaker: Option<String>,
        /// What it wrote.
        text: String,
    },
    /// A tool was called.
    Tool {
        /// Which.
        name: String,
        /// With what.
        arguments: Value,
        /// What it answered.
        result: String,
        /// Whether that was an error.
        failed: bool,
    },
    /// Something that people noted about the run later.
    Note(String),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The task was solved.
    Solved,
    /// It was not, for this reason.
    Failed(String),
}
