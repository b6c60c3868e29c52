//! HTTPS: a certificate that is read again when its files change.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::{ConfigError, TlsFiles};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What connections are encrypted with.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// Files that can't be read, hold something else or do not belong together; a key that everybody can read.
    pub fn load(files: &TlsFiles) -> Result<Arc<Self>, ConfigError> {
        let current = RwLock::new(read(files)?);
        Ok(Arc::new(Self { files: files.clone(), current }))
    }

    /// What the next connection is encrypted with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }

    /// Takes new files as they come, until it is dropped. What can't be used changes nothing and is logged once.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut seen = stamps(&self.files);
        loop {
            tokio::time::sleep(LOOK).await;
            let now = stamps(&self.files);
            if now == seen {
                continue;
            }
            seen = now;
            match read(&self.files) {
                Ok(config) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                    tracing::info!("the certificate was read again");
                }
                Err(error) => tracing::warn!(%error, "the certificate has changed and can't be used"),
            }
        }
    }
}

/// By what a file is told from the one that was there before.
type Stamp = Option<(SystemTime, u64)>;

fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    let stamp = |metadata: Metadata| Some((metadata.modified().ok()?, metadata.len()));
    [&files.cert, &files.key].map(|file| fs::metadata(file).ok().and_then(stamp))
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, ConfigError> {
    let unusable = |file: &Path, why: &dyn std::fmt::Display| {
        ConfigError::new(format!("`{}` can't be used for TLS: {why}", file.display()))
    };
    refuse_public(&files.key).map_err(|error| unusable(&files.key, &error))??;
    let certificates = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(&files.cert, &error))?;
    if certificates.is_empty() {
        return Err(unusable(&files.cert, &"it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(&files.key, &error))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| unusable(&files.cert, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A private key that every user of the machine can read is none.
#[cfg(unix)]
fn refuse_public(key: &Path) -> io::Result<Result<(), ConfigError>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(key)?.permissions().mode() & 0o777;
    let everybody = mode % 0o10;
    if everybody == 0 {
        return Ok(Ok(()));
    }
    let shown = key.display();
    let refused = ConfigError::new(format!("everybody can read the private key `{shown}` (mode {mode:o})"));
    Ok(Err(refused.hint(format!("chmod 600 {shown}"))))
}

#[cfg(not(unix))]
fn refuse_public(key: &Path) -> io::Result<Result<(), ConfigError>> {
    fs::metadata(key).map(|_| Ok(()))
}
