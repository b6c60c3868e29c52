//! Where records are kept.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::ConfigError;
use super::layer::Layer;

/// The store and what it must be worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The engine and its address (`store`, `WATCHGLASS_STORE`, `sqlite:` in the platform's data directory).
    pub url: StoreUrl,
    /// What a record of the embedded store survives (`durability`, `WATCHGLASS_DURABILITY`, `power_loss`).
    pub durability: Durability,
    /// Whether to refuse a store that forgets (`require_durable`, `WATCHGLASS_REQUIRE_DURABLE`, `false`).
    pub require_durable: bool,
}

impl StoreConfig {
    pub(super) fn resolve(layer: &Layer) -> Result<Self, ConfigError> {
        Ok(Self {
            url: match &layer.store {
                Some(url) => StoreUrl(url.clone()),
                None => default_url()?,
            },
            durability: layer.durability.unwrap_or_default(),
            require_durable: layer.require_durable.unwrap_or(false),
        })
    }
}

/// What an acknowledged record survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The loss of power: every commit waits for the disk.
    #[default]
    PowerLoss,
    /// The end of the process, however it ends.
    Process,
}

impl FromStr for Durability {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "power_loss" => Ok(Self::PowerLoss),
            "process" => Ok(Self::Process),
            _ => Err(ConfigError::invalid("durability", text, "`power_loss` or `process`")),
        }
    }
}

/// The address of a store, which may hold a password.
///
/// It is written with `***` in place of the password; [`expose`](Self::expose) is for whoever connects.
#[derive(Clone)]
pub struct StoreUrl(SecretString);

impl StoreUrl {
    /// The address as it was given.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for StoreUrl {
    fn from(url: String) -> Self {
        Self(url.into())
    }
}

impl PartialEq for StoreUrl {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for StoreUrl {}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.expose();
        let Some((scheme, rest)) = url.split_once("://") else { return f.write_str(url) };
        // The last `@` ends the password, which may hold others, and slashes too.
        let Some((secret, address)) = rest.rsplit_once('@') else { return write!(f, "{scheme}://{rest}") };
        match secret.split_once(':') {
            Some((user, _)) => write!(f, "{scheme}://{user}:***@{address}"),
            None => write!(f, "{scheme}://***@{address}"),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

fn default_url() -> Result<StoreUrl, ConfigError> {
    let directories = directories::ProjectDirs::from("", "", "watchglass").ok_or_else(|| {
        ConfigError::new("there is no home directory to keep records in")
            .hint("name a store: `--store sqlite:PATH`")
    })?;
    Ok(StoreUrl::from(format!("sqlite:{}", directories.data_dir().join("watchglass.db").display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("redis://user:secret@host:6379/0", "redis://user:***@host:6379/0"),
            ("redis://:secret@host", "redis://:***@host"),
            ("rediss://user:se@cr/et@host", "rediss://user:***@host"),
            ("redis://secret@host", "redis://***@host"),
            ("redis+cluster://h1,h2", "redis+cluster://h1,h2"),
            ("sqlite:/tmp/a@b.db", "sqlite:/tmp/a@b.db"),
        ] {
            let url = StoreUrl::from(url.to_owned());
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("StoreUrl({shown})"));
        }
    }
}
