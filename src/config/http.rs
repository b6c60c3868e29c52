//! Where to listen, and whom to answer.

use std::net::{Ipv4Addr, SocketAddr};

use super::ConfigError;
use super::layer::Layer;

/// The listener and its guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// The address (`listen`, `WATCHGLASS_LISTEN`, `127.0.0.1:8080`).
    pub listen: SocketAddr,
    /// Host names to answer besides loopback and the address itself (`allowed_hosts`, none).
    pub allowed_hosts: Vec<String>,
    /// Origins of browsers besides loopback (`allowed_origins`, none).
    pub allowed_origins: Vec<String>,
    /// Whether to listen beyond this machine without keys (`insecure_no_auth`, `false`).
    pub insecure_no_auth: bool,
}

impl HttpConfig {
    pub(super) fn resolve(layer: &Layer) -> Result<Self, ConfigError> {
        Ok(Self {
            listen: layer.listen.as_deref().map_or(Ok(default_address()), address)?,
            allowed_hosts: layer.allowed_hosts.clone().unwrap_or_default(),
            allowed_origins: layer.allowed_origins.clone().unwrap_or_default(),
            insecure_no_auth: layer.insecure_no_auth.unwrap_or(false),
        })
    }

    /// Refuses to serve everyone on the network by accident.
    ///
    /// `stdio` listens nowhere, so only a command that binds asks.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        if self.listen.ip().is_loopback() || self.insecure_no_auth {
            return Ok(());
        }
        let message = format!("`{}` can be reached from other machines and no key is asked for", self.listen);
        let hint = format!(
            "listen on 127.0.0.1:{}, or add `--insecure-no-auth` if everyone there may read and write",
            self.listen.port()
        );
        Err(ConfigError::new(message).hint(hint))
    }
}

fn default_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 8080).into()
}

/// An address and a port; `localhost` is 127.0.0.1, other names are not looked up.
fn address(text: &str) -> Result<SocketAddr, ConfigError> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        ConfigError::invalid("listen", text, "an address and a port").hint("write it as `127.0.0.1:8080`")
    })
}
