//! Connections: one that writes, a few that read, set up alike.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::Semaphore;

use super::error::{is_busy, problem};
use super::file::{self, Opened};
use super::filesystem::refuse_network;
use super::schema;
use super::turnstile::Turnstile;
use crate::model::{Code, Problem};

/// How long a writer waits for other processes' writers.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one read may take: a longer one would keep the write-ahead log from being reset.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a read looks at the time, in steps of SQLite's machine.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;
const READERS: usize = 3;
/// Kilobytes of pages that a connection keeps; the operating system keeps the file's pages for all of them.
const WRITER_CACHE: i32 = 1_024;
const READER_CACHE: i32 = 256;
/// Pages of the write-ahead log after which it is copied into the database: 16 MB. A page that was written again and
/// again is copied once.
const CHECKPOINT_PAGES: i32 = 4_000;

type Shared = Arc<Mutex<Connection>>;

/// The connections to one database.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    writer: Shared,
    turnstile: Turnstile,
    /// In memory there is none.
    file: Option<Opened>,
    /// In memory there is but one connection, which then reads too.
    readers: Arc<[Shared]>,
    next_reader: Arc<AtomicUsize>,
    /// As many permits as readers: a thread that would only wait for a connection is not started.
    free_readers: Arc<Semaphore>,
}

impl Connections {
    /// A database that ends with the process.
    pub(super) fn in_memory() -> Result<Self, Problem> {
        let mut connection = Connection::open_in_memory().map_err(problem)?;
        schema::migrate(&mut connection)?;
        let writer = share(connection);
        Ok(Self {
            readers: Arc::new([Arc::clone(&writer)]),
            writer,
            turnstile: Turnstile::default(),
            file: None,
            next_reader: Arc::default(),
            free_readers: Arc::new(Semaphore::new(1)),
        })
    }

    /// The database in the file `path`, made if it isn't there.
    pub(super) fn open(path: &Path, relaxed: bool) -> Result<Self, Problem> {
        make_directory(path)?;
        file::create(path);
        let mut writer = open_file(path, relaxed)?;
        let file = Opened::now(path);
        writer.pragma_update(None, "cache_size", -WRITER_CACHE).map_err(problem)?;
        schema::migrate(&mut writer)?;
        let readers = (0..READERS)
            .map(|_| {
                let reader = open_file(path, relaxed)?;
                reader.pragma_update(None, "query_only", true).map_err(problem)?;
                reader.pragma_update(None, "cache_size", -READER_CACHE).map_err(problem)?;
                Ok(share(reader))
            })
            .collect::<Result<Vec<_>, Problem>>()?;
        Ok(Self {
            writer: share(writer),
            turnstile: Turnstile::before(path)?,
            file: Some(file),
            readers: readers.into(),
            next_reader: Arc::default(),
            free_readers: Arc::new(Semaphore::new(READERS)),
        })
    }

    /// Refuses to go on where the database's file is no longer the one that was opened.
    pub(super) fn check_file(&self) -> Result<(), Problem> {
        self.file.as_ref().map_or(Ok(()), Opened::check)
    }

    /// Runs `work` in a transaction on the connection that writes; all of it is committed, or nothing.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Problem> {
        self.check_file()?;
        let mut connection = lock(&self.writer);
        let run = || {
            let _passage = self.turnstile.pass();
            // Deferred, a transaction that reads first could not wait for another process's writer.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(problem)
    }

    /// Runs `work` on a connection that reads, off the caller's thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let free = Arc::clone(&self.free_readers).acquire_owned().await.map_err(Problem::internal)?;
        self.read_ahead(move |connection| {
            let value = work(connection);
            drop(free);
            value
        })
        .await
    }

    /// [`read`](Self::read) ahead of all who wait for a connection, for what decides who gets in: however much is
    /// asked, a key that is good stays so.
    pub(super) async fn read_ahead<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let reader =
            Arc::clone(&self.readers[self.next_reader.fetch_add(1, Ordering::Relaxed) % self.readers.len()]);
        off_thread(move || {
            let mut connection = lock(&reader);
            let started = Instant::now();
            let late = move || started.elapsed() > READ_TIMEOUT;
            connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(late)).map_err(problem)?;
            let value = work(&connection).map_err(problem);
            connection.progress_handler(0, None::<fn() -> bool>).map_err(problem)?;
            value
        })
        .await
    }

    /// [`write`](Self::write), off the caller's thread.
    pub(super) async fn write_off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let connections = self.clone();
        off_thread(move || connections.write(work)).await
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Problem::internal(error)))
}

fn open_file(path: &Path, relaxed: bool) -> Result<Connection, Problem> {
    // A path is a path, also where it looks like a URI.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(problem)?;
    let started = Instant::now();
    loop {
        match set_up(&mut connection, relaxed) {
            // Turning on the write-ahead log takes a lock for which SQLite itself doesn't wait.
            Err(error) if is_busy(&error) && started.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result.map(|()| connection).map_err(problem),
        }
    }
}

fn set_up(connection: &mut Connection, relaxed: bool) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait_while_busy))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if relaxed { "NORMAL" } else { "FULL" })?;
    // Only macOS has it: there a plain sync leaves the data in the disk's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// SQLite's own handler sleeps up to 100 ms at a time, in which several eager writers starve a patient one.
fn wait_while_busy(attempts: i32) -> bool {
    let pause = Duration::from_millis(if attempts < 10 { 1 } else { 3 });
    std::thread::sleep(pause);
    pause * u32::try_from(attempts).unwrap_or(0) < BUSY_TIMEOUT
}

fn make_directory(path: &Path) -> Result<(), Problem> {
    let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return refuse_network(Path::new("."));
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| {
        Problem::new(
            Code::StorageMisconfigured,
            format!("the directory `{}` can't be made", directory.display()),
        )
        .at("store")
        .caused_by(error)
    })?;
    refuse_network(directory)
}

fn share(connection: Connection) -> Shared {
    Arc::new(Mutex::new(connection))
}

/// A panic while a connection was held rolled its transaction back: the connection is as good as before.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_goes_ahead_waits_for_none_of_those_who_wait() {
        let connections = Connections::in_memory().unwrap();
        let one = |connection: &Connection| connection.query_row("SELECT 1", [], |row| row.get::<_, i64>(0));
        let held = Arc::clone(&connections.free_readers).acquire_owned().await.unwrap();
        assert!(connections.read(one).now_or_never().is_none(), "all connections are taken");
        assert_eq!(connections.read_ahead(one).await.unwrap(), 1);
        drop(held);
        assert_eq!(connections.read(one).await.unwrap(), 1);
    }
}
