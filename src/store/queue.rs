//! The queue in front of a store's one writer: group commit.
//!
//! While one group commits, what arrives waits here, bounded by count and by bytes; then all of it is the
//! next group. A lone caller pays for one commit and waits for nobody; a crowd shares one, and where commits are
//! slow it has a moment to come together again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::Answers;
use crate::model::{Code, Problem, ProjectId, Write};

/// Records that may wait.
const MAX_WAITING_RECORDS: usize = 16_384;
/// Bytes that may wait.
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Batches that one group takes, so that no commit grows without bound.
const MAX_GROUP: usize = 1_024;
/// How long a crowd may take to come together again, and how often is looked.
const MAX_GATHERING: Duration = Duration::from_millis(1);
const LOOK: Duration = Duration::from_micros(50);

/// One caller's batch, and the way back to the caller.
#[derive(Debug)]
pub(super) struct Submission {
    /// Whose records they are.
    pub(super) project: ProjectId,
    /// The records.
    pub(super) batch: Vec<Write>,
    answer: oneshot::Sender<Answers>,
    _reserved: Reservation,
}

impl Submission {
    /// Answers the caller, who may have gone.
    pub(super) fn answer(self, answers: Answers) {
        drop(self.answer.send(answers));
    }

    /// Answers every record with the same problem.
    pub(super) fn fail(self, problem: &Problem) {
        let answers = self.batch.iter().map(|_| Err(problem.clone())).collect();
        self.answer(answers);
    }
}

/// The callers' end.
#[derive(Debug)]
pub(super) struct Submitter {
    sender: mpsc::UnboundedSender<Submission>,
    waiting: Arc<Waiting>,
}

/// The writer's end.
#[derive(Debug)]
pub(super) struct Groups {
    receiver: mpsc::UnboundedReceiver<Submission>,
    /// When the last group was given out, and how many callers it had.
    given_out: Option<(Instant, usize)>,
    /// For how many callers the next group waits, and how long.
    crowd: Option<(usize, Duration)>,
}

#[derive(Debug, Default)]
struct Waiting {
    records: AtomicUsize,
    bytes: AtomicUsize,
}

/// A share of the bounds, given back when its submission is done with.
#[derive(Debug)]
struct Reservation {
    waiting: Arc<Waiting>,
    records: usize,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.waiting.records.fetch_sub(self.records, Ordering::Relaxed);
        self.waiting.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A queue with both its ends.
pub(super) fn queue() -> (Submitter, Groups) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Submitter { sender, waiting: Arc::default() }, Groups { receiver, given_out: None, crowd: None })
}

impl Submitter {
    /// Queues `batch`; past the bounds it is refused, to be sent again later.
    pub(super) fn submit(&self, project: &ProjectId, batch: Vec<Write>) -> BoxFuture<'static, Answers> {
        let count = batch.len();
        let refuse = move |problem: Problem| -> BoxFuture<'static, Answers> {
            std::future::ready((0..count).map(|_| Err(problem.clone())).collect()).boxed()
        };
        let bytes = batch.iter().map(|write| write.record.approximate_bytes()).sum();
        let Some(reserved) = self.reserve(count, bytes) else {
            return refuse(Problem::new(Code::Overloaded, "too many records wait to be written"));
        };
        let (answer, answered) = oneshot::channel();
        let submission = Submission { project: project.clone(), batch, answer, _reserved: reserved };
        if self.sender.send(submission).is_err() {
            return refuse(Problem::new(Code::StorageUnavailable, "the store is closed"));
        }
        async move {
            answered.await.unwrap_or_else(|_| {
                let gone = Problem::new(Code::Internal, "the store's writer has stopped");
                (0..count).map(|_| Err(gone.clone())).collect()
            })
        }
        .boxed()
    }

    fn reserve(&self, records: usize, bytes: usize) -> Option<Reservation> {
        let waiting = &self.waiting;
        let records_before = waiting.records.fetch_add(records, Ordering::Relaxed);
        let bytes_before = waiting.bytes.fetch_add(bytes, Ordering::Relaxed);
        let reservation = Reservation { waiting: Arc::clone(waiting), records, bytes };
        let fits =
            records_before + records <= MAX_WAITING_RECORDS && bytes_before + bytes <= MAX_WAITING_BYTES;
        // What is alone in the queue is taken whatever its size, or it never would be.
        (fits || records_before == 0).then_some(reservation)
    }
}

impl Groups {
    /// Waits for the next group, on a thread of its own; `None` when every submitter is gone.
    pub(super) fn next_blocking(&mut self) -> Option<Vec<Submission>> {
        self.gather();
        let mut group = Vec::new();
        let size = self.receiver.blocking_recv_many(&mut group, MAX_GROUP);
        self.given_out = Some((Instant::now(), size));
        (size > 0).then_some(group)
    }

    /// Notes that the last group is committed, before its callers are answered and come again.
    ///
    /// They and those who wait already are a crowd, which the next group lets come together: to commit those who
    /// wait at once would make two commits of each round from then on.
    pub(super) fn committed(&mut self) {
        let waiting = self.receiver.len();
        // Who is alone is not waited for, nor is anybody where a commit takes no longer than to look.
        self.crowd = self
            .given_out
            .take()
            .map(|(since, answered)| (answered + waiting, since.elapsed().min(MAX_GATHERING)))
            .filter(|(callers, commit)| *callers > 1 && *commit > LOOK);
    }

    fn gather(&mut self) {
        let Some((callers, time)) = self.crowd.take() else { return };
        let until = Instant::now() + time;
        while self.receiver.len() < callers.min(MAX_GROUP) && Instant::now() < until {
            sleep(LOOK);
        }
    }

    /// Waits for the next group; `None` when every submitter is gone.
    pub(super) async fn next(&mut self) -> Option<Vec<Submission>> {
        let mut group = Vec::new();
        (self.receiver.recv_many(&mut group, MAX_GROUP).await > 0).then_some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Record, testing};

    fn log(message: String) -> Write {
        Write::once(Record::Log(Box::new(testing::log(message))))
    }

    #[test]
    fn a_crowd_is_those_who_are_answered_and_those_who_wait() {
        let (submitter, mut groups) = queue();
        let project = ProjectId::default_project();
        let submit = || drop(submitter.submit(&project, vec![]));
        let long_ago = Instant::now().checked_sub(MAX_GATHERING * 2).unwrap();

        submit();
        assert_eq!(groups.next_blocking().unwrap().len(), 1);
        groups.given_out = Some((long_ago, 1));
        groups.committed();
        assert_eq!(groups.crowd, None, "who is alone is not waited for");

        submit();
        assert_eq!(groups.next_blocking().unwrap().len(), 1);
        submit();
        submit();
        groups.given_out = Some((long_ago, 1));
        groups.committed();
        assert_eq!(groups.crowd, Some((3, MAX_GATHERING)));
        submit();
        assert_eq!(groups.next_blocking().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn what_waits_is_one_group_and_is_bounded_by_bytes() {
        let (submitter, mut groups) = queue();
        let project = ProjectId::default_project();
        let half = || log("x".repeat(MAX_WAITING_BYTES / 2));
        let waiting = [submitter.submit(&project, vec![half()]), submitter.submit(&project, vec![])];
        let refused = submitter.submit(&project, vec![half(), half()]).await;
        assert!(refused.iter().all(|answer| answer.as_ref().unwrap_err().code == Code::Overloaded));

        let group = groups.next().await.unwrap();
        assert_eq!(group.len(), 2);
        let problem = Problem::new(Code::StorageFull, "full");
        for submission in group {
            submission.fail(&problem);
        }
        let [one, none] = waiting;
        assert_eq!(one.await[0].as_ref().unwrap_err().code, Code::StorageFull);
        assert!(none.await.is_empty());
        drop(submitter.submit(&project, vec![half()]));
        assert_eq!(groups.next().await.unwrap().len(), 1, "the bounds are free again");
    }
}
