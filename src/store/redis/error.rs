//! What a server's errors mean to a caller.

use std::error::Error as _;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::model::{Code, Problem};

/// The problem that `error` is; the error itself becomes its source.
pub(super) fn problem(error: RedisError) -> Problem {
    let (code, message) = classify(&error);
    Problem::new(code, message).caused_by(error)
}

/// The problem of an answer that came too late.
pub(super) fn too_late() -> Problem {
    Problem::new(Code::StorageTimeout, "the store did not answer in time")
}

/// Whether the same request may succeed in a moment.
pub(super) fn is_transient(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::NoScript,
        )
        | ErrorKind::ClusterConnectionNotFound => true,
        ErrorKind::Io => !error.is_timeout(),
        _ => false,
    }
}

/// Whether the cluster keeps the key elsewhere; the client follows where a command is sent alone.
pub(super) fn is_redirection(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::TryAgain)
    )
}

/// Whether a problem lies with reaching the store, so that whatever waits would meet it too.
pub(super) fn is_outage(problem: &Problem) -> bool {
    matches!(problem.code, Code::StorageUnavailable | Code::StorageTimeout | Code::StorageMisconfigured)
}

/// Whether a key holds something else than watchglass would put there.
pub(super) fn is_wrong_type(problem: &Problem) -> bool {
    let source = problem.source().and_then(|source| source.downcast_ref::<RedisError>());
    source.is_some_and(|error| error.code() == Some("WRONGTYPE"))
}

fn classify(error: &RedisError) -> (Code, &'static str) {
    let code = error.code().unwrap_or_default();
    match code {
        "OOM" => return (Code::StorageFull, "the store has no room: its memory limit is reached"),
        "MISCONF" => {
            return (Code::StorageDegraded, "the store refuses writes because it can't persist to its disk");
        }
        "NOREPLICAS" => {
            return (Code::StorageDegraded, "the store refuses writes because replicas are missing");
        }
        "NOAUTH" | "WRONGPASS" => return (Code::StorageMisconfigured, "the store refuses the credentials"),
        "NOPERM" => return (Code::StorageMisconfigured, "the store's user lacks the rights"),
        "READONLY" => return (Code::StorageUnavailable, "the store is a read-only replica"),
        "LOADING" => return (Code::StorageUnavailable, "the store is loading its data"),
        "CLUSTERDOWN" | "TRYAGAIN" | "MASTERDOWN" | "MOVED" | "ASK" => {
            return (Code::StorageUnavailable, "the store's cluster is changing or incomplete");
        }
        "BUSY" => return (Code::StorageTimeout, "the store is busy with a script"),
        _ => {}
    }
    if error.detail().is_some_and(|detail| detail.contains("cluster support disabled")) {
        let message = "the server is no part of a cluster, its address begins with `redis://`";
        return (Code::StorageMisconfigured, message);
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed => (Code::StorageMisconfigured, "the store refuses the credentials"),
        ErrorKind::Io if error.is_timeout() => (Code::StorageTimeout, "the store did not answer in time"),
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => {
            (Code::StorageUnavailable, "the store can't be reached")
        }
        ErrorKind::InvalidClientConfig => (Code::StorageMisconfigured, "the store's address can't be used"),
        _ => (Code::Internal, "internal error"),
    }
}
