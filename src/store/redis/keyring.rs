//! The keys of the installation: settings, so they have no time to live.

use std::collections::HashMap;

use super::RedisStore;
use super::command::{Command, Request, Script};
use super::connection::read;
use crate::model::{Code, Key, Problem, Timestamp, text::quoted};

static TOUCH_KEY: Script = Script::new(include_str!("touch_key.lua"));

impl RedisStore {
    /// Every key, by creation and then id.
    pub(super) async fn keyring(&self) -> Result<Vec<Key>, Problem> {
        let whole = [self.layout.keyring(), self.layout.key_uses()].map(|key| Command::new("HGETALL", key));
        let mut replies = self.ask_all(whole.into_iter()).await.into_iter();
        let mut next = || replies.next().unwrap_or(Ok(redis::Value::Nil));
        let bodies: HashMap<String, Vec<u8>> = read(next())?;
        let uses: HashMap<String, i64> = read(next())?;
        let mut keys: Vec<Key> = bodies
            .iter()
            .map(|(id, body)| decode(id, body, uses.get(id).copied()))
            .collect::<Result<_, _>>()?;
        keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(keys)
    }

    /// Creates or replaces a key.
    pub(super) async fn keep_key(&self, key: &Key) -> Result<(), Problem> {
        let body =
            serde_json::to_string(&Key { last_used: None, ..key.clone() }).map_err(Problem::internal)?;
        let put = Command::new("HSET", self.layout.keyring()).arg(&key.id).arg(body);
        self.reads.ask(put).await.map(drop)
    }

    /// Notes a use, unless a later one is noted.
    pub(super) async fn note_use(&self, id: &str, used: Timestamp) -> Result<(), Problem> {
        let request = Request::Script {
            script: &TOUCH_KEY,
            keys: vec![self.layout.keyring(), self.layout.key_uses()],
            arguments: vec![id.as_bytes().to_vec(), used.micros().to_string().into_bytes()],
        };
        self.reads.ask(request).await.map(drop)
    }
}

/// A key as it is held. One that can't be read fails the whole: were it left out, a server that has keys could look
/// like one that asks for none.
fn decode(id: &str, body: &[u8], last_used: Option<i64>) -> Result<Key, Problem> {
    let key: Key = serde_json::from_slice(body).map_err(|error| {
        Problem::new(Code::StorageCorrupt, format!("the key {} can't be read", quoted(id))).caused_by(error)
    })?;
    Ok(Key { last_used: last_used.map(Timestamp::from_micros), ..key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_can_not_be_read_is_a_failure_and_not_left_out() {
        let problem = decode("0123456789abcdef", b"{}", None).unwrap_err();
        assert_eq!(problem.code, Code::StorageCorrupt);
    }
}
