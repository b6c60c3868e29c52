//! The arithmetic of the benchmark. That it runs is seen by `.ci/run`, which measures a row.

#[path = "../../benches/watchglass/outcome.rs"]
mod outcome;

use outcome::{Outcome, Sample, Target};

fn outcome(pairs: &[(f64, f64)]) -> Outcome {
    let sample = |value| Sample { value, cpu: None };
    Outcome::of(&pairs.iter().map(|(floor, subject)| (sample(*floor), sample(*subject))).collect::<Vec<_>>())
}

#[test]
fn ratios_are_taken_round_by_round() {
    // The machine was busy in the second round: both sides were slow, and the ratio is what it was.
    let outcome = outcome(&[(100.0, 80.0), (10.0, 8.0), (90.0, 81.0)]);
    assert_eq!((outcome.floor.median, outcome.subject.median), (90.0, 80.0));
    assert_eq!((outcome.ratio.least, outcome.ratio.median, outcome.ratio.most), (0.8, 0.8, 0.9));
    assert_eq!(outcome.floor_cpu, None);
}

#[test]
fn a_target_is_a_bound_on_the_ratio_or_on_the_subject() {
    let outcome = outcome(&[(100.0, 80.0)]);
    assert_eq!(outcome.reaches(Target::AtLeast(0.8)), Some(true));
    assert_eq!(outcome.reaches(Target::AtLeast(0.81)), Some(false));
    assert_eq!(outcome.reaches(Target::AtMost(0.79)), Some(false));
    assert_eq!(outcome.reaches(Target::Below(80.0)), Some(true));
    assert_eq!(outcome.reaches(Target::None), None);
}

#[test]
fn cpu_is_the_median_of_the_rounds_that_tell_it() {
    let sample = |cpu| Sample { value: 1.0, cpu };
    let outcome = Outcome::of(&[
        (sample(Some(3.0)), sample(None)),
        (sample(Some(9.0)), sample(None)),
        (sample(Some(5.0)), sample(None)),
    ]);
    assert_eq!((outcome.floor_cpu, outcome.subject_cpu), (Some(5.0), None));
}
