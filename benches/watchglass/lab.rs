//! Starts what a row needs, and keeps for the next row what it may need too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;
use watchglass::store;

use crate::http::Http;
use crate::inserts::{RedisLoop, Slower, SqliteLoop, Writes};
use crate::load::{Caller, Load};
use crate::memory::{Grown, Idle};
use crate::once::{FirstAnswer, OneShot};
use crate::payload;
use crate::place::Place;
use crate::process::{McpServer, Missing, Redis};
use crate::row::Side;
use crate::rows::{Server, Store, Subject, Transport};
use crate::scale::{Pair, Sizes};
use crate::sse::Sse;
use crate::stdio::Stdio;

/// The product, built as the benchmark was.
pub(crate) const WATCHGLASS: &str = env!("CARGO_BIN_EXE_watchglass");

/// The script that a one-shot call replaces.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/python/log_event.py");

/// What has been started.
pub(crate) struct Lab {
    directory: TempDir,
    python: PathBuf,
    itself: PathBuf,
    redis: Option<Redis>,
    servers: HashMap<Server, McpServer>,
    /// What two stores are filled with.
    sizes: Option<Sizes>,
    /// The two that were filled last.
    pair: Option<Pair>,
    /// How many databases were named, so that each is new.
    named: usize,
}

impl Lab {
    /// An empty lab, whose files are in a directory below `parent`.
    pub(crate) fn new(parent: &Path, python: PathBuf, sizes: Option<Sizes>) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("watchglass-bench-").tempdir_in(parent);
        Ok(Self {
            directory: directory.with_context(|| format!("can't write to `{}`", parent.display()))?,
            python,
            itself: std::env::current_exe()?,
            redis: None,
            servers: HashMap::new(),
            sizes,
            pair: None,
            named: 0,
        })
    }

    /// Makes a subject ready to be measured.
    pub(crate) async fn open(&mut self, subject: &Subject) -> Result<Box<dyn Side>> {
        Ok(match subject {
            Subject::Calls { server, transport, clients } => self.load(*server, *transport, *clients).await?,
            Subject::Inserts { place: Place::Redis, batch } => {
                Box::new(RedisLoop::new(self.redis()?.connect()?, *batch)?)
            }
            Subject::Inserts { place, batch } => {
                let connection = match place {
                    Place::Memory => rusqlite::Connection::open_in_memory()?,
                    _ => rusqlite::Connection::open(self.new_file())?,
                };
                Box::new(SqliteLoop::new(connection, place.is_relaxed(), *batch)?)
            }
            Subject::Writes { place, batch } => {
                let address = self.new_store(*place)?;
                Box::new(Writes::new(store::open(&place.options(&address)?).await?, *batch))
            }
            Subject::Slower(first, second) => {
                let first = Box::pin(self.open(first)).await?;
                Box::new(Slower(first, Box::pin(self.open(second)).await?))
            }
            Subject::FirstAnswer { server, store } => self.first_answer(*server, *store)?,
            Subject::Script => self.script()?,
            Subject::OneShot => self.one_shot()?,
            Subject::Idle(server) => Box::new(Idle(self.starter(*server)?)),
            Subject::Question { place, size, question } => {
                self.pair(*place).await?.ask(*size, *question).await?
            }
            Subject::Bytes { place, size } => self.pair(*place).await?.bytes(*size),
            Subject::Grown(server) => Box::new(Grown(self.starter(*server)?)),
        })
    }

    /// Two filled stores. Those of another kind go first: there may be room for no more.
    async fn pair(&mut self, place: Place) -> Result<&Pair> {
        if self.pair.as_ref().is_none_or(|pair| pair.place != place) {
            self.pair = None;
            let sizes = self.sizes.context("`--records` says how much they hold")?;
            let directory = self.directory.path().join(format!("scale-{}", place.as_str()));
            std::fs::create_dir(&directory)?;
            self.pair = Some(Pair::new(place, sizes, &directory).await?);
        }
        self.pair.as_ref().context("they were filled")
    }

    /// Forgets what a row has left in Redis, which holds it in memory.
    pub(crate) fn tidy(&self) {
        let connection = self.redis.as_ref().and_then(|redis| redis.connect().ok());
        if let Some(mut connection) = connection {
            redis::cmd("FLUSHDB").exec(&mut connection).ok();
        }
    }

    async fn load(&mut self, server: Server, transport: Transport, clients: usize) -> Result<Box<dyn Side>> {
        let call = |client: usize| payload::log_event(&format!("{client:032x}"));
        if transport == Transport::Stdio {
            let mut command = self.stdio_command(server)?;
            let mut caller = Stdio::start(&mut command, &call(0), clients as u64).await?;
            caller.begin().await?;
            let pid = caller.pid();
            return Ok(Box::new(Load::new(vec![Box::new(caller)], pid)));
        }
        let running = self.running(server)?;
        let mut callers: Vec<Box<dyn Caller>> = Vec::with_capacity(clients);
        for client in 0..clients {
            callers.push(match transport {
                Transport::Sse => Box::new(Sse::open(running.address, &call(client)).await?),
                _ => Box::new(Http::open(running.address, &call(client)).await?),
            });
        }
        Ok(Box::new(Load::new(callers, running.process.pid)))
    }

    fn first_answer(&mut self, server: Server, store: Store) -> Result<Box<dyn Side>> {
        let command = self.stdio_command(server)?;
        let forget = (store == Store::New && server != Server::Floor).then(|| self.last_file());
        Ok(Box::new(FirstAnswer { command, forget }))
    }

    fn script(&mut self) -> Result<Box<dyn Side>> {
        let port = self.redis()?.port.to_string();
        let mut command = Command::new(&self.python);
        let probe = Command::new(&self.python).args(["-c", "import redis"]).output();
        if !probe.is_ok_and(|probe| probe.status.success()) {
            return Err(Missing("a Python with `redis`; docs/performance.md says how to make it").into());
        }
        command.arg(SCRIPT).args(one_shot_arguments()).env("REDIS_PORT", port);
        Ok(Box::new(OneShot(command)))
    }

    fn one_shot(&mut self) -> Result<Box<dyn Side>> {
        let port = self.redis()?.port;
        let mut command = Command::new(WATCHGLASS);
        command.env_clear().env("WATCHGLASS_STORE", format!("redis://127.0.0.1:{port}"));
        command.arg("log-event").args(one_shot_arguments());
        Ok(Box::new(OneShot(command)))
    }

    /// The command that serves over standard input and output.
    fn stdio_command(&mut self, server: Server) -> Result<Command> {
        let Server::Watchglass(place) = server else {
            let mut command = Command::new(&self.itself);
            command.arg("floor-stdio");
            return Ok(command);
        };
        let mut command = Command::new(WATCHGLASS);
        command.args(["stdio", "--store", &self.new_store(place)?]);
        command.env_clear().env("WATCHGLASS_DURABILITY", place.durability());
        Ok(command)
    }

    /// A server over HTTP that all rows share.
    fn running(&mut self, server: Server) -> Result<&McpServer> {
        if !self.servers.contains_key(&server) {
            let started = self.starter(server)?()?;
            self.servers.insert(server, started);
        }
        self.servers.get(&server).context("it was started")
    }

    fn starter(&mut self, server: Server) -> Result<Box<dyn Fn() -> Result<McpServer> + Send>> {
        let Server::Watchglass(place) = server else {
            let itself = self.itself.clone();
            return Ok(Box::new(move || McpServer::start(&itself, &["floor-http"], &[])));
        };
        let store = self.new_store(place)?;
        Ok(Box::new(move || {
            let arguments = ["serve", "--listen", "127.0.0.1:0", "--store", &store];
            let environment = [("WATCHGLASS_DURABILITY", place.durability()), ("WATCHGLASS_LOG", "warn")];
            McpServer::start(Path::new(WATCHGLASS), &arguments, &environment)
        }))
    }

    fn redis(&mut self) -> Result<&Redis> {
        if self.redis.is_none() {
            self.redis = Some(Redis::start(self.directory.path())?);
        }
        self.redis.as_ref().context("it was started")
    }

    /// The address of a store that is nobody else's.
    fn new_store(&mut self, place: Place) -> Result<String> {
        Ok(match place {
            Place::Sqlite | Place::SqliteProcess => format!("sqlite:{}", self.new_file().display()),
            Place::Memory => "memory:".to_owned(),
            Place::Redis => {
                self.named += 1;
                let prefix = self.named;
                format!("redis://127.0.0.1:{}?prefix={prefix}:", self.redis()?.port)
            }
        })
    }

    fn new_file(&mut self) -> PathBuf {
        self.named += 1;
        self.last_file()
    }

    fn last_file(&self) -> PathBuf {
        self.directory.path().join(format!("{}.db", self.named))
    }
}

/// What both take: level, type and metadata; the message is on standard input.
fn one_shot_arguments() -> [&'static str; 3] {
    ["info", "agent.request.start", r#"{"agent_name": "bench", "trace_id": "0af76519"}"#]
}
