//! Leases: which of several processes on one store does what one should do.

use std::time::Duration;

use super::{Service, within_deadline};
use crate::model::{Problem, Timestamp};

impl Service {
    /// A name under which a process holds leases; another at each call.
    pub fn holder(&self) -> String {
        self.ids.record()
    }

    /// Takes or renews the lease `name` for `holder`; `false` if another holds it. With a length of zero it is given
    /// up.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn lease(&self, name: &str, holder: &str, held: Duration) -> Result<bool, Problem> {
        within_deadline(self.store.lease(name, holder, self.clock.now(), held)).await
    }

    /// The time by the service's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
