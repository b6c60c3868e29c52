//! What questions cost on a store that holds much, beside one that holds a hundredth of it: the same installation when
//! it was a hundredth as old, or, with `--thin`, one that does a hundredth as much.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use serde_json::json;
use watchglass::store;

use crate::fill::{fill, tell};
use crate::http::{Connection, check};
use crate::lab::WATCHGLASS;
use crate::load::cpu;
use crate::outcome::Sample;
use crate::payload;
use crate::place::Place;
use crate::process::{McpServer, Redis};
use crate::records::{Amount, LARGE_TRACE};
use crate::row::Side;

/// Through how long a time the records come: so long that a hundredth of it is more than the hour that is asked about.
pub(crate) const OVER: Duration = Duration::from_secs(5 * 24 * 60 * 60);
/// Keeps everything that is loaded.
const SETTINGS: &str = "[retention]\ntraces = \"30d\"\nlogs = \"30d\"\nseries = \"30d\"\nrollups = \"400d\"\nmax_size = \"1000GB\"\n";
/// How long a server may take, once it has been started, to do what there is to do for itself.
const REST: Duration = Duration::from_secs(1_800);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// The overview of the last five minutes.
    Overview,
    /// A page of the newest traces.
    Traces,
    /// The last hour's logs of one level.
    Logs,
    /// A trace of a thousand spans.
    Trace,
    /// All series.
    Metrics,
}

impl Question {
    pub(crate) const ALL: [Self; 5] = [Self::Overview, Self::Traces, Self::Logs, Self::Trace, Self::Metrics];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Traces => "traces",
            Self::Logs => "query_logs",
            Self::Trace => "get_trace",
            Self::Metrics => "metrics",
        }
    }

    fn request(self, connection: &Connection) -> Vec<u8> {
        let tool = |name, arguments| {
            connection.request("/mcp", &payload::message(1, &payload::call(name, &arguments)))
        };
        match self {
            Self::Overview => connection.get("/api/v1/overview"),
            Self::Traces => connection.get("/api/v1/traces?limit=50"),
            Self::Logs => tool("query_logs", json!({ "level": "error", "since_minutes": 60 })),
            Self::Trace => tool("get_trace", json!({ "trace_id": LARGE_TRACE, "limit": 1_000 })),
            Self::Metrics => connection.get("/metrics"),
        }
    }
}

/// How much two stores hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// The larger one.
    pub(crate) records: Amount,
    /// Whether the smaller one's records are as far apart as a hundredth of them is, not as close as all.
    pub(crate) thin: bool,
}

/// Which of the two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Hundredth,
    Whole,
}

/// Two stores of one kind, one with a hundredth of what the other holds, and a server on each.
pub(crate) struct Pair {
    pub(crate) place: Place,
    hundredth: Filled,
    whole: Filled,
    _redis: Option<Redis>,
}

struct Filled {
    server: McpServer,
    /// Bytes a record takes.
    bytes: f64,
}

impl Pair {
    /// Fills two new stores and starts their servers.
    pub(crate) async fn new(place: Place, sizes: Sizes, directory: &Path) -> Result<Self> {
        let redis = (place == Place::Redis).then(|| Redis::start_in_memory(directory)).transpose()?;
        let over = if sizes.thin { OVER } else { OVER / 100 };
        let hundredth = sizes.records.hundredth().over(over);
        let hundredth = Filled::new(place, hundredth, directory, redis.as_ref()).await?;
        let whole = Filled::new(place, sizes.records.over(OVER), directory, redis.as_ref()).await?;
        Ok(Self { place, hundredth, whole, _redis: redis })
    }

    const fn of(&self, size: Size) -> &Filled {
        match size {
            Size::Hundredth => &self.hundredth,
            Size::Whole => &self.whole,
        }
    }

    /// Milliseconds that a question takes.
    pub(crate) async fn ask(&self, size: Size, question: Question) -> Result<Box<dyn Side>> {
        let connection = Connection::open(self.of(size).server.address).await?;
        let request = question.request(&connection);
        Ok(Box::new(Asking {
            connection,
            request,
            of_a_tool: matches!(question, Question::Logs | Question::Trace),
        }))
    }

    /// Bytes that a record takes.
    pub(crate) fn bytes(&self, size: Size) -> Box<dyn Side> {
        Box::new(Bytes(self.of(size).bytes))
    }
}

impl Filled {
    async fn new(
        place: Place,
        records: (Amount, Duration),
        directory: &Path,
        redis: Option<&Redis>,
    ) -> Result<Self> {
        let (amount, over) = records;
        let file = directory.join(format!("{}.db", amount.records()));
        let address = match redis {
            Some(redis) => format!("redis://127.0.0.1:{}?prefix={}:", redis.port, amount.records()),
            None => format!("sqlite:{}", file.display()),
        };
        tell(&format!("filling {address} with {amount} of {} minutes", over.as_secs() / 60));
        let held = || redis.map_or_else(|| Ok(bytes_of(&file)), Redis::used_memory);
        let before = held()?;
        let options = place.options(&address)?;
        let store = store::open(&options).await?;
        fill(&*store, records).await?;
        store.close().await;
        drop(store);
        let server = serve(place, &address, directory)?;
        rest(&server).await;
        #[expect(clippy::cast_precision_loss, reason = "bytes for people to read")]
        let bytes = (held()? - before) as f64 / amount.records().max(1) as f64;
        Ok(Self { server, bytes })
    }
}

/// Starts a server that keeps what is there.
fn serve(place: Place, address: &str, directory: &Path) -> Result<McpServer> {
    let settings = directory.join("scale.toml");
    std::fs::write(&settings, SETTINGS)?;
    let settings = settings.to_str().context("the directory's name is no text")?;
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--store", address, "--config", settings];
    let environment = [("WATCHGLASS_DURABILITY", place.durability()), ("WATCHGLASS_LOG", "warn")];
    McpServer::start(Path::new(WATCHGLASS), &arguments, &environment)
}

/// Waits until the server has nothing to do for itself, such as to look for spans whose parents never came.
async fn rest(server: &McpServer) {
    let until = Instant::now() + REST;
    let second = Duration::from_secs(1);
    let mut quiet = 0;
    while quiet < 3 && Instant::now() < until {
        let before = cpu(server.process.pid);
        tokio::time::sleep(second).await;
        let used = before.zip(cpu(server.process.pid)).map(|(before, after)| after.saturating_sub(before));
        quiet = if used.is_none_or(|used| used < second / 20) { quiet + 1 } else { 0 };
    }
}

/// The size of a database and of what SQLite puts beside it.
fn bytes_of(file: &Path) -> u64 {
    let beside = |suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    ["", "-wal"].map(beside).iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum()
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} logs and {} spans", self.logs, self.spans)
    }
}

/// Asks the same, again and again.
struct Asking {
    connection: Connection,
    request: Vec<u8>,
    of_a_tool: bool,
}

#[async_trait]
impl Side for Asking {
    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let started = Instant::now();
        let mut asked = 0_u32;
        while asked == 0 || started.elapsed() < time {
            let answer = self.connection.exchange(&self.request).await?;
            if self.of_a_tool {
                check(answer)?;
            }
            asked += 1;
        }
        Ok(Sample { value: started.elapsed().as_secs_f64() * 1_000.0 / f64::from(asked), cpu: None })
    }
}

/// What was found when the store was filled.
struct Bytes(f64);

#[async_trait]
impl Side for Bytes {
    async fn measure(&mut self, _time: Duration) -> Result<Sample> {
        Ok(Sample { value: self.0, cpu: None })
    }
}
