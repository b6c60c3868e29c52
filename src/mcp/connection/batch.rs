//! Batches: many messages in, one array of answers out when the last one is there.

use serde_json::Value;

use super::{Received, State};
use crate::mcp::wire::{Message, Rejection};

/// A batch whose answers are not complete.
#[derive(Debug, Default)]
pub(super) struct Pending {
    answers: Vec<Value>,
    missing: usize,
}

impl State {
    pub(super) fn admit_batch(&mut self, items: Vec<Result<Message, Rejection>>) -> Received {
        self.last_batch += 1;
        let number = self.last_batch;
        let mut received = Received::default();
        // One more than there are, so that a cancellation in the batch itself does not complete it.
        self.batches.insert(number, Pending { answers: Vec::new(), missing: 1 });
        for item in items {
            let is_request = item.as_ref().is_ok_and(|message| message.id.is_some());
            match item.and_then(|message| self.admit(message, Some(number))) {
                Ok((message, _)) => received.deliver.extend(message),
                Err(rejection) => {
                    self.pending(number).answers.push(rejection.to_json());
                    continue;
                }
            }
            self.pending(number).missing += usize::from(is_request);
        }
        received.answer = self.settle(number, None);
        received
    }

    /// Counts one request of a batch as done; gives the array once it was the last.
    pub(super) fn settle(&mut self, number: u64, answer: Option<Value>) -> Option<Value> {
        let pending = self.pending(number);
        pending.answers.extend(answer);
        pending.missing = pending.missing.saturating_sub(1);
        self.complete(number)
    }

    fn pending(&mut self, number: u64) -> &mut Pending {
        self.batches.entry(number).or_default()
    }

    fn complete(&mut self, number: u64) -> Option<Value> {
        if self.batches.get(&number).is_some_and(|pending| pending.missing > 0) {
            return None;
        }
        let answers = self.batches.remove(&number)?.answers;
        // A batch of notifications has no answer at all.
        (!answers.is_empty()).then_some(Value::Array(answers))
    }
}
