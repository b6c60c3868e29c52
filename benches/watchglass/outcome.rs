//! What rounds come to: medians, ratios, and whether a target was reached.

use serde::Serialize;

/// What a row should show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// The subject is at least so many times the floor.
    AtLeast(f64),
    /// The subject is at most so many times the floor.
    AtMost(f64),
    /// The subject by itself is at most so much.
    Below(f64),
    /// Nothing is promised.
    None,
}

/// What one round found.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Sample {
    /// In the unit of the row's group.
    pub(crate) value: f64,
    /// Microseconds of the server's CPU a call, where they can be told.
    pub(crate) cpu: Option<f64>,
}

/// What a row came to: the medians of its rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) floor: Middle,
    pub(crate) subject: Middle,
    pub(crate) floor_cpu: Option<f64>,
    pub(crate) subject_cpu: Option<f64>,
    /// Subject by floor, round by round.
    pub(crate) ratio: Middle,
}

/// The median of a few values, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Middle {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Outcome {
    /// Of pairs of a floor and a subject.
    pub(crate) fn of(pairs: &[(Sample, Sample)]) -> Self {
        let cpu = |of: fn(&(Sample, Sample)) -> Option<f64>| {
            let values: Vec<f64> = pairs.iter().filter_map(of).collect();
            (!values.is_empty()).then(|| Middle::of(values).median)
        };
        Self {
            floor: Middle::of(pairs.iter().map(|(floor, _)| floor.value).collect()),
            subject: Middle::of(pairs.iter().map(|(_, subject)| subject.value).collect()),
            floor_cpu: cpu(|(floor, _)| floor.cpu),
            subject_cpu: cpu(|(_, subject)| subject.cpu),
            ratio: Middle::of(pairs.iter().map(|(floor, subject)| subject.value / floor.value).collect()),
        }
    }

    /// Whether the target was reached; `None` where there is none.
    pub(crate) fn reaches(&self, target: Target) -> Option<bool> {
        match target {
            Target::AtLeast(ratio) => Some(self.ratio.median >= ratio),
            Target::AtMost(ratio) => Some(self.ratio.median <= ratio),
            Target::Below(value) => Some(self.subject.median <= value),
            Target::None => None,
        }
    }
}

impl Middle {
    /// Of at least one value.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(values.len() / 2), least: at(0), most: at(values.len().saturating_sub(1)) }
    }
}
