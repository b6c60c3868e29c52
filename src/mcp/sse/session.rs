//! The sessions that are open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::ClientJsonRpcMessage;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::transport::{Outbox, SseTransport};
use crate::mcp::connection::{Connection, Received};
use crate::model::{Code, Grant, Problem, hex};

/// How many messages may wait in either direction.
const CHANNEL: usize = 64;

/// What a client posts into.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) connection: Connection,
    /// What its opener was granted: nobody with another key posts into it.
    grant: Grant,
    inbox: mpsc::Sender<ClientJsonRpcMessage>,
    outbox: Outbox,
    stall: Duration,
}

impl Session {
    /// Hands on what was received; the answer to it is an event.
    pub(super) async fn accept(&self, received: Received) -> Result<(), Problem> {
        if let Some(answer) = received.answer
            && self.outbox.send(answer.to_string()).await.is_err()
        {
            return Err(ended());
        }
        for message in received.deliver {
            match self.inbox.send_timeout(message, self.stall).await {
                Ok(()) => {}
                Err(mpsc::error::SendTimeoutError::Closed(_)) => return Err(ended()),
                Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                    return Err(Problem::new(Code::Overloaded, "the session has too many messages waiting"));
                }
            }
        }
        Ok(())
    }
}

fn ended() -> Problem {
    Problem::invalid("sessionId", "the session has ended").hint("open another with `GET /sse`")
}

/// A session that has just been opened: its id, and the two ends that are not in the table.
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) transport: SseTransport,
    pub(super) events: Option<mpsc::Receiver<String>>,
    /// Ends the session.
    pub(super) stop: CancellationToken,
}

/// The table of sessions; bounded, in all and for each key.
#[derive(Debug)]
pub(super) struct Sessions {
    limits: Limits,
    open: Arc<Mutex<HashMap<String, Session>>>,
}

impl Sessions {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// Opens a session that ends at the latest with `stop`.
    pub(super) fn open(
        &self,
        grant: &Grant,
        stop: &CancellationToken,
        stall: Duration,
    ) -> Result<Opened, Box<Problem>> {
        let id = random_id()?;
        let (inbox, from_client) = mpsc::channel(CHANNEL);
        let (to_client, events) = mpsc::channel(CHANNEL);
        let stop = stop.child_token();
        let outbox = Outbox::new(to_client, stop.clone(), stall);
        let connection = Connection::default();
        let transport = SseTransport::new(from_client, connection.clone(), outbox.clone());
        let mut open = self.lock();
        let is_of_key = |session: &&Session| session.grant.key_id == grant.key_id;
        let of_key = grant.key_id.as_ref().map_or(0, |_| open.values().filter(is_of_key).count());
        let all = (open.len(), self.limits.sessions, "in all");
        for (count, limit, whose) in [all, (of_key, self.limits.per_key, "with this key")] {
            if count >= limit {
                let message = format!("{count} SSE sessions are open {whose}, the limit is {limit}");
                let problem = Problem::new(Code::Overloaded, message).exceeding(limit as u64, count as u64);
                return Err(problem.hint("use `/mcp`, which needs no session").into());
            }
        }
        let grant = grant.clone();
        open.insert(id.clone(), Session { connection, grant, inbox, outbox, stall });
        Ok(Opened { id, transport, events: Some(events), stop })
    }

    /// The session, if it was opened with the same key: possession of its id alone opens nothing.
    pub(super) fn get(&self, id: &str, grant: &Grant) -> Option<Session> {
        self.lock().get(id).filter(|session| session.grant == *grant).cloned()
    }

    pub(super) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    /// A map that is inserted into and removed from is never left half-changed.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 192 bits from the operating system: who knows the id may post into the session.
fn random_id() -> Result<String, Box<Problem>> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(hex(&bytes))
}
