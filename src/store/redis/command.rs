//! What is sent to a server: commands on one key, and scripts on keys of one shard.

use std::sync::OnceLock;

use redis::{Cmd, ToRedisArgs};

use super::keys::{Key, Shard};

/// The commands that only [`TRANSACT`] knows.
const OWN: [&str; 5] = ["NEWER", "EARLIER", "TALLY", "SPENT", "SAMPLE"];

/// Writes one record, all or nothing.
static TRANSACT: Script = Script::new(include_str!("transact.lua"));

/// A script's text, and the hash by which a server that has seen it knows it.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    /// A script with this text.
    pub(super) const fn new(text: &'static str) -> Self {
        Self { text, hash: OnceLock::new() }
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| redis::Script::new(self.text).get_hash().to_owned())
    }
}

/// One command on one key.
#[derive(Debug, Clone)]
pub(super) struct Command {
    /// What it is called; a few names only our script knows.
    pub(super) name: &'static str,
    /// The key, which always comes first.
    pub(super) key: Key,
    arguments: Vec<Vec<u8>>,
}

/// A condition on which a [`transaction`] runs.
#[derive(Debug, Clone)]
pub(super) enum Guard {
    /// The key is not there, otherwise the record has been written: `done`.
    Absent(Key),
    /// The sorted set does not hold the member, otherwise the record has been written: `done`.
    Unlisted(Key, String),
    /// The hash's field, empty if there is none, is still this; otherwise `changed`.
    Field {
        /// The hash.
        key: Key,
        /// The field.
        name: &'static str,
        /// What it held when it was read.
        held: String,
    },
}

/// A message with one reply.
#[derive(Debug)]
pub(super) enum Request {
    /// A plain command.
    Command(Command),
    /// A script.
    Script {
        /// Its text and hash.
        script: &'static Script,
        /// The keys that it touches, all of one shard.
        keys: Vec<Key>,
        /// What it is told.
        arguments: Vec<Vec<u8>>,
    },
}

impl Command {
    /// A command without arguments.
    pub(super) fn new(name: &'static str, key: Key) -> Self {
        Self { name, key, arguments: Vec::new() }
    }

    /// Adds an argument, or the several that a slice is.
    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.arguments.extend(argument.to_redis_args());
        self
    }
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

impl Request {
    /// Where the keys lie.
    pub(super) fn shard(&self) -> Shard {
        match self {
            Self::Command(command) => command.key.shard,
            // A script without keys belongs nowhere; none is made.
            Self::Script { keys, .. } => keys[0].shard,
        }
    }

    /// The script's hash, where it is one.
    pub(super) fn script_hash(&self) -> Option<&'static str> {
        match self {
            Self::Command(_) => None,
            Self::Script { script, .. } => Some(script.hash()),
        }
    }

    /// The request as it goes over the wire. A script's text goes with it unless the server `knows` it.
    ///
    /// The first script of every pipeline carries its text, later ones its hash. So no reply ever says
    /// `NOSCRIPT`, on no node and after no restart, and there is no second way to send a record.
    pub(super) fn to_cmd(&self, knows: bool) -> Cmd {
        match self {
            Self::Command(Command { name, key, arguments }) => {
                let mut cmd = Cmd::new();
                cmd.arg(name).arg(&key.name).arg(arguments);
                cmd
            }
            Self::Script { script, keys, arguments } => {
                let mut cmd = Cmd::new();
                if knows {
                    cmd.arg("EVALSHA").arg(script.hash());
                } else {
                    cmd.arg("EVAL").arg(script.text);
                }
                cmd.arg(keys.len());
                for key in keys {
                    cmd.arg(&key.name);
                }
                cmd.arg(arguments);
                cmd
            }
        }
    }
}

/// The commands of one record in one shard: one by one where nothing can come between them that matters, else as one
/// script. A plain command takes the server a tenth of the time.
pub(super) fn requests(guards: &[Guard], commands: Vec<Command>) -> Vec<Request> {
    if guards.is_empty() && !commands.iter().any(|command| OWN.contains(&command.name)) {
        return commands.into_iter().map(Request::from).collect();
    }
    vec![transaction(guards, commands)]
}

/// Commands as one script. Replies `written`, `done` or `changed`.
pub(super) fn transaction(guards: &[Guard], commands: Vec<Command>) -> Request {
    let mut keys: Vec<Key> = Vec::new();
    let mut arguments: Vec<Vec<u8>> = vec![guards.len().to_string().into_bytes()];
    let mut index_of = |key: &Key| {
        let index = keys.iter().position(|known| known == key).unwrap_or_else(|| {
            keys.push(key.clone());
            keys.len() - 1
        });
        (index + 1).to_string().into_bytes()
    };
    for guard in guards {
        match guard {
            Guard::Absent(key) => arguments.extend([b"absent".to_vec(), index_of(key)]),
            Guard::Unlisted(key, member) => {
                arguments.extend([b"unlisted".to_vec(), index_of(key), member.clone().into_bytes()]);
            }
            Guard::Field { key, name, held } => arguments.extend([
                b"field".to_vec(),
                index_of(key),
                name.as_bytes().to_vec(),
                held.clone().into_bytes(),
            ]),
        }
    }
    for command in commands {
        arguments.extend([
            command.arguments.len().to_string().into_bytes(),
            command.name.as_bytes().to_vec(),
            index_of(&command.key),
        ]);
        arguments.extend(command.arguments);
    }
    Request::Script { script: &TRANSACT, keys, arguments }
}
