//! Where to listen, and whom to answer.

use std::net::{Ipv4Addr, SocketAddr};

use super::layer::Layer;
use super::{Config, ConfigError};

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
}

impl Config {
    /// Whether other machines reach the server, be it by a proxy on this one, and are to be asked for keys.
    pub fn is_exposed(&self) -> bool {
        let is_reached = !self.http.listen.ip().is_loopback() || !self.access.trusted_proxies.is_empty();
        is_reached && !self.http.insecure_no_auth
    }

    /// Refuses to serve everyone on the network by accident, and to let keys be read on their way.
    ///
    /// `stdio` listens nowhere, so only a command that binds asks.
    pub fn check_exposure(&self, has_keys: bool) -> Result<(), ConfigError> {
        let listen = self.http.listen;
        if !self.is_exposed() {
            return Ok(());
        }
        if !has_keys {
            let message =
                format!("`{listen}` can be reached from other machines and there is no key to ask for");
            return Err(ConfigError::new(message).hint(format!(
                "make one with `watchglass key create`, or listen on 127.0.0.1:{}, or add `--insecure-no-auth` if \
                 everyone there may read and write",
                listen.port()
            )));
        }
        if self.access.tls.is_none() && self.access.trusted_proxies.is_empty() {
            let message =
                format!("keys would be sent to `{listen}` without TLS, for everyone on the way to read");
            return Err(ConfigError::new(message).hint(
                "give `--tls-cert` and `--tls-key`, or `--trusted-proxy` and the address of the proxy that has them",
            ));
        }
        Ok(())
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
