//! Making keys and taking them back.

use std::time::Duration;

use crate::clock::Ids;
use crate::model::text::quoted;
use crate::model::{ApiKey, Code, Key, Problem, ProjectId, Scopes};
use crate::service::Service;
use crate::service::text::name;

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose records it opens.
    pub project: String,
    /// What may be done with them.
    pub scopes: Scopes,
    /// What its maker calls it.
    pub name: Option<String>,
    /// For how long it is good; for ever, if nothing is said.
    pub lifetime: Option<Duration>,
}

impl Service {
    /// Makes a key. What its holder sends is given once and kept nowhere.
    pub async fn create_key(&self, asked: NewKey) -> Result<(Key, ApiKey), Problem> {
        let text = ApiKey::new(Ids.secret()?, Ids.secret()?);
        let created = self.clock.now();
        let key = Key {
            id: text.id.clone(),
            project: ProjectId::parse("project", asked.project)?,
            scopes: asked.scopes,
            name: asked.name.map(|text| name("name", &text)).transpose()?,
            secret_hash: text.secret_hash(),
            created,
            expires: asked.lifetime.map(|lifetime| created.plus(lifetime)),
            last_used: None,
            revoked: None,
        };
        self.store.put_key(&key).await?;
        Ok((key, text))
    }

    /// Every key, the oldest first, those that are good for nothing any more too.
    pub async fn keys(&self) -> Result<Vec<Key>, Problem> {
        self.store.keys().await
    }

    /// Takes a key back, by its id or by all of it. Every copy of the server refuses it within seconds. A key that
    /// was taken back before stays as it is.
    pub async fn revoke_key(&self, id: &str) -> Result<Key, Problem> {
        let public = ApiKey::parse(id).map_or_else(|| id.trim_start_matches("wg_").to_owned(), |key| key.id);
        let found = self.store.keys().await?.into_iter().find(|key| key.id == public);
        let mut key = found.ok_or_else(|| {
            // What was given may be most of a key.
            let shown = quoted(&public.chars().take(16).collect::<String>());
            Problem::new(Code::InvalidArgument, format!("there is no key {shown}"))
                .at("id")
                .hint("`watchglass key list` shows the ids")
        })?;
        if key.revoked.is_none() {
            key.revoked = Some(self.clock.now());
            self.store.put_key(&key).await?;
        }
        Ok(key)
    }
}
