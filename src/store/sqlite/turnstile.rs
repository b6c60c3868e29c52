//! The order in which the processes on one database write.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::file::{beside, private};
use crate::model::{Code, Problem};

/// A lock that the operating system hands on from process to process.
///
/// SQLite's own lock goes to whoever looks at the moment when it is free; a process whose neighbours write eagerly
/// can look at the wrong moments until its callers have given up. Here a process waits in the kernel until it is
/// let through, and one that dies lets the next through.
#[derive(Debug, Clone, Default)]
pub(super) struct Turnstile(Option<Arc<File>>);

/// Passage through a [`Turnstile`], which is free again once this is dropped.
#[derive(Debug)]
pub(super) struct Passage<'a>(Option<&'a File>);

impl Turnstile {
    /// The turnstile before the database `path`: the file `path-queue`, which stays empty.
    pub(super) fn before(path: &Path) -> Result<Self, Problem> {
        let name = beside(path, "-queue");
        let file = private().create(true).truncate(false).open(&name).map_err(|error| {
            let shown = name.display();
            Problem::new(
                Code::StorageMisconfigured,
                format!("the file `{shown}` can't be opened for writing"),
            )
            .at("store")
            .caused_by(error)
        })?;
        Ok(Self(Some(Arc::new(file))))
    }

    /// Waits to be let through. Where the file system has no such locks, SQLite's own must do.
    pub(super) fn pass(&self) -> Passage<'_> {
        Passage(self.0.as_deref().filter(|file| file.lock().is_ok()))
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.0 {
            // It can't fail on a lock that is held, and closing the file frees it too.
            file.unlock().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_passes_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let (here, there) = (Turnstile::before(&path).unwrap(), Turnstile::before(&path).unwrap());
        let passage = here.pass();
        assert!(there.0.as_ref().unwrap().try_lock().is_err());
        drop(passage);
        assert!(there.0.as_ref().unwrap().try_lock().is_ok());
        assert!(Turnstile::default().pass().0.is_none(), "memory has no queue");
    }
}
