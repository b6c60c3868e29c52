//! Answers that arrive on a connection, on their way to whoever asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// Shared by whoever asks and the task that reads.
#[derive(Clone)]
pub(super) struct Inbox(Arc<Mutex<State>>);

struct State {
    /// By id; `None` once the connection has ended.
    waiting: Option<HashMap<i64, oneshot::Sender<Value>>>,
    unclaimed: mpsc::UnboundedSender<Value>,
}

impl Inbox {
    /// An inbox, and what arrives in it for nobody.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Value>) {
        let (unclaimed, others) = mpsc::unbounded_channel();
        (Self(Arc::new(Mutex::new(State { waiting: Some(HashMap::new()), unclaimed }))), others)
    }

    /// The answer to the request `id`; an error if the connection ends before it.
    pub(super) fn expect(&self, id: i64) -> oneshot::Receiver<Value> {
        let (answer, answered) = oneshot::channel();
        if let Some(waiting) = &mut self.0.lock().unwrap().waiting {
            waiting.insert(id, answer);
        }
        answered
    }

    /// Takes the text of a message. What is not JSON goes to nobody as text, for a test to find.
    pub(super) fn deliver(&self, text: &str) {
        let message = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let mut state = self.0.lock().unwrap();
        let id = message.get("id").and_then(Value::as_i64);
        let asked = state.waiting.as_mut().zip(id).and_then(|(waiting, id)| waiting.remove(&id));
        match asked {
            Some(answer) => drop(answer.send(message)),
            None => drop(state.unclaimed.send(message)),
        }
    }

    /// The connection has ended: nobody waits any longer.
    pub(super) fn close(&self) {
        self.0.lock().unwrap().waiting = None;
    }
}
