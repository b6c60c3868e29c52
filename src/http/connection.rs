//! What a handler may know of its connection and of the server; both are in the extensions of every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// Cancelled once the server is told to end: an answer without an end comes to one.
#[derive(Debug, Clone, Default)]
pub struct Ending(pub CancellationToken);

/// Whether the connection broke because its client took nothing of what was sent.
#[derive(Debug, Clone, Default)]
pub struct Stalled(Arc<AtomicBool>);

impl Stalled {
    /// It did.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it did.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
