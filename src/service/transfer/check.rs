//! What a record from elsewhere must be like.
//!
//! It is taken as another store held it, which may have been more than a caller can say today: scripts wrote there too.
//! So texts may be as long as a line, and names need not be of the form that tools ask for. What engines and readers
//! rely on is checked.

use super::Item;
use super::item::Standing;
use crate::model::text::{is_name, quoted};
use crate::model::{
    Code, Labels, Log, MAX_LABEL_VALUE_BYTES, MAX_LABELS, Point, Problem, Series, SeriesValue, Span,
    SpanStatus, Timestamp, bucket_bounds,
};

/// Instants are exact in every store before this one, in the year 2255.
const END_OF_TIME: i64 = 1 << 53;
/// Most tokens, and most pico-dollars, of one span: a thousandth of what a sum has room for.
const MOST: u64 = 1 << 53;
/// Bytes of an id, which may have been made by others.
const MAX_ID_BYTES: usize = 256;

/// Refuses a record that a store could not hold as it is.
pub(super) fn check(item: &Item) -> Result<(), Problem> {
    match item {
        Item::Log(log) => check_log(log),
        Item::Span(span) => check_span(span),
        Item::Point(point) => check_point(point),
        Item::Series(standing) => check_standing(standing),
    }
}

fn check_log(log: &Log) -> Result<(), Problem> {
    id("id", &log.id)?;
    time("timestamp", log.timestamp)?;
    id("event_type", log.event_type.as_str())?;
    log.trace_id.as_ref().map_or(Ok(()), |id_| id("trace_id", id_.as_str()))?;
    log.span_id.as_ref().map_or(Ok(()), |id_| id("span_id", id_.as_str()))?;
    name("agent_name", log.agent_name.as_deref())?;
    name("session_id", log.session_id.as_deref())
}

fn check_span(span: &Span) -> Result<(), Problem> {
    id("trace_id", span.trace_id.as_str())?;
    id("span_id", span.span_id.as_str())?;
    span.parent_span_id.as_ref().map_or(Ok(()), |parent| id("parent_span_id", parent.as_str()))?;
    name("name", Some(&span.name))?;
    name("agent_name", span.agent_name.as_deref())?;
    name("session_id", span.session_id.as_deref())?;
    name("model", span.model.as_deref())?;
    name("provider", span.provider.as_deref())?;
    time("start_time", span.start_time)?;
    span.end_time.map_or(Ok(()), |end| time("end_time", end))?;
    let has_ended = match span.status {
        SpanStatus::InProgress => false,
        SpanStatus::Ok | SpanStatus::Error | SpanStatus::Cancelled => true,
        // Told by readers, never stored.
        SpanStatus::Abandoned => return Err(Problem::invalid("status", "`status` can't be `abandoned`")),
    };
    if has_ended != span.end_time.is_some() || has_ended != span.duration_ms.is_some() {
        let message =
            format!("a span that is `{}` can't have these `end_time` and `duration_ms`", span.status);
        return Err(Problem::invalid("status", message));
    }
    if span.duration_ms.is_some_and(|duration| duration < 0.0) {
        return Err(Problem::invalid("duration_ms", "`duration_ms` can't be negative"));
    }
    let costs = [span.reported_cost_pico_usd, span.computed_cost_pico_usd].into_iter().flatten();
    let spent = span.usage.by_type().map(|(_, count)| count).chain(costs.map(i64::unsigned_abs));
    match spent.into_iter().find(|amount| *amount > MOST) {
        Some(amount) => {
            Err(Problem::new(Code::InvalidNumber, "tokens and costs have a limit").exceeding(MOST, amount))
        }
        None => Ok(()),
    }
}

fn check_point(point: &Point) -> Result<(), Problem> {
    id("id", &point.id)?;
    time("timestamp", point.timestamp)?;
    labelled(&point.name, &point.labels)?;
    point.trace_id.as_ref().map_or(Ok(()), |trace| id("trace_id", trace.as_str()))?;
    if point.contribution().is_none() {
        let message = format!("a point of {} is kept by its series alone", quoted(&point.name));
        return Err(Problem::invalid("name", message));
    }
    Ok(())
}

fn check_standing(Standing { series, updated }: &Standing) -> Result<(), Problem> {
    let Series { name, labels, value } = series;
    time("updated", *updated)?;
    labelled(name, labels)?;
    match value {
        SeriesValue::Counter(sum) if *sum < 0.0 => {
            Err(Problem::new(Code::InvalidNumber, "a counter can't be negative").at("value"))
        }
        SeriesValue::Histogram { buckets, .. } if buckets.len() != bucket_bounds(name).len() + 1 => {
            let wanted = bucket_bounds(name).len() + 1;
            Err(Problem::invalid("value", format!("a histogram of this name has {wanted} buckets")))
        }
        SeriesValue::Histogram { buckets, .. } if buckets.iter().any(|count| *count > MOST) => {
            Err(Problem::new(Code::InvalidNumber, "a bucket counts too many").at("value"))
        }
        _ => Ok(()),
    }
}

/// Texts by which records are found: whatever their writers chose, but for what parts them in an index.
fn id(field: &str, text: &str) -> Result<(), Problem> {
    let is_sound = !text.is_empty() && !text.contains('|') && !text.chars().any(char::is_control);
    if text.len() > MAX_ID_BYTES {
        return Err(Problem::too_large(field, "bytes", MAX_ID_BYTES, text.len()));
    }
    if is_sound {
        Ok(())
    } else {
        Err(Problem::invalid(field, format!("`{field}` can't be {}", quoted(text))))
    }
}

fn name(field: &str, text: Option<&str>) -> Result<(), Problem> {
    match text.filter(|text| !is_name(text)) {
        Some(text) => Err(Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))),
        None => Ok(()),
    }
}

fn time(field: &str, time: Timestamp) -> Result<(), Problem> {
    if (0..END_OF_TIME).contains(&time.micros()) {
        return Ok(());
    }
    let message = format!("`{field}` must be microseconds since 1970, before 2255");
    Err(Problem::new(Code::InvalidNumber, message).at(field))
}

/// Prometheus's rules, by which series are stored.
fn labelled(name: &str, labels: &Labels) -> Result<(), Problem> {
    let is_word = |text: &str, more: &[u8]| {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || more.contains(&byte);
        !text.is_empty() && text.bytes().all(sound) && !text.starts_with(|first: char| first.is_ascii_digit())
    };
    if name.len() > MAX_ID_BYTES || !is_word(name, b":") {
        return Err(Problem::invalid("name", format!("`name` can't be {}", quoted(name))));
    }
    // A few are added to those that a caller may give.
    if labels.len() > 2 * MAX_LABELS {
        return Err(Problem::too_large("labels", "labels", 2 * MAX_LABELS, labels.len()));
    }
    for (label, value) in labels {
        if label.len() > MAX_ID_BYTES || !is_word(label, b"") {
            return Err(Problem::invalid("labels", format!("a label can't be called {}", quoted(label))));
        }
        if value.len() > MAX_LABEL_VALUE_BYTES {
            return Err(Problem::too_large("labels", "bytes", MAX_LABEL_VALUE_BYTES, value.len()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventType, SpanId, testing};

    fn refused(item: Item) -> String {
        check(&item).unwrap_err().field.clone().unwrap_or_default()
    }

    fn span(change: impl FnOnce(&mut Span)) -> Item {
        let mut span = testing::span("s");
        change(&mut span);
        Item::Span(Box::new(span))
    }

    fn log(change: impl FnOnce(&mut Log)) -> Item {
        let mut log = testing::log("m");
        change(&mut log);
        Item::Log(Box::new(log))
    }

    fn series(name: &str, value: SeriesValue) -> Item {
        Item::from((Series { name: name.into(), labels: Labels::new(), value }, Timestamp::from_micros(0)))
    }

    #[test]
    fn what_scripts_wrote_is_taken_and_what_would_break_an_index_is_not() {
        assert!(check(&log(|log| log.event_type = EventType::stored("user login!"))).is_ok());
        assert!(check(&log(|log| log.message = "x".repeat(500_000))).is_ok());
        assert_eq!(refused(log(|log| log.id = "a|b".into())), "id");
        assert_eq!(refused(log(|log| log.event_type = EventType::stored(""))), "event_type");
        assert_eq!(refused(log(|log| log.agent_name = Some("\u{1b}".into()))), "agent_name");
        assert_eq!(refused(log(|log| log.timestamp = Timestamp::from_micros(-1))), "timestamp");
        assert_eq!(refused(span(|span| span.span_id = SpanId::stored("a\nb"))), "span_id");
    }

    #[test]
    fn a_span_stands_as_its_times_say() {
        let ended = |status| {
            span(move |span| {
                (span.status, span.end_time, span.duration_ms) = (status, Some(span.start_time), Some(0.0));
            })
        };
        assert!(check(&span(|_| ())).is_ok() && check(&ended(SpanStatus::Error)).is_ok());
        assert_eq!(refused(ended(SpanStatus::InProgress)), "status");
        assert_eq!(refused(ended(SpanStatus::Abandoned)), "status");
        assert_eq!(refused(span(|span| span.status = SpanStatus::Ok)), "status");
        assert!(check(&span(|span| span.usage.input = Some(u64::MAX))).is_err());
        assert_eq!(refused(span(|span| span.start_time = Timestamp::from_micros(i64::MAX))), "start_time");
    }

    #[test]
    fn series_keep_to_prometheus_and_to_their_buckets() {
        let histogram = |count| SeriesValue::Histogram { buckets: vec![1; count], sum: 1.0 };
        let buckets = bucket_bounds("m_seconds").len() + 1;
        assert!(check(&series("m_seconds", histogram(buckets))).is_ok());
        assert_eq!(refused(series("m_seconds", histogram(3))), "value");
        assert_eq!(refused(series("m_total", SeriesValue::Counter(-1.0))), "value");
        for name in ["", "1m", "a-b", "é"] {
            assert_eq!(refused(series(name, SeriesValue::Gauge(1.0))), "name", "{name}");
        }
    }
}
