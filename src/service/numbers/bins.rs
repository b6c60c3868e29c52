//! The points of a line through time.

use std::time::Duration;

use super::super::text::given;
use super::window::Window;
use crate::model::text::quoted;
use crate::model::{Problem, Timestamp, units};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Widths to choose from, so that points lie where people expect them.
const STEPS: [u64; 16] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 4_320, 7_200, 10_080];
/// Points of a line whose width nobody asked for.
const FITTING_POINTS: usize = 200;
/// Points of a line at most.
const MAX_POINTS: usize = 1_000;

/// Stretches of one width, at multiples of it, that cover a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bins {
    /// How wide each is.
    pub(super) step: Duration,
    first: Timestamp,
    /// Before this instant lies all that they show.
    pub(super) end: Timestamp,
}

impl Bins {
    /// The bins of `window`, of the width asked for; where minutes are not known, of whole hours.
    pub(super) fn new(
        window: Window,
        step: Option<&str>,
        now: Timestamp,
        minutes_from: Timestamp,
    ) -> Result<Self, Problem> {
        let finest = if window.since < minutes_from { HOUR } else { MINUTE };
        // What happens at the very time of the question counts.
        let end = if window.until >= now { now.plus(Duration::from_micros(1)) } else { window.until };
        let of = |step| Self { step, first: window.since.floor(step), end };
        let Some(text) = given(step) else {
            let steps = STEPS.map(|minutes| MINUTE * u32::try_from(minutes).unwrap_or(u32::MAX));
            let fitting = steps.into_iter().filter(|step| *step >= finest).map(of);
            let widest = of(Duration::from_secs(60 * STEPS[STEPS.len() - 1]));
            return Ok(fitting.into_iter().find(|bins| bins.len() <= FITTING_POINTS).unwrap_or(widest));
        };
        let step = units::duration(text)
            .filter(|step| step.as_secs() % finest.as_secs() == 0)
            .ok_or_else(|| Self::no_step(text, finest))?;
        let bins = of(step);
        if bins.len() > MAX_POINTS {
            let message = format!("`step` would make {} points, there may be {MAX_POINTS}", bins.len());
            return Err(Problem::invalid("step", message)
                .exceeding(MAX_POINTS as u64, bins.len() as u64)
                .hint("a wider step, or a shorter window"));
        }
        Ok(bins)
    }

    fn no_step(text: &str, finest: Duration) -> Problem {
        let hint = if finest == HOUR {
            "whole hours such as 1h or 1d: the window begins where minutes are no longer kept"
        } else {
            "whole minutes such as 1m, 5m or 1h"
        };
        Problem::invalid("step", format!("`step` can't be {}", quoted(text))).hint(hint)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let micros = self.end.micros().saturating_sub(self.first.micros()).unsigned_abs();
        let step = u64::try_from(self.step.as_micros()).unwrap_or(u64::MAX);
        usize::try_from(micros.div_ceil(step)).unwrap_or(usize::MAX)
    }

    /// When each begins.
    pub(super) fn starts(&self) -> impl Iterator<Item = Timestamp> + use<> {
        let step = self.step;
        let next = move |start: &Timestamp| Some(start.plus(step));
        std::iter::successors(Some(self.first), next).take(self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    const NOW: Timestamp = Timestamp::from_micros(1_795_339_805_000_000);

    fn bins(back: Duration, step: Option<&str>) -> Result<Bins, Problem> {
        let window = Window { since: NOW.minus(back), until: NOW };
        Bins::new(window, step, NOW, NOW.minus(24 * 7 * HOUR).floor(HOUR))
    }

    #[test]
    fn a_line_has_as_many_points_as_fit() {
        for (hours, minutes, points) in [
            (1, 1, 61),
            (3, 1, 181),
            (24, 10, 145),
            (7 * 24, 60, 169),
            (30 * 24, 360, 121),
            (9_600, 2_880, 201),
        ] {
            let bins = bins(HOUR * hours, None).unwrap();
            assert!(bins.len() <= points && bins.len() * 3 > points, "{hours} h: {} points", bins.len());
            assert_eq!(bins.step, if points > 200 { MINUTE * 4_320 } else { MINUTE * minutes }, "{hours} h");
        }
    }

    #[test]
    fn bins_cover_the_window_at_multiples_of_their_width() {
        let bins = bins(HOUR, Some("15m")).unwrap();
        let starts: Vec<Timestamp> = bins.starts().collect();
        assert_eq!(starts[0], NOW.minus(HOUR).floor(15 * MINUTE));
        assert_eq!(*starts.last().unwrap(), NOW.floor(15 * MINUTE));
        assert_eq!(starts.len(), bins.len());
    }

    #[test]
    fn a_step_is_whole_and_makes_no_more_points_than_there_may_be() {
        for (back, step) in
            [(HOUR, "30s"), (HOUR, "90s"), (HOUR, "0m"), (HOUR, "fine"), (24 * 30 * HOUR, "5m")]
        {
            let problem = bins(back, Some(step)).unwrap_err();
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidArgument, Some("step")));
        }
        let problem = bins(24 * HOUR, Some("1m")).unwrap_err();
        assert_eq!((problem.limit, problem.actual), (Some(1_000), Some(1_441)));
    }
}
