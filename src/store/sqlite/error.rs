//! What SQLite's errors mean to a caller.

use rusqlite::{Error, ErrorCode};

use crate::model::{Code, Problem};

/// The problem that `error` stands for, with `error` as its source.
pub(super) fn problem(error: Error) -> Problem {
    let (code, message) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (Code::StorageTimeout, "another process kept the store locked for too long")
        }
        Some(ErrorCode::OperationInterrupted) => (Code::StorageTimeout, "the store did not answer in time"),
        Some(ErrorCode::DiskFull) => (Code::StorageFull, "the store's disk is full"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure) => {
            (Code::StorageCorrupt, "the store's file can't be read or written")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            (Code::StorageMisconfigured, "the store's file can't be opened for writing")
        }
        _ => (Code::Internal, "internal error"),
    };
    Problem::new(code, message).caused_by(error)
}

/// Whether another process was in the way, so that trying again may help.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn every_failure_that_an_operator_can_meet_has_its_code() {
        for (raw, code) in [
            (ffi::SQLITE_BUSY, Code::StorageTimeout),
            (ffi::SQLITE_FULL, Code::StorageFull),
            (ffi::SQLITE_CORRUPT, Code::StorageCorrupt),
            (ffi::SQLITE_NOTADB, Code::StorageCorrupt),
            (ffi::SQLITE_IOERR_FSYNC, Code::StorageCorrupt),
            (ffi::SQLITE_READONLY, Code::StorageMisconfigured),
            (ffi::SQLITE_CONSTRAINT, Code::Internal),
        ] {
            let error = Error::SqliteFailure(ffi::Error::new(raw), None);
            assert_eq!(problem(error).code, code);
        }
    }
}
