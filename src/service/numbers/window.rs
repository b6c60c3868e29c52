//! The stretch of time that numbers are asked of.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::text::given;
use super::request::Period;
use crate::model::text::quoted;
use crate::model::{Code, Problem, Timestamp, units};

/// From `since` on and before `until`, which is not after the time of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WindowView {
    /// From here on, RFC 3339
    pub since: String,
    /// Before here, RFC 3339
    pub until: String,
    /// How long it is
    pub seconds: f64,
    /// false: wider than was asked, since only whole hours (or minutes, where very much happens) are known there
    pub exact: bool,
}

impl Window {
    /// The window that is asked of: `default` long where it isn't said, and at most `kept` back.
    pub(super) fn parse(
        period: &Period,
        default: &str,
        kept: Duration,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let (window, since) = (given(period.window.as_deref()), given(period.since.as_deref()));
        if window.is_some() && since.is_some() {
            return Err(Problem::invalid("since", "`window` and `since` exclude each other")
                .hint("`since` and `until` are both ends, `window` is a length before `until`"));
        }
        let until = given(period.until.as_deref()).map(|text| instant("until", text, now)).transpose()?;
        // What is yet to come has no numbers; the answer says where it ends.
        let until = until.map_or(now, |until| until.min(now));
        let (field, since) = match since {
            Some(text) => ("since", instant("since", text, now)?),
            None => ("window", until.minus(length(window.unwrap_or(default))?)),
        };
        if since >= until {
            return Err(Problem::invalid("since", "`since` must be before `until`, and in the past"));
        }
        let earliest = now.minus(kept);
        if since < earliest {
            // An `until` in the past can take a short window too far back.
            let field = if period.until.is_some() && until < earliest { "until" } else { field };
            let days = kept.as_secs() / (24 * 60 * 60);
            return Err(Problem::new(
                Code::InvalidArgument,
                format!("numbers are kept for {days} days, `{field}` goes further back"),
            )
            .at(field)
            .exceeding(kept.as_secs(), seconds_between(since, now)));
        }
        Ok(Self { since, until })
    }

    /// The window of the same length before this one.
    pub(super) fn previous(self) -> Self {
        Self { since: self.since.minus(self.length()), until: self.since }
    }

    /// How long it is.
    pub(super) fn length(self) -> Duration {
        let micros = self.until.micros().saturating_sub(self.since.micros());
        Duration::from_micros(micros.unsigned_abs())
    }

    /// How it is shown.
    pub(super) fn view(self, exact: bool) -> WindowView {
        WindowView {
            since: self.since.to_rfc3339(),
            until: self.until.to_rfc3339(),
            seconds: self.length().as_secs_f64(),
            exact,
        }
    }
}

fn seconds_between(earlier: Timestamp, later: Timestamp) -> u64 {
    (later.micros().saturating_sub(earlier.micros()) / 1_000_000).unsigned_abs()
}

/// A length of time as people write it.
pub(in crate::service) fn length(text: &str) -> Result<Duration, Problem> {
    units::duration(text).ok_or_else(|| {
        Problem::invalid("window", format!("`window` can't be {}", quoted(text)))
            .hint("a duration such as 5m, 24h or 7d")
    })
}

/// An instant as people write it: a time, how long ago, or `now`.
pub(in crate::service) fn instant(field: &str, text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let ago = || units::duration(text.strip_prefix('-').unwrap_or(text)).map(|ago| now.minus(ago));
    let time = if text == "now" { Some(now) } else { Timestamp::parse(text).or_else(ago) };
    time.ok_or_else(|| {
        Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))
            .hint("a time such as 2026-11-22T09:30:00Z, how long ago such as 1h, or now")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_339_800_123_456);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn parse(window: &str, since: &str, until: &str) -> Result<Window, Problem> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let period = Period { window: text(window), since: text(since), until: text(until) };
        Window::parse(&period, "5m", 400 * DAY, NOW)
    }

    fn back(seconds: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_window_is_a_length_or_two_ends() {
        for (window, since, until, expected) in [
            ("", "", "", (back(300), NOW)),
            ("1h", "", "", (back(3_600), NOW)),
            ("1h", "", "1h", (back(7_200), back(3_600))),
            ("", "2h", "-1h", (back(7_200), back(3_600))),
            ("", "2026-11-22T09:29:00.123456Z", "now", (back(60), NOW)),
            ("", "1h", "2030-01-01T00:00:00Z", (back(3_600), NOW)),
            ("400d", "", "", (NOW.minus(400 * DAY), NOW)),
        ] {
            let window = parse(window, since, until).unwrap();
            assert_eq!((window.since, window.until), expected);
        }
    }

    #[test]
    fn what_is_no_window_is_refused_with_the_field() {
        for (window, since, until, field) in [
            ("0m", "", "", "window"),
            ("5", "", "", "window"),
            ("3650d", "", "", "window"),
            ("5m", "1h", "", "since"),
            ("", "yesterday", "", "since"),
            ("", "1h", "2h", "since"),
            ("", "2030-01-01T00:00:00Z", "", "since"),
            ("", "401d", "", "since"),
            ("", "", "soon", "until"),
            ("", "", "500d", "until"),
        ] {
            let problem = parse(window, since, until).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{window} {since} {until}: {problem}");
        }
        let problem = parse("3650d", "", "").unwrap_err();
        assert_eq!((problem.limit, problem.actual), (Some(400 * 86_400), Some(3_650 * 86_400)));
    }
}
