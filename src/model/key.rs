//! Keys that open the HTTP surfaces.

use serde::{Deserialize, Serialize};

use super::{ProjectId, Scopes, Timestamp};

/// A key as it is kept: everything but the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// 16 hex digits: the public part of `wg_<id>_<secret>`.
    pub id: String,
    /// Whose records it opens.
    pub project: ProjectId,
    /// What may be done with them.
    pub scopes: Scopes,
    /// What the operator calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The SHA-256 of the secret, in hex.
    pub secret_hash: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ceases to open anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was last shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

impl Key {
    /// Whether it opens anything.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}
