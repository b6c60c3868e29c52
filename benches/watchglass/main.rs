//! What watchglass costs, as ratios to floors that are measured in the same run.
//!
//! ```text
//! cargo bench                             # all rows, about three minutes
//! cargo bench -- --quick                  # shorter rounds, about forty seconds
//! cargo bench -- --only http/redis        # the rows whose names contain this
//! cargo bench -- --list
//! cargo bench -- --only scale/ --records 10000000,1000000      # with so many logs and spans
//! cargo bench -- --records 100000,10000 --load sqlite:/tmp/x.db   # to look at a full store
//! ```
//!
//! Every row sets watchglass beside a floor: a tool that does nothing on the same server and transport, a bare
//! loop that inserts the same rows into the same store, or the script that a command replaces. The two are
//! measured in turns, round after round, so that whatever else the machine does meets both; a row is the median
//! of its rounds. A row that falls short is marked and fails nothing. All of it stays on loopback, in temporary
//! directories, and ends with this process. `docs/performance.md` says what was found.
//!
//! # Layout
//!
//! - [`rows`]: the table; [`row`]: how a row is measured; [`outcome`]: what it comes to; [`report`]: how it is shown
//! - [`lab`]: starts what a row needs; [`place`]: the stores; [`process`]: servers that end with this process
//! - [`load`]: callers for [`http`], [`sse`] and [`stdio`]; [`floor`]: the server that does nothing
//! - [`scale`]: full stores, which [`fill`] fills with [`records`]
//! - [`inserts`]: bare loops and `Store::write`; [`once`]: starts and one-shot calls; [`memory`]

mod fill;
mod floor;
mod http;
mod inserts;
mod lab;
mod load;
mod memory;
mod once;
mod outcome;
mod payload;
mod place;
mod process;
mod records;
mod report;
mod row;
mod rows;
mod scale;
mod sse;
mod stdio;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use lab::Lab;
use place::Place;
use records::Amount;
use report::Report;
use row::Pace;
use scale::Sizes;

/// Measures watchglass beside its floors
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, Parser)]
#[command(name = "watchglass-bench")]
struct Arguments {
    /// Measure in shorter rounds: about forty seconds, and noisier
    #[arg(long)]
    quick: bool,
    /// Measure only the rows whose names contain TEXT
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print the names of the rows and measure nothing
    #[arg(long)]
    list: bool,
    /// Print one JSON object a row
    #[arg(long)]
    json: bool,
    /// Put the stores below DIRECTORY, whose disk is then what is measured
    #[arg(long, value_name = "DIRECTORY", default_value = env!("CARGO_TARGET_TMPDIR"))]
    directory: PathBuf,
    /// A Python that has the package `redis`, for the script that a one-shot call replaces
    #[arg(long, value_name = "PROGRAM", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/venv-bench/bin/python"))]
    python: PathBuf,
    /// How many logs and spans the larger store of `scale/…` holds; without it, those rows are left out
    #[arg(long, value_name = "LOGS,SPANS")]
    records: Option<Amount>,
    /// Spread the hundredth of them over as long a time, instead of a hundredth of it
    #[arg(long)]
    thin: bool,
    /// Write `--records` to the store at URL, over the last 5 days, and measure nothing
    #[arg(long, value_name = "URL", requires = "records")]
    load: Option<String>,
    /// What `cargo bench` passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What the benchmark starts itself as.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Role {
    /// The floor over HTTP
    #[command(hide = true)]
    FloorHttp,
    /// The floor over standard input and output
    #[command(hide = true)]
    FloorStdio,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.role {
        Some(Role::FloorHttp) => floor::serve_http(),
        Some(Role::FloorStdio) => floor::serve_stdio(),
        None => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(std::io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

/// One thread makes all calls, and leaves the rest of the machine to the servers.
fn measure(arguments: &Arguments) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    if let (Some(address), Some(records)) = (&arguments.load, arguments.records) {
        return load_store(address, records).await;
    }
    let mut rows = rows::all();
    rows.retain(|row| arguments.only.as_ref().is_none_or(|text| row.name.contains(text.as_str())));
    if arguments.list {
        return report::list(&rows);
    }
    let Arguments { records, thin, .. } = *arguments;
    rows.retain(|row| records.is_some() || !row.is_of_full_stores());
    let mut report = Report::new(arguments.json);
    let pace = if arguments.quick { Pace::QUICK } else { Pace::FULL };
    let sizes = records.map(|records| Sizes { records, thin });
    let mut lab = Lab::new(&arguments.directory, arguments.python.clone(), sizes)?;
    for row in rows {
        let outcome = row.measure(&mut lab, pace).await;
        report.add(&row, outcome)?;
        lab.tidy();
    }
    report.end()
}

/// Fills a store that somebody else will look at.
async fn load_store(address: &str, amount: Amount) -> Result<()> {
    let store = watchglass::store::open(&Place::SqliteProcess.options(address)?).await?;
    fill::fill(&*store, amount.over(scale::OVER)).await?;
    store.close().await;
    Ok(())
}
