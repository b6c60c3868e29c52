//! Recordings of Who&When: several agents that work on one question, and fail.

use serde::Deserialize;
use serde_json::{Value, json};

use super::transcript::{Event, Outcome, Transcript};

#[derive(Deserialize)]
pub(super) struct Recording {
    question: String,
    #[serde(rename = "question_ID")]
    question_id: String,
    source: String,
    history: Vec<Message>,
    mistake_agent: String,
    mistake_step: String,
    mistake_reason: String,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    name: Option<String>,
    content: String,
}

/// Speakers that run something rather than think.
const TERMINALS: [&str; 3] = ["Computer_terminal", "ComputerTerminal", "FileSurfer"];

pub(super) fn transcript(recording: Recording) -> Transcript {
    let mistake: Option<usize> = recording.mistake_step.parse().ok();
    let mut events = Vec::new();
    let mut last = String::new();
    for (step, message) in recording.history.into_iter().enumerate() {
        let speaker = message.name.unwrap_or(message.role);
        let event = if TERMINALS.contains(&speaker.as_str()) {
            Event::Tool {
                name: speaker.to_lowercase(),
                arguments: json!({ "request": Value::String(excerpt(&last)) }),
                failed: message.content.starts_with("exitcode: 1"),
                result: message.content.clone(),
            }
        } else if speaker == "human" {
            Event::Person(message.content.clone())
        } else {
            Event::Model { speaker: Some(speaker), text: message.content.clone() }
        };
        events.push(event);
        if mistake == Some(step) {
            events.push(Event::Note(format!(
                "decisive mistake of {} at step {step}: {}",
                recording.mistake_agent, recording.mistake_reason
            )));
        }
        last = message.content;
    }
    Transcript {
        source: recording.source,
        agent_name: "research-team".into(),
        model: None,
        session_id: format!("question-{}", recording.question_id.chars().take(36).collect::<String>()),
        task: recording.question,
        events,
        outcome: Outcome::Failed(recording.mistake_reason),
    }
}

/// A tool's request is the message before its answer: the beginning is enough to know it by.
fn excerpt(text: &str) -> String {
    text.chars().take(2_000).collect()
}
