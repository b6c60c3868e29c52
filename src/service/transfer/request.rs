//! What can be exported, as it is asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Selection};
use crate::model::text::quoted;
use crate::model::{Problem, Timestamp};
use crate::service::numbers::instant;
use crate::service::text::given;

/// Export what is held, as lines of JSON.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// From this time on, or so long back, such as 7d; by default all that is kept
    pub since: Option<String>,
    /// Before this time, or so long back; by default now
    pub until: Option<String>,
    /// Some of logs, spans, points, series, with commas; by default all of them
    pub kinds: Option<String>,
}

impl Export {
    pub(super) fn selection(&self, now: Timestamp) -> Result<Selection, Problem> {
        let instant = |field, text: &Option<String>, default| {
            given(text.as_deref()).map_or(Ok(default), |text| instant(field, text, now))
        };
        let since = instant("since", &self.since, Timestamp::from_micros(0))?;
        let until = instant("until", &self.until, now)?;
        if since >= until {
            return Err(Problem::invalid("since", "`since` must lie before `until`"));
        }
        let kinds = match given(self.kinds.as_deref()) {
            None => Kind::ALL.to_vec(),
            Some(words) => {
                let mut kinds = words.split(',').map(kind).collect::<Result<Vec<_>, _>>()?;
                kinds.sort_unstable();
                kinds.dedup();
                kinds
            }
        };
        Ok(Selection { since, until, kinds })
    }
}

fn kind(word: &str) -> Result<Kind, Problem> {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == word.trim()).ok_or_else(|| {
        Problem::invalid("kinds", format!("`kinds` can't hold {}", quoted(word)))
            .hint("some of logs, spans, points, series, with commas")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(since: &str, until: &str, kinds: &str) -> Result<Selection, Problem> {
        let text = |text: &str| Some(text.to_owned());
        let export = Export { since: text(since), until: text(until), kinds: text(kinds) };
        export.selection(Timestamp::from_micros(3_600_000_000))
    }

    #[test]
    fn nothing_means_all_up_to_now() {
        let all = selected("", "null", "").unwrap();
        assert_eq!((all.since.micros(), all.until.micros()), (0, 3_600_000_000));
        assert_eq!(all.kinds, Kind::ALL);
    }

    #[test]
    fn a_window_is_times_or_durations() {
        let window = selected("30m", "1970-01-01T00:45:00Z", "spans, logs,spans").unwrap();
        assert_eq!((window.since.micros(), window.until.micros()), (1_800_000_000, 2_700_000_000));
        assert_eq!(window.kinds, [Kind::Logs, Kind::Spans]);
        for (since, until, kinds, field) in [
            ("soon", "", "", "since"),
            ("", "7 weeks", "", "until"),
            ("10m", "20m", "", "since"),
            ("", "", "logs,traces", "kinds"),
            ("", "", "logs,", "kinds"),
        ] {
            assert_eq!(selected(since, until, kinds).unwrap_err().field.as_deref(), Some(field));
        }
    }
}
