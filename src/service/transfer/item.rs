//! A record as it travels, and the lines around them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FORMAT;
use crate::model::text::quoted;
use crate::model::{
    Code, Dated, Import, Log, Point, Problem, ProjectId, Record, Series, Span, SpanEnd, Timestamp, Write,
    json,
};

/// What can be taken elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Events.
    Logs,
    /// Spans, ended or not.
    Spans,
    /// Measurements that are counted.
    Points,
    /// Series as they stand.
    Series,
}

impl Kind {
    /// Every kind, in the order in which they travel: series last, so that what they have added up to holds.
    pub const ALL: [Self; 4] = [Self::Logs, Self::Spans, Self::Points, Self::Series];

    /// The word by which it is asked for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Spans => "spans",
            Self::Points => "points",
            Self::Series => "series",
        }
    }
}

/// A record as a store holds it, exact and whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item {
    /// An event.
    Log(Box<Log>),
    /// A span.
    Span(Box<Span>),
    /// A measurement.
    Point(Box<Point>),
    /// A series.
    Series(Box<Standing>),
}

/// A series as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The series.
    #[serde(flatten)]
    pub series: Series,
    /// When its last point was taken.
    pub updated: Timestamp,
}

/// The first line and the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame {
    Watchglass(Header),
    End(Counts),
}

/// What the first line tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Of the watchglass that wrote it.
    pub(super) version: String,
    pub(super) format: u32,
    /// Whose records they were; whoever imports them owns them.
    pub(super) project: ProjectId,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) kinds: Vec<Kind>,
    pub(super) exported_at: Timestamp,
}

/// How many there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Logs
    pub logs: u64,
    /// Spans
    pub spans: u64,
    /// Points
    pub points: u64,
    /// Series
    pub series: u64,
}

/// A line of an export: the first tells what it is, then comes a line for each record, and last their counts
#[derive(JsonSchema)]
#[schemars(rename = "ExportLine")]
#[expect(dead_code, reason = "only its schema is used")]
pub struct LineSchema {
    /// watchglass, log, span, point, series or end; the other fields are those of what it names
    r#type: String,
}

/// One line, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    Frame(Frame),
    Item(Item),
}

impl Item {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Log(_) => Kind::Logs,
            Self::Span(_) => Kind::Spans,
            Self::Point(_) => Kind::Points,
            Self::Series(_) => Kind::Series,
        }
    }

    /// About how much memory it holds.
    pub(super) fn bytes(&self) -> usize {
        let metadata = |metadata| serde_json::to_string(metadata).map_or(0, |text| text.len());
        512 + match self {
            Self::Log(log) => log.message.len() + metadata(&log.metadata),
            Self::Span(span) => metadata(&span.metadata),
            Self::Point(_) | Self::Series(_) => 0,
        }
    }

    /// The record to write, which keeps its id and its times.
    pub(super) fn into_write(self) -> Write {
        Write::once(match self {
            Self::Log(log) => Record::Log(log),
            Self::Span(span) => Record::Import(Box::new(Import::Span(span))),
            Self::Point(point) => Record::Import(Box::new(Import::Point(*point))),
            Self::Series(standing) => {
                let Standing { series, updated } = *standing;
                Record::Import(Box::new(Import::Series { series, updated }))
            }
        })
    }

    /// The end of a span, by itself, if it has ended.
    pub(super) fn as_end(&self) -> Option<Write> {
        let Self::Span(span) = self else { return None };
        let end = SpanEnd {
            span_id: span.span_id.clone(),
            end_time: span.end_time?,
            status: span.status,
            metadata: span.metadata.clone(),
            redacted: span.redacted.clone(),
        };
        Some(Write::once(Record::SpanEnd(Box::new(end))))
    }

    /// The item as a line, its end included.
    pub(super) fn encode(&self, lines: &mut Vec<u8>) -> Result<(), Problem> {
        encode(self, lines)
    }
}

impl From<Dated> for Item {
    fn from((series, updated): Dated) -> Self {
        Self::Series(Box::new(Standing { series, updated }))
    }
}

/// What it is called where it can't be taken: `span 00f067aa0ba902b7`.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = match self {
            Self::Log(log) => ("log", log.id.as_str()),
            Self::Span(span) => ("span", span.span_id.as_str()),
            Self::Point(point) => ("point", point.id.as_str()),
            Self::Series(standing) => ("series", standing.series.name.as_str()),
        };
        write!(f, "{what} {}", crate::model::text::excerpt(name))
    }
}

impl Frame {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Problem> {
        let mut line = Vec::new();
        encode(self, &mut line)?;
        Ok(line)
    }
}

impl Header {
    /// Refuses a format that is not known.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.format == FORMAT {
            return Ok(());
        }
        let message = format!("the export has format {}, this watchglass reads {FORMAT}", self.format);
        Err(Problem::invalid("format", message)
            .hint("import it with the version that wrote it, or a newer one"))
    }
}

impl Counts {
    pub(super) fn add(&mut self, kind: Kind) {
        *match kind {
            Kind::Logs => &mut self.logs,
            Kind::Spans => &mut self.spans,
            Kind::Points => &mut self.points,
            Kind::Series => &mut self.series,
        } += 1;
    }

    /// Of all kinds.
    pub const fn total(&self) -> u64 {
        self.logs + self.spans + self.points + self.series
    }
}

impl Line {
    /// Reads a line by the rules that hold for every message: no key twice, no number that does not fit.
    pub(super) fn read(line: &[u8]) -> Result<Self, Problem> {
        let unreadable = |why: &str| Problem::new(Code::InvalidArgument, format!("the line is no JSON{why}"));
        let text = std::str::from_utf8(line).map_err(|_| unreadable(": it is not UTF-8"))?;
        let read = json::read(text).map_err(|error| unreadable(&format!(" at column {}", error.column())))?;
        if let Some(violation) = read.violations.first() {
            return Err(violation.fault.problem(&violation.path.to_string()));
        }
        let what = read.value["type"].as_str().unwrap_or_default().to_owned();
        match what.as_str() {
            "watchglass" | "end" => typed(read.value).map(Self::Frame),
            "log" | "span" | "point" | "series" => typed(read.value).map(Self::Item),
            "" => Err(Problem::invalid("type", "`type` is missing")),
            other => Err(Problem::invalid("type", format!("`type` can't be {}", quoted(other)))
                .hint("one of watchglass, log, span, point, series, end")),
        }
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let text = error.into_inner().to_string();
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        if let Some(field) = missing {
            return Problem::invalid(field, format!("`{field}` is missing"));
        }
        // What was found instead is an agent's text.
        let wanted = text
            .rsplit_once("expected ")
            .map_or_else(String::new, |(_, wanted)| format!(": expected {wanted}"));
        Problem::invalid(path, format!("a field has the wrong type{wanted}"))
    })
}

fn encode(line: &impl Serialize, lines: &mut Vec<u8>) -> Result<(), Problem> {
    serde_json::to_writer(&mut *lines, line).map_err(Problem::internal)?;
    lines.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;
    use crate::model::{Labels, MetricKind, SeriesValue};

    fn line(item: &Item) -> String {
        let mut line = Vec::new();
        item.encode(&mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_line_is_the_record_whole() {
        let labels = Labels::from([("agent_name".to_owned(), "a".to_owned())]);
        let point = Point {
            id: "p".into(),
            timestamp: Timestamp::from_micros(7),
            name: "agent_tokens_total".into(),
            labels: labels.clone(),
            kind: MetricKind::Counter,
            kind_given: true,
            value: 0.1,
            trace_id: None,
        };
        let series = |value| Series { name: "m_total".into(), labels: labels.clone(), value };
        let updated = Timestamp::from_micros(8);
        let items = [
            Item::Log(Box::new(testing::log("two\nlines"))),
            Item::Point(Box::new(point)),
            Item::from((series(SeriesValue::Counter(2.5)), updated)),
            Item::from((series(SeriesValue::Gauge(-1.0)), updated)),
            Item::from((series(SeriesValue::Histogram { buckets: vec![1, 0, 2], sum: 0.3 }), updated)),
        ];
        for item in items {
            let line = line(&item);
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert_eq!(Line::read(line.trim_end().as_bytes()).unwrap(), Line::Item(item), "{line}");
        }
        let series = line(&Item::from((series(SeriesValue::Counter(2.5)), updated)));
        let expected = r#"{"type":"series","name":"m_total","labels":{"agent_name":"a"},"value":{"counter":2.5},"updated":8}"#;
        assert_eq!(series.trim_end(), expected);
    }

    #[test]
    fn a_line_that_is_none_says_why() {
        for (line, message) in [
            ("", "the line is no JSON at column 0"),
            ("{", "the line is no JSON at column 1"),
            ("[1]", "`type` is missing"),
            (r#"{"type":"trace"}"#, "`type` can't be `trace`"),
            (r#"{"type":"log"}"#, "`id` is missing"),
            (
                r#"{"type":"end","logs":-1,"spans":0,"points":0,"series":0}"#,
                "a field has the wrong type: expected u64",
            ),
            (r#"{"type":"end","type":"end"}"#, "duplicate key `type`"),
            (
                r#"{"type":"end","logs":18446744073709551616}"#,
                "`logs` is a number that does not fit in 64 bits",
            ),
        ] {
            assert_eq!(Line::read(line.as_bytes()).unwrap_err().message, message, "{line}");
        }
        assert!(Line::read(b"\xff").unwrap_err().message.ends_with("not UTF-8"));
    }
}
