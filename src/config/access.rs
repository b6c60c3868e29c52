//! Who gets in: keys from the environment, TLS, proxies.

use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use super::ConfigError;
use super::layer::Layer;

/// Characters that a key from the environment has at least, lest it can be guessed.
const LEAST_KEY_CHARS: usize = 16;

/// What the server asks of those who call it. Keys made with `key create` live in the store.
#[derive(Debug, Clone, Default)]
pub struct AccessConfig {
    /// A key that may write (`WATCHGLASS_INGEST_KEY`, none; never in a file).
    pub ingest_key: Option<SecretString>,
    /// A key that may read, and so scrape (`WATCHGLASS_READ_KEY`, none; never in a file).
    pub read_key: Option<SecretString>,
    /// The certificate and the key with which HTTPS is served (`tls_cert`, `tls_key`, none).
    pub tls: Option<TlsFiles>,
    /// Proxies that may pass keys on without TLS, and whose `X-Forwarded-For` is believed
    /// (`trusted_proxies`, none): addresses or networks.
    pub trusted_proxies: Vec<IpNet>,
    /// What a client command sends (`WATCHGLASS_KEY`, none).
    pub client_key: Option<SecretString>,
}

/// Two files in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl AccessConfig {
    pub(super) fn resolve(layer: &Layer) -> Result<Self, ConfigError> {
        let tls = match (&layer.tls_cert, &layer.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.clone(), key: key.clone() }),
            (None, None) => None,
            (Some(_), None) => return Err(incomplete("tls_cert", "--tls-key")),
            (None, Some(_)) => return Err(incomplete("tls_key", "--tls-cert")),
        };
        let proxies = layer.trusted_proxies.iter().flatten();
        Ok(Self {
            ingest_key: long_enough("WATCHGLASS_INGEST_KEY", layer.ingest_key.as_ref())?,
            read_key: long_enough("WATCHGLASS_READ_KEY", layer.read_key.as_ref())?,
            tls,
            trusted_proxies: proxies.map(|text| network(text)).collect::<Result<_, _>>()?,
            client_key: layer.client_key.clone(),
        })
    }
}

/// Equal but for what is secret, which is compared as text.
impl PartialEq for AccessConfig {
    fn eq(&self, other: &Self) -> bool {
        let text = |key: &Option<SecretString>| key.as_ref().map(|key| key.expose_secret().to_owned());
        let keys = |config: &Self| [&config.ingest_key, &config.read_key, &config.client_key].map(text);
        keys(self) == keys(other) && self.tls == other.tls && self.trusted_proxies == other.trusted_proxies
    }
}

impl Eq for AccessConfig {}

fn incomplete(given: &str, missing: &str) -> ConfigError {
    ConfigError::new(format!("`{given}` is given alone")).hint(format!("give `{missing}` too"))
}

fn long_enough(name: &str, key: Option<&SecretString>) -> Result<Option<SecretString>, ConfigError> {
    let Some(key) = key else { return Ok(None) };
    let length = key.expose_secret().chars().count();
    if length < LEAST_KEY_CHARS {
        return Err(ConfigError::new(format!("`{name}` has {length} characters"))
            .hint(format!("a key has at least {LEAST_KEY_CHARS}, such as `openssl rand -hex 32` prints")));
    }
    Ok(Some(key.clone()))
}

fn network(text: &str) -> Result<IpNet, ConfigError> {
    let address = text.parse::<std::net::IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse()).map_err(|_| {
        ConfigError::invalid("trusted_proxies", text, "an address or a network")
            .hint("write it as `10.0.0.5` or `172.16.0.0/12`")
    })
}
