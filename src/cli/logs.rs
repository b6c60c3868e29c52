//! `watchglass logs`: logs, one a line, and with `-f` what comes after them.

mod line;

use std::collections::HashSet;

use clap::Args;
use serde_json::json;

use self::line::{Days, note};
use super::screen::{Line, Screen, count};
use super::source::{From, Seen, Source};
use super::{Failure, on_one_thread, one_shot, print, stdio};
use crate::config::Config;
use crate::service::numbers::Period;
use crate::service::{ListLogs, LogList, LogView, WatchLive};

#[derive(Debug, Clone, Args)]
pub(super) struct Logs {
    /// Go on with what comes, until it is interrupted
    #[arg(short, long)]
    follow: bool,
    /// Exactly this event type, or with a trailing * all that begin so
    #[arg(long, value_name = "TYPE")]
    event_type: Option<String>,
    /// Exactly this level: debug, info, warn or error
    #[arg(long)]
    level: Option<String>,
    /// This level and those above it
    #[arg(long, value_name = "LEVEL")]
    min_level: Option<String>,
    /// Only those of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Only those of this trace
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// Only those that hold all of these words
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// Only those taken then: a time, or how long ago, such as 1h
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Most to show of what has been; the newest
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    limit: u16,
    /// Show lines whole that are longer than the terminal is wide
    #[arg(long)]
    full: bool,
    /// Print JSON on a terminal too: one object, or with --follow one line for each log
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    from: From,
}

/// Shows logs, the newest last.
pub(super) fn run(config: &Config, arguments: Logs) -> Result<(), Failure> {
    let shown = on_one_thread(async {
        let source = Source::open(config, &arguments.from).await?;
        let shown = if arguments.follow {
            tokio::select! {
                followed = follow(&source, &arguments) => followed,
                () = stdio::told_to_end() => Ok(()),
            }
        } else {
            show(&source, &arguments).await
        };
        source.close().await;
        shown
    })?;
    shown.map_err(one_shot::tell)
}

async fn show(source: &Source, arguments: &Logs) -> Result<(), Failure> {
    let list = source.logs(arguments.question(), arguments.limit.max(1).into()).await?;
    if arguments.is_for_programs() {
        return print::json(&list);
    }
    let screen = Screen::here();
    let mut days = Days::default();
    let mut lines: Vec<Line> =
        list.items.iter().rev().flat_map(|log| days.lines(log, &screen, arguments.full)).collect();
    lines.push(end(&list).cut(screen.width));
    print::lines(&lines)
}

/// What there is, and what comes. It is watched before it is read, so that nothing falls between.
async fn follow(source: &Source, arguments: &Logs) -> Result<(), Failure> {
    let mut watch = source.watch(arguments.watch()).await?;
    let mut days = Days::default();
    // What was taken while it was read comes up in both.
    let mut known = HashSet::new();
    if arguments.limit > 0 {
        let list = source.logs(arguments.question(), arguments.limit.into()).await?;
        for log in list.items.iter().rev() {
            if !arguments.print(log, &mut days)? {
                return Ok(());
            }
            known.insert(log.id.clone());
        }
    }
    loop {
        let goes_on = match watch.next().await? {
            Seen::Log(log) => known.remove(&log.id) || arguments.print(&log, &mut days)?,
            Seen::Gap { since, until } if arguments.is_for_programs() => {
                print::json_line(&json!({ "gap": { "since": since, "until": until } }))?
            }
            Seen::Gap { since, until } => {
                let told = format!("more came from {since} until {until} than could be shown");
                print::lines_of_many(&[note(&told)])?
            }
        };
        if !goes_on {
            return Ok(());
        }
    }
}

impl Logs {
    fn is_for_programs(&self) -> bool {
        self.json || !print::is_read_by_a_person()
    }

    /// Prints one of many; tells whether somebody still reads.
    fn print(&self, log: &LogView, days: &mut Days) -> Result<bool, Failure> {
        if self.is_for_programs() {
            return print::json_line(log);
        }
        print::lines_of_many(&days.lines(log, &Screen::here(), self.full))
    }

    fn question(&self) -> ListLogs {
        ListLogs {
            period: Period { since: self.since.clone(), ..Period::default() },
            event_type: self.event_type.clone(),
            level: self.level.clone(),
            min_level: self.min_level.clone(),
            agent: self.agent.clone(),
            trace_id: self.trace.clone(),
            q: self.text.clone(),
            ..ListLogs::default()
        }
    }

    fn watch(&self) -> WatchLive {
        WatchLive {
            kinds: vec!["log".to_owned()],
            event_type: self.event_type.clone(),
            level: self.level.clone(),
            min_level: self.min_level.clone(),
            agent: self.agent.clone(),
            trace_id: self.trace.clone(),
            q: self.text.clone(),
            last_event_id: None,
        }
    }
}

/// How many there are beyond.
fn end(list: &LogList) -> Line {
    let at_least = if list.total_exact { "" } else { "at least " };
    let more = if list.truncated { "; a larger `--limit` shows more" } else { "" };
    note(&format!("{} of {at_least}{} logs{more}", count(list.returned as u64), count(list.total)))
}

#[cfg(test)]
mod tests;
