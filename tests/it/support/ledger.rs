//! What was sent, what was answered, and what must therefore be found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::mcp::{Client, Outcome, Pending};
use super::reading::{all_logs, text};

/// A client's book of the logs that it wrote, by message.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By event type.
    sent: BTreeMap<String, BTreeSet<String>>,
    /// With the id that the answer gave.
    acked: BTreeMap<String, String>,
    refusals: Vec<String>,
}

impl Ledger {
    /// Sends a log under `event_type` and enters it.
    pub(crate) fn send(&mut self, client: &Client, event_type: &str, message: &str) -> (String, Pending) {
        self.sent.entry(event_type.to_owned()).or_default().insert(message.to_owned());
        // Metadata makes half a record visible: it is stored apart from what is searched by.
        let metadata = json!({ "copy": message });
        let log = json!({ "event_type": event_type, "message": message, "metadata": metadata });
        (message.to_owned(), client.start("log_event", &log))
    }

    /// Enters the answer; none means that the connection ended first.
    pub(crate) fn settle(&mut self, message: String, outcome: Option<Outcome>) {
        match outcome {
            None => {}
            Some(outcome) if outcome.is_error => self.refusals.push(outcome.text),
            Some(outcome) => drop(self.acked.insert(message, text(&outcome.structured, "id").to_owned())),
        }
    }

    /// Adds another client's book.
    pub(crate) fn extend(&mut self, other: Self) {
        for (event_type, messages) in other.sent {
            self.sent.entry(event_type).or_default().extend(messages);
        }
        self.acked.extend(other.acked);
        self.refusals.extend(other.refusals);
    }

    pub(crate) fn acked(&self) -> usize {
        self.acked.len()
    }

    pub(crate) fn sent(&self) -> usize {
        self.sent.values().map(BTreeSet::len).sum()
    }

    pub(crate) fn refusals(&self) -> &[String] {
        &self.refusals
    }

    /// Whatever was answered is there once, under its id; whatever was not is there whole, or not at all.
    pub(crate) async fn check(&self, reader: &Client) {
        let mut found = BTreeMap::new();
        for (event_type, sent) in &self.sent {
            for log in all_logs(reader, event_type).await {
                let message = text(&log, "message").to_owned();
                assert!(sent.contains(&message), "nobody sent {log}");
                assert_eq!(log["metadata"], json!({ "copy": message }), "half a record: {log}");
                assert_eq!(log["level"], Value::from("info"), "half a record: {log}");
                let doubled = found.insert(message, text(&log, "id").to_owned());
                assert_eq!(doubled, None, "twice: {log}");
            }
        }
        for (message, id) in &self.acked {
            assert_eq!(found.get(message), Some(id), "{message} was answered and is not there");
        }
    }
}
