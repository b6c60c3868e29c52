//! Following what happens, through broken connections and restarts of the server.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, unfold};
use serde_json::Value;
use sse_stream::{Sse, SseStream};

use super::Source;
use super::server::Server;
use crate::cli::{Failure, print};
use crate::model::text::excerpt;
use crate::service::{Caller, Happening, LogView, Subscription, WatchLive};

/// The first wait before a server is asked again, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// What is seen of what happens.
#[derive(Debug)]
pub(in crate::cli) enum Seen {
    /// A log was taken.
    Log(Box<LogView>),
    /// Something may have been missed between these instants.
    Gap { since: String, until: String },
}

/// What happens, for as long as it is asked for.
pub(in crate::cli) struct Watch<'a> {
    source: &'a Source,
    request: WatchLive,
    stream: Stream,
}

enum Stream {
    Server(BoxStream<'static, Result<Sse, String>>),
    Store(Box<Subscription>),
}

impl<'a> Watch<'a> {
    /// What happens from now on, or since what the request says was seen.
    pub(super) async fn begin(source: &'a Source, request: WatchLive) -> Result<Self, Failure> {
        let stream = Stream::open(source, &request).await?;
        Ok(Self { source, request, stream })
    }

    /// The next log. A connection that breaks is made again, and goes on where it broke.
    ///
    /// # Errors
    /// A server that refuses, as for a key that was revoked.
    pub(in crate::cli) async fn next(&mut self) -> Result<Seen, Failure> {
        loop {
            match self.stream.next(&mut self.request.last_event_id).await {
                Next::Seen(seen) => return Ok(seen),
                Next::Other => {}
                Next::Ended(why) => self.again(&why).await?,
            }
        }
    }

    async fn again(&mut self, why: &str) -> Result<(), Failure> {
        if why == "revoked" {
            return Err(Failure::new("the key was revoked"));
        }
        let (mut wait, longest) = WAITS;
        let mut is_told = false;
        loop {
            tokio::time::sleep(wait).await;
            match Stream::open(self.source, &self.request).await {
                Ok(stream) => {
                    self.stream = stream;
                    return Ok(());
                }
                Err(Failure::Unreachable(message)) => {
                    if !is_told {
                        print::note(&format!("{message}; it is asked again until it does"));
                    }
                    is_told = true;
                    wait = (wait * 2).min(longest);
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// What came of waiting.
enum Next {
    Seen(Seen),
    /// Nothing that is shown.
    Other,
    /// The stream has ended, for this reason.
    Ended(String),
}

impl Stream {
    async fn open(source: &Source, request: &WatchLive) -> Result<Self, Failure> {
        match source {
            Source::Server(server) => Ok(Self::Server(events(server, request).await?)),
            Source::Store(opened) => {
                let subscription = opened.service.watch(&Caller::local(), request.clone()).await;
                Ok(Self::Store(Box::new(subscription.map_err(Failure::Problem)?)))
            }
        }
    }

    /// `seen` is the id of the last event that was received.
    async fn next(&mut self, seen: &mut Option<String>) -> Next {
        match self {
            Self::Server(events) => match events.next().await {
                Some(Ok(event)) => {
                    if let Some(id) = event.id.clone().filter(|id| !id.is_empty()) {
                        *seen = Some(id);
                    }
                    of_server(&event)
                }
                Some(Err(why)) => Next::Ended(why),
                None => Next::Ended("closed".to_owned()),
            },
            Self::Store(subscription) => match subscription.next().await {
                Some(event) => {
                    if !event.id().is_empty() {
                        *seen = Some(event.id().to_owned());
                    }
                    of_store(event.happening())
                }
                None => Next::Ended("closed".to_owned()),
            },
        }
    }
}

fn of_store(happening: &Happening) -> Next {
    match happening {
        Happening::Log(log) => Next::Seen(Seen::Log(Box::new(LogView::from((**log).clone())))),
        Happening::Gap(gap) => Next::Seen(Seen::Gap { since: gap.since.clone(), until: gap.until.clone() }),
        Happening::End(end) => Next::Ended(end.reason.clone()),
        _ => Next::Other,
    }
}

fn of_server(event: &Sse) -> Next {
    let data = event.data.as_deref().unwrap_or_default();
    let text = |name: &str| -> String {
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        data[name].as_str().map(excerpt).unwrap_or_default()
    };
    match event.event.as_deref() {
        Some("log") => match serde_json::from_str(data) {
            Ok(log) => Next::Seen(Seen::Log(Box::new(log))),
            Err(_) => Next::Other,
        },
        Some("gap") => Next::Seen(Seen::Gap { since: text("since"), until: text("until") }),
        Some("end") => Next::Ended(text("reason")),
        _ => Next::Other,
    }
}

/// The events that the server sends.
async fn events(
    server: &Server,
    request: &WatchLive,
) -> Result<BoxStream<'static, Result<Sse, String>>, Failure> {
    let asked = [
        ("kinds", (!request.kinds.is_empty()).then(|| request.kinds.join(","))),
        ("event_type", request.event_type.clone()),
        ("level", request.level.clone()),
        ("min_level", request.min_level.clone()),
        ("agent", request.agent.clone()),
        ("trace_id", request.trace_id.clone()),
        ("q", request.q.clone()),
        ("last_event_id", request.last_event_id.clone()),
    ];
    let asked: Vec<(String, String)> =
        asked.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let response = server.stream(&asked).await?;
    let chunks = unfold(response, |mut response| async move {
        let chunk: Result<Bytes, reqwest::Error> = response.chunk().await.transpose()?;
        Some((chunk, response))
    });
    let events = SseStream::from_bytes_stream(Box::pin(chunks));
    Ok(events.map(|event| event.map_err(|error| error.to_string())).boxed())
}
