//! The table: every row of it.

use crate::outcome::Target;
use crate::place::Place;
use crate::row::{Group, Row};
use crate::scale::{Question, Size};

/// What can be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Calls of `log_event` a second, by so many clients, or by one with so many calls in flight.
    Calls { server: Server, transport: Transport, clients: usize },
    /// Rows a second of a loop that commits so many at a time to a bare store.
    Inserts { place: Place, batch: usize },
    /// The same through `Store::write`.
    Writes { place: Place, batch: usize },
    /// Whichever of the two is slower: both are bounds.
    Slower(Box<Subject>, Box<Subject>),
    /// Milliseconds from the start of a stdio server to its first answer.
    FirstAnswer { server: Server, store: Store },
    /// Milliseconds that the published script takes to log an event.
    Script,
    /// Milliseconds that the command in its place takes.
    OneShot,
    /// Megabytes that a server over HTTP holds when idle.
    Idle(Server),
    /// Milliseconds that a question to a filled store takes.
    Question { place: Place, size: Size, question: Question },
    /// Bytes that a record in it takes.
    Bytes { place: Place, size: Size },
    /// Megabytes that it holds more after ten thousand spans.
    Grown(Server),
}

/// Who is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Server {
    /// The one that does nothing.
    Floor,
    /// watchglass on a store.
    Watchglass(Place),
}

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    Http,
    Sse,
    Stdio,
}

/// Whether a store was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    New,
    Held,
}

/// A call a second at least that many times as often as one that does nothing.
const CALLS: Target = Target::AtLeast(0.8);

/// All rows, in the order in which they are shown.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    for transport in [Transport::Http, Transport::Sse, Transport::Stdio] {
        for place in Place::ALL {
            let clients: &[usize] = if place == Place::Sqlite { &[256] } else { &[1, 32] };
            rows.extend(clients.iter().map(|clients| calls(transport, place, *clients)));
        }
    }
    for place in Place::ALL {
        rows.extend([1, 32].map(|clients| stored(place, clients)));
    }
    for place in Place::ALL {
        rows.extend([1, 32, 512].map(|batch| written(place, batch)));
    }
    rows.extend(started());
    rows.extend(memory());
    rows.extend([Place::SqliteProcess, Place::Redis].into_iter().flat_map(scale));
    rows
}

/// Questions to a store beside the same to one that holds a hundredth.
fn scale(place: Place) -> Vec<Row> {
    let engine = if place == Place::Redis { "redis" } else { "sqlite" };
    let asked = Question::ALL.map(|question| {
        let subject = |size| Subject::Question { place, size, question };
        Row {
            name: format!("scale/{engine}/{}", question.as_str()),
            group: Group::Scale,
            floor: subject(Size::Hundredth),
            subject: subject(Size::Whole),
            target: Target::AtMost(1.5),
        }
    });
    let bytes = Row {
        name: format!("scale/{engine}/bytes-a-record"),
        group: Group::Bytes,
        floor: Subject::Bytes { place, size: Size::Hundredth },
        subject: Subject::Bytes { place, size: Size::Whole },
        target: Target::None,
    };
    asked.into_iter().chain([bytes]).collect()
}

/// Calls beside calls that do nothing. A client alone waits for the store, so nothing is promised there.
fn calls(transport: Transport, place: Place, clients: usize) -> Row {
    let calls = |server| Subject::Calls { server, transport, clients };
    Row {
        name: format!("calls/{}/{}/{clients}", transport.as_str(), place.as_str()),
        group: Group::Calls,
        floor: calls(Server::Floor),
        subject: calls(Server::Watchglass(place)),
        target: if clients > 1 && place != Place::Memory { CALLS } else { Target::None },
    }
}

/// Calls beside a bare loop. With as many clients as the loop commits at a time, a durable store is bound either by
/// its disk or by the protocol, whichever is slower.
fn stored(place: Place, clients: usize) -> Row {
    let calls = |server| Subject::Calls { server, transport: Transport::Http, clients };
    let inserts = Subject::Inserts { place, batch: clients };
    let is_promised = place == Place::Sqlite && clients > 1;
    Row {
        name: format!("stored/{}/{clients}", place.as_str()),
        group: Group::Stored,
        floor: if is_promised {
            Subject::Slower(inserts.into(), calls(Server::Floor).into())
        } else {
            inserts
        },
        subject: calls(Server::Watchglass(place)),
        target: if is_promised { CALLS } else { Target::None },
    }
}

fn written(place: Place, batch: usize) -> Row {
    Row {
        name: format!("written/{}/{batch}", place.as_str()),
        group: Group::Written,
        floor: Subject::Inserts { place, batch },
        subject: Subject::Writes { place, batch },
        target: Target::None,
    }
}

fn started() -> [Row; 3] {
    let first_answer = |name: &str, store| Row {
        name: format!("started/stdio/{name}"),
        group: Group::Started,
        floor: Subject::FirstAnswer { server: Server::Floor, store },
        subject: Subject::FirstAnswer { server: Server::Watchglass(Place::Sqlite), store },
        target: Target::Below(15.0),
    };
    [
        first_answer("held", Store::Held),
        first_answer("new", Store::New),
        Row {
            name: "started/log-event".to_owned(),
            group: Group::Started,
            floor: Subject::Script,
            subject: Subject::OneShot,
            target: Target::AtMost(1.0 / 30.0),
        },
    ]
}

fn memory() -> [Row; 2] {
    let row = |name: &str, subject: fn(Server) -> Subject, most| Row {
        name: format!("memory/{name}"),
        group: Group::Memory,
        floor: subject(Server::Floor),
        subject: subject(Server::Watchglass(Place::Sqlite)),
        target: Target::Below(most),
    };
    [row("idle", Subject::Idle, 25.0), row("10000-spans", Subject::Grown, 10.0)]
}

impl Transport {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Sse => "sse",
            Self::Stdio => "stdio",
        }
    }
}
