//! Recordings of tau-bench: one agent that talks with a user and calls tools.

use serde::Deserialize;
use serde_json::Value;

use super::transcript::{Event, Outcome, Transcript};

#[derive(Deserialize)]
pub(super) struct Recording {
    task_id: i64,
    trial: i64,
    reward: f64,
    traj: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<String>,
    #[serde(default)]
    tool_calls: Vec<ToolCall>,
    tool_call_id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct ToolCall {
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    arguments: String,
}

pub(super) fn transcript(recording: Recording) -> Transcript {
    let messages = &recording.traj;
    let arguments_of = |id: Option<&str>| {
        let mut calls = messages.iter().flat_map(|message| &message.tool_calls);
        calls.find(|call| Some(call.id.as_str()) == id).map_or(Value::Null, |call| {
            let text = &call.function.arguments;
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        })
    };
    let mut events = Vec::new();
    for message in messages {
        let content = message.content.clone().unwrap_or_default();
        events.extend(match message.role.as_str() {
            "user" => Some(Event::Person(content)),
            "assistant" => Some(Event::Model { speaker: None, text: content }),
            "tool" => Some(Event::Tool {
                name: message.name.clone().unwrap_or_else(|| "unknown".into()),
                arguments: arguments_of(message.tool_call_id.as_deref()),
                failed: content.starts_with("Error"),
                result: content,
            }),
            _ => None,
        });
    }
    let task = events.iter().find_map(|event| match event {
        Event::Person(text) => Some(text.clone()),
        _ => None,
    });
    Transcript {
        source: format!("tau-bench airline, task {}, trial {}", recording.task_id, recording.trial),
        agent_name: "airline-agent".into(),
        model: Some("gpt-4o".into()),
        session_id: format!("airline-task-{}", recording.task_id),
        task: task.unwrap_or_default(),
        events,
        outcome: if recording.reward >= 1.0 {
            Outcome::Solved
        } else {
            Outcome::Failed(format!("the task was not solved: reward {:.1}", recording.reward))
        },
    }
}
