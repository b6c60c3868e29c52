//! Refusing file systems on which SQLite's locks can't be trusted.

use std::path::Path;

use crate::model::{Code, Problem};

/// Refuses a directory on a network file system: there the processes that share a database would corrupt it.
#[cfg(target_os = "linux")]
pub(super) fn refuse_network(directory: &Path) -> Result<(), Problem> {
    let kind = rustix::fs::statfs(directory).map(|found| found.f_type).unwrap_or_default();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a magic number has 32 bits, in a field whose type differs by platform"
    )]
    let kind = kind as u32;
    match network_file_system(kind) {
        None => Ok(()),
        Some(name) => Err(Problem::new(
            Code::StorageMisconfigured,
            format!("`{}` is on {name}, where sqlite can't lock its file", directory.display()),
        )
        .at("store")
        .hint("name a file on a local disk, or use redis://")),
    }
}

/// Elsewhere the kind of a file system is not known by a number.
#[cfg(not(target_os = "linux"))]
pub(super) fn refuse_network(_directory: &Path) -> Result<(), Problem> {
    Ok(())
}

/// The numbers of `linux/magic.h`.
#[cfg(target_os = "linux")]
const fn network_file_system(kind: u32) -> Option<&'static str> {
    match kind {
        0x6969 => Some("nfs"),
        0x517b | 0xfe53_4d42 | 0xff53_4d42 => Some("smb"),
        0x5346_414f => Some("afs"),
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_and_a_local_one_is_taken() {
        assert_eq!(network_file_system(0x6969), Some("nfs"));
        assert_eq!(network_file_system(0xff53_4d42), Some("smb"));
        assert!(refuse_network(&std::env::temp_dir()).is_ok());
    }
}
