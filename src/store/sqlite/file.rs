//! The database as a file: for its owner alone, and the same one for as long as it is open.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use crate::model::{Code, Problem};

/// Options to open a file for writing that make it, where it isn't there, for its owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the database's file, which SQLite would make as the umask has it; its write-ahead log takes after it. One
/// that is there is not touched: to open and close it would drop the locks that this process has on it.
pub(super) fn create(path: &Path) {
    // Whatever stands in the way, SQLite meets it next and says it in its words.
    drop(private().create_new(true).open(path));
}

/// The file that stands at the database's path, by which it is told from one that takes its place.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    path: PathBuf,
    identity: Option<Identity>,
}

impl Opened {
    /// Notes which file has just been opened.
    pub(super) fn now(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: identity(path) }
    }

    /// Refuses to go on where the file has been deleted or replaced: what is written would be lost with it.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if identity(&self.path) == self.identity {
            return Ok(());
        }
        let path = self.path.display();
        let happened = if self.path.exists() { "replaced" } else { "deleted" };
        Err(Problem::new(
            Code::StorageUnavailable,
            format!("the store's file `{path}` has been {happened} while it was open"),
        )
        .at("store")
        .hint("restart watchglass: it opens what is there, or makes it"))
    }
}

/// The device and the number of a file.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Elsewhere an open file can't be deleted.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity(_path: &Path) -> Option<Identity> {
    Some(())
}

/// Which of the database's files can be read or written by others than their owner.
#[cfg(unix)]
pub(super) fn exposure(path: &Path) -> Option<Problem> {
    use std::os::unix::fs::PermissionsExt;
    let exposed = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0)
    };
    let files: Vec<String> = ["", "-wal", "-shm", "-queue"]
        .into_iter()
        .map(|ending| beside(path, ending))
        .filter(exposed)
        .map(|file| file.display().to_string())
        .collect();
    let first = files.first()?;
    Some(
        Problem::new(Code::StorageMisconfigured, format!("`{first}` can be read by others"))
            .at("store")
            .hint(format!("chmod 600 {}", files.join(" "))),
    )
}

/// Elsewhere the directory decides who may read a file.
#[cfg(not(unix))]
pub(super) fn exposure(_path: &Path) -> Option<Problem> {
    None
}

/// The file whose name is the database's with something at its end.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
