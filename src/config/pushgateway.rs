//! Where metrics are pushed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::ConfigError;

/// The address of a Pushgateway, such as `http://localhost:9091`, which may hold a password
/// (`pushgateway`, `WATCHGLASS_PUSHGATEWAY`, none).
#[derive(Clone)]
pub struct Pushgateway(SecretString);

impl Pushgateway {
    pub(super) fn parse(address: &SecretString) -> Result<Self, ConfigError> {
        let url = Url::parse(address.expose_secret()).ok();
        let sound = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !url.as_ref().is_some_and(sound) {
            // What can't be read can't be shown without what may be a password.
            return Err(
                ConfigError::new("`pushgateway` is no address").hint("write it as `http://localhost:9091`")
            );
        }
        Ok(Self(address.clone()))
    }

    /// The address as it was given, without a slash at its end.
    pub fn expose(&self) -> &str {
        self.0.expose_secret().trim_end_matches('/')
    }
}

/// Without user and password.
impl fmt::Display for Pushgateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(self.expose()).map_err(|_| fmt::Error)?;
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "{}://{host}{port}", url.scheme())
    }
}

impl fmt::Debug for Pushgateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pushgateway({self})")
    }
}

impl PartialEq for Pushgateway {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Pushgateway {}
