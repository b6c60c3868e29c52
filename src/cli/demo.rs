//! `watchglass demo`: a server on a temporary store, in which recorded agents are at work.

use std::sync::Arc;
use std::time::Duration;

use super::open::Opened;
use super::screen::Screen;
use super::{Failure, print, serve, trace};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::config::Config;
use crate::mcp::call_tool;
use crate::replay::{self, Call, Run, Transcript};
use crate::service::{Caller, ReadTrace, Service};

const RECORDINGS: [&str; 2] = [
    include_str!("../../examples/data/tau_airline.jsonl"),
    include_str!("../../examples/data/who_and_when.jsonl"),
];

/// How far back the first runs lie.
const PAST: Duration = Duration::from_secs(60 * 60);
/// Runs in that time.
const PAST_RUNS: u32 = 36;
/// A pause between two live runs.
const PAUSE: Duration = Duration::from_secs(5);

/// Fills a store in memory with an hour of runs, and goes on until the process is told to end.
pub(super) fn run(mut config: Config) -> Result<(), Failure> {
    config.store.url = "memory:".to_owned().into();
    // What agents have recorded must not be replaced by what the demo makes up.
    config.pushgateway = None;
    serve::run_with(&config, async |opened| {
        let transcripts = recordings()?;
        let shown = fill(&opened, &transcripts).await?;
        show(&opened.service, &shown).await?;
        Ok(async move { go_on(&opened.service, &transcripts).await })
    })
}

fn recordings() -> Result<Vec<Transcript>, Failure> {
    let read = RECORDINGS.iter().map(|text| replay::read(text)).collect::<anyhow::Result<Vec<_>>>();
    Ok(read.map_err(|error| Failure::new(format!("{error:#}")))?.into_iter().flatten().collect())
}

/// Tells an hour of runs with a clock that is moved through that hour; gives the trace to show.
async fn fill(opened: &Opened, transcripts: &[Transcript]) -> Result<String, Failure> {
    let now = SystemClock.now();
    let clock = Arc::new(ManualClock::starting_at(now));
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
    let past = Service::new(Arc::clone(&opened.store), shared, opened.options.clone());
    let mut shown = String::new();
    for (number, transcript) in (0..PAST_RUNS).zip(transcripts.iter().cycle()) {
        let run = Run::of(transcript);
        let start = now.minus(PAST / PAST_RUNS * (PAST_RUNS - number)).minus(run.length());
        for call in &run.calls {
            clock.set(start.plus(call.at));
            play(&past, call).await?;
        }
        if shown.is_empty() && has_failed_tool(&run) {
            shown.clone_from(&run.trace_id);
        }
    }
    Ok(shown)
}

async fn go_on(service: &Service, transcripts: &[Transcript]) {
    for transcript in transcripts.iter().cycle() {
        let run = Run::of(transcript);
        let started = tokio::time::Instant::now();
        for call in &run.calls {
            tokio::time::sleep_until(started + call.at).await;
            if let Err(failure) = play(service, call).await {
                tracing::error!(?failure, "the demo could not go on");
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes the call as a connected agent would, by the same way.
async fn play(service: &Service, call: &Call) -> Result<(), Failure> {
    let answered = call_tool(service, &Caller::local(), call.tool, call.arguments.clone()).await;
    answered.map(|_| ()).map_err(|problem| Failure::new(format!("`{}` was refused: {problem}", call.tool)))
}

fn has_failed_tool(run: &Run) -> bool {
    run.calls.iter().any(|call| {
        call.tool == "log_event" && call.arguments["event_type"].as_str() == Some("agent.tool.error")
    })
}

/// Prints one trace as a waterfall, so that there is something to see at once.
async fn show(service: &Service, trace_id: &str) -> Result<(), Failure> {
    let request = ReadTrace { trace_id: trace_id.to_owned(), ..ReadTrace::default() };
    let report = service.read_trace(&Caller::local(), request).await.map_err(Failure::Problem)?;
    print::note(&format!("\none of {PAST_RUNS} traces of the last hour:\n"));
    for line in trace::drawn(&report, SystemClock.now(), &Screen::here()) {
        print::note(&line.render(false));
    }
    print::note("");
    Ok(())
}
