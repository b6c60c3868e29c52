//! The stretch of time that a list is asked of.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::numbers::{Period, instant, length};
use super::text::given;
use crate::model::{Problem, Timestamp};

/// How far ahead of ours the clock of another server on the same store may be.
const AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// From `since` on and before `until`. A cursor holds it, so that all pages are of the same stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stretch {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

impl Stretch {
    /// The stretch that is asked of, where records are `kept` so long.
    pub(super) fn parse(period: &Period, kept: Duration, now: Timestamp) -> Result<Self, Problem> {
        let (window, since) = (given(period.window.as_deref()), given(period.since.as_deref()));
        let until = given(period.until.as_deref()).map(|text| instant("until", text, now)).transpose()?;
        let since = match (window, since) {
            (Some(_), Some(_)) => {
                return Err(Problem::invalid("since", "`window` and `since` exclude each other")
                    .hint("`since` and `until` are both ends, `window` is a length before `until`"));
            }
            (Some(text), None) => until.unwrap_or(now).minus(within(text, kept)?),
            (None, Some(text)) => instant("since", text, now)?,
            (None, None) => now.minus(kept),
        };
        let until = until.unwrap_or_else(|| now.plus(AHEAD));
        if since >= until {
            let field = if period.since.is_some() { "since" } else { "until" };
            return Err(Problem::invalid(field, "`since` must be before `until`"));
        }
        Ok(Self { since, until })
    }
}

/// A window's length: not more than what is kept.
fn within(text: &str, kept: Duration) -> Result<Duration, Problem> {
    let length = length(text)?;
    if length > kept {
        let days = kept.as_secs() / (24 * 60 * 60);
        return Err(Problem::invalid(
            "window",
            format!("`window` goes further back than the {days} days kept"),
        )
        .exceeding(kept.as_secs(), length.as_secs()));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_339_800_123_456);
    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    fn parse(window: &str, since: &str, until: &str) -> Result<Stretch, Problem> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Stretch::parse(&Period { window: text(window), since: text(since), until: text(until) }, WEEK, NOW)
    }

    fn back(seconds: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(seconds))
    }

    #[test]
    fn it_is_all_that_is_kept_or_a_length_or_two_ends() {
        for (window, since, until, expected) in [
            ("", "", "", (NOW.minus(WEEK), NOW.plus(AHEAD))),
            ("1h", "", "", (back(3_600), NOW.plus(AHEAD))),
            ("1h", "", "1h", (back(7_200), back(3_600))),
            ("", "2h", "-1h", (back(7_200), back(3_600))),
            ("", "2026-11-22T09:29:00.123456Z", "now", (back(60), NOW)),
            ("", "30d", "now", (back(30 * 86_400), NOW)),
        ] {
            let stretch = parse(window, since, until).unwrap();
            assert_eq!((stretch.since, stretch.until), expected, "{window} {since} {until}");
        }
    }

    #[test]
    fn what_is_no_stretch_is_refused_with_the_field() {
        for (window, since, until, field) in [
            ("0m", "", "", "window"),
            ("5", "", "", "window"),
            ("3650d", "", "", "window"),
            ("99999999999999999999d", "", "", "window"),
            ("5m", "1h", "", "since"),
            ("", "yesterday", "", "since"),
            ("", "1h", "2h", "since"),
            ("", "", "30d", "until"),
            ("", "", "soon", "until"),
        ] {
            let problem = parse(window, since, until).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{window} {since} {until}: {problem}");
        }
    }
}
