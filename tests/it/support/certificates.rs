//! Certificates for tests, made by `openssl`.

use std::path::Path;
use std::process::Command;

/// Makes a private key and a certificate of its own for `localhost`, in the files of these names.
pub(crate) fn make_certificate(openssl: &Path, key: &str, certificate: &str) {
    let made = Command::new(openssl)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args([
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            key,
            "-out",
            certificate,
        ])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
