//! The files of a SQLite store: for their owner alone, and none that has been taken away is written to.

#![cfg(unix)]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::tempdir;
use watchglass::model::{Code, ProjectId};
use watchglass::store::{exposure, open};

use crate::contract::world::{any_log, log, options, write_log};
use crate::support::server::BINARY;

const FILES: [&str; 4] = ["wg.db", "wg.db-queue", "wg.db-shm", "wg.db-wal"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn whatever_the_umask_they_are_made_for_their_owner_alone() {
    let place = tempdir().unwrap();
    let directory = place.path().join("data/of/watchglass");
    let store = format!("sqlite:{}", directory.join("wg.db").display());
    let mut process = Command::new("sh")
        .args(["-c", r#"umask 000; exec "$0" stdio --store "$1""#, BINARY, &store])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Once it answers, the store is open, and the files are there that go when it ends.
    let mut input = process.stdin.take().unwrap();
    writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#).unwrap();
    let mut answer = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut answer).unwrap();
    assert!(answer.contains("\"id\":1"), "{answer}");

    assert_eq!(names(&directory), FILES);
    for name in FILES {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
    for made in ["data", "data/of", "data/of/watchglass"] {
        assert_eq!(mode(&place.path().join(made)), 0o700, "{made}");
    }
    assert!(exposure(&options(&store)).is_none());
    drop(input);
    assert!(process.wait().unwrap().success());
}

#[tokio::test]
async fn a_mode_that_was_chosen_stays_and_is_told_of() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("wg.db");
    let options = options(&format!("sqlite:{}", path.display()));
    assert!(exposure(&options).is_none(), "what isn't there exposes nothing");
    open(&options).await.unwrap().close().await;
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    open(&options).await.unwrap().close().await;
    assert_eq!(mode(&path), 0o640);
    let problem = exposure(&options).unwrap();
    assert_eq!(problem.message, format!("`{}` can be read by others", path.display()));
    let hint = problem.hint.as_deref().unwrap();
    assert!(hint.starts_with(&format!("chmod 600 {}", path.display())), "{hint}");
}

#[tokio::test]
async fn a_file_that_was_deleted_or_replaced_takes_no_more() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("wg.db");
    let project = ProjectId::default_project();
    let options = options(&format!("sqlite:{}", path.display()));
    let store = open(&options).await.unwrap();
    let write = async |micros| {
        store.write(&project, vec![write_log(log(micros, "e", "m"))]).await.pop().unwrap().map(drop)
    };
    write(0).await.unwrap();
    store.ping().await.unwrap();

    let aside = directory.path().join("aside.db");
    fs::rename(&path, &aside).unwrap();
    for (micros, happened) in [(1, "deleted"), (2, "replaced")] {
        if happened == "replaced" {
            fs::write(&path, "").unwrap();
        }
        for problem in [store.ping().await.unwrap_err(), write(micros).await.unwrap_err()] {
            assert_eq!(problem.code, Code::StorageUnavailable);
            assert!(problem.message.contains(happened), "{problem}");
        }
    }
    fs::rename(&aside, &path).unwrap();
    store.ping().await.unwrap();
    write(9).await.unwrap();
    assert_eq!(
        store.logs(&project, &any_log()).await.unwrap().logs.len(),
        2,
        "what was refused is not there"
    );
}
