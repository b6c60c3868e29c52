use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::{Labels, Series, SeriesValue, bucket_bounds};

fn labels(labels: &[(&str, &str)]) -> Labels {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn counter(name: &str, given: &[(&str, &str)], sum: f64) -> Series {
    Series { name: name.into(), labels: labels(given), value: SeriesValue::Counter(sum) }
}

fn gauge(name: &str, given: &[(&str, &str)], last: f64) -> Series {
    Series { name: name.into(), labels: labels(given), value: SeriesValue::Gauge(last) }
}

fn histogram(name: &str, given: &[(&str, &str)], points: &[usize]) -> Series {
    let mut buckets = vec![0; bucket_bounds(name).len() + 1];
    for bucket in points {
        buckets[*bucket] += 1;
    }
    Series { name: name.into(), labels: labels(given), value: SeriesValue::Histogram { buckets, sum: 12.5 } }
}

fn text(series: &[Series], format: Format) -> String {
    encode(&families(series, &BTreeSet::new()), format)
}

/// The lines that are no bucket, one for each sample.
fn samples(series: &[Series]) -> Vec<String> {
    let text = text(series, Format::Text);
    let plain = text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket"));
    plain.map(ToOwned::to_owned).collect()
}

#[test]
fn both_formats_are_as_they_were() {
    let hostile = "quote \" backslash \\ newline \n carriage return \r nul \0 end";
    let series = [
        counter("agent_tokens_total", &[("agent_name", hostile), ("token_type", "input")], 12.0),
        counter("agent_tokens_total", &[("otel_metric_overflow", "true")], 1e21),
        gauge("queue", &[("unicode", "é🌍\u{202e}")], -0.5),
        histogram("agent_request_duration_seconds", &[("agent_name", hostile)], &[0, 3, 3, 19]),
    ];
    insta::assert_snapshot!("text", text(&series, Format::Text));
    insta::assert_snapshot!("open_metrics", text(&series, Format::OpenMetrics));
    assert_eq!(text(&[], Format::Text), "");
    assert_eq!(text(&[], Format::OpenMetrics), "# EOF\n");
}

#[test]
fn names_that_collide_are_told_apart_and_the_published_stay() {
    let series = [
        gauge("agent_tokens", &[], 1.0),
        counter("x_total", &[], 2.0),
        gauge("x", &[], 3.0),
        gauge("y_count", &[], 4.0),
        histogram("y", &[], &[]),
        gauge("y_count_current", &[], 5.0),
        gauge("z", &[], 6.0),
        histogram("z", &[], &[0]),
        counter("z_total", &[], 7.0),
    ];
    let expected = [
        "agent_tokens_current 1",
        "x_current 3",
        "x_total 2",
        "y_sum 12.5",
        "y_count 0",
        "y_count_current 4",
        "y_count_current_current 5",
        "z_current 6",
        "z_distribution_sum 12.5",
        "z_distribution_count 1",
        "z_total 7",
    ];
    assert_eq!(samples(&series), expected);
    let reversed: Vec<Series> = series.into_iter().rev().collect();
    assert_eq!(samples(&reversed), expected, "whatever the order in which they come");
}

#[test]
fn names_of_others_are_left_to_them() {
    let series = [gauge("up", &[], 1.0), counter("go_goroutines_total", &[], 2.0), gauge("upper", &[], 3.0)];
    assert_eq!(samples(&series), ["agent_go_goroutines_total 2", "agent_up 1", "upper 3"]);
    assert_eq!(
        samples(&[counter("_total", &[], 1.0)]),
        ["_total_total 1"],
        "something is left in OpenMetrics"
    );
    let taken = BTreeSet::from(["upper".to_owned(), "agent_tokens_total".to_owned()]);
    let series = [gauge("upper", &[], 3.0), counter("agent_tokens_total", &[], 4.0)];
    let names: Vec<String> = families(&series, &taken).into_iter().map(|family| family.name).collect();
    assert_eq!(names, ["agent_tokens_added_total", "upper_current"]);
}

#[test]
fn series_that_prometheus_can_not_tell_apart_are_one() {
    let series = [
        counter("a_total", &[("empty", "")], 1.0),
        counter("a_total", &[], 2.0),
        histogram("h", &[("b.c", "")], &[0]),
        histogram("h", &[], &[0, 1]),
        gauge("g", &[("le", "1"), ("__x", "2"), ("a-b", "3"), ("a_b", "4")], 1.0),
    ];
    let expected = [
        "a_total 3",
        r#"g{a_b="3",exported_a_b="4",exported_le="1",exported_x="2"} 1"#,
        "h_sum 25",
        "h_count 3",
    ];
    assert_eq!(samples(&series), expected);
}

/// Labels as they read back.
type Pairs = Vec<(String, String)>;

/// A family as it reads back.
#[derive(Debug, Default)]
struct Read {
    kind: String,
    /// By the sample's name and its labels.
    samples: BTreeMap<(String, Pairs), f64>,
}

/// A strict reader of both formats: every rule that it knows is an assertion.
fn parse(text: &str, format: Format) -> BTreeMap<String, Read> {
    let mut families: BTreeMap<String, Read> = BTreeMap::new();
    let mut current = String::new();
    let mut lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(lines.pop(), Some(""), "the last line ends");
    if format == Format::OpenMetrics {
        assert_eq!(lines.pop(), Some("# EOF"));
    }
    for line in lines {
        if let Some(help) = line.strip_prefix("# HELP ") {
            current = help.split_once(' ').unwrap().0.to_owned();
            assert!(is_name(&current, true), "{current}");
            assert!(families.insert(current.clone(), Read::default()).is_none(), "{current} comes twice");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            let family = families.get_mut(name).unwrap();
            assert!(name == current && family.kind.is_empty());
            family.kind = kind.to_owned();
        } else {
            let (name, labels, value) = sample(line);
            let family = families.get_mut(&current).unwrap();
            let suffix = name.strip_prefix(current.as_str()).unwrap_or_else(|| panic!("{name} in {current}"));
            let suffixes: &[&str] = match (family.kind.as_str(), format) {
                ("counter", Format::OpenMetrics) => &["_total"],
                ("histogram", _) => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(suffixes.contains(&suffix), "{line}");
            assert!(family.samples.insert((name, labels), value).is_none(), "twice: {line}");
        }
    }
    families
}

fn is_name(name: &str, colons: bool) -> bool {
    let first = |first: char| first.is_ascii_alphabetic() || first == '_' || (colons && first == ':');
    name.starts_with(first) && name.chars().all(|character| first(character) || character.is_ascii_digit())
}

fn sample(line: &str) -> (String, Pairs, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"").unwrap();
            assert!(is_name(label, false), "{label}");
            let mut text = String::new();
            let mut characters = value.char_indices();
            loop {
                match characters.next().unwrap() {
                    (at, '"') => {
                        rest = value.split_at(at + 1).1;
                        break;
                    }
                    (_, '\\') => text.push(match characters.next().unwrap().1 {
                        'n' => '\n',
                        escaped @ ('\\' | '"') => escaped,
                        other => panic!("no escape: {other}"),
                    }),
                    (_, other) => text.push(other),
                }
            }
            assert!(!text.is_empty() && labels.iter().all(|(other, _)| other != label), "{line}");
            labels.push((label.to_owned(), text));
            match rest.split_at(1) {
                (",", further) => rest = further,
                ("}", after) => {
                    rest = after;
                    break;
                }
                (other, _) => panic!("{other} after a label"),
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap();
    (name.to_owned(), labels, value.replace("Inf", "inf").parse().unwrap())
}

/// Buckets never fall, and the endless one is the count.
fn check_histograms(families: &BTreeMap<String, Read>) {
    for (name, family) in families.iter().filter(|(_, family)| family.kind == "histogram") {
        let mut buckets: BTreeMap<Pairs, Vec<(f64, f64)>> = BTreeMap::new();
        for ((sample, labels), value) in &family.samples {
            if *sample == format!("{name}_bucket") {
                let (bound, others): (Vec<_>, Vec<_>) =
                    labels.iter().cloned().partition(|(label, _)| label == "le");
                let bound = bound[0].1.replace("Inf", "inf").parse().unwrap();
                buckets.entry(others).or_default().push((bound, *value));
            }
        }
        for (labels, mut buckets) in buckets {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(
                buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1),
                "{buckets:?}"
            );
            let (bound, all) = *buckets.last().unwrap();
            assert!(bound.is_infinite());
            assert_eq!(family.samples[&(format!("{name}_count"), labels)].to_bits(), all.to_bits());
        }
    }
}

/// What of a kind there is in all: counters and counts by their sum, gauges by their number.
fn totals(families: &BTreeMap<String, Read>) -> (f64, f64) {
    let of = |kind: &'static str| families.values().filter(move |family| family.kind == kind);
    let counters = of("counter").flat_map(|family| family.samples.values()).sum();
    let counts = of("histogram").flat_map(|family| &family.samples);
    (counters, counts.filter(|((name, _), _)| name.ends_with("_count")).map(|(_, value)| value).sum())
}

/// Few names, so that they collide, and any at all.
fn any_name() -> impl Strategy<Value = String> {
    let base = prop_oneof!["[xy]", "agent_tokens", "up", "go_x", "process_open_fds", "\\PC{0,6}"];
    let suffix = prop_oneof![
        Just(""),
        Just("_total"),
        Just("_count"),
        Just("_sum"),
        Just("_bucket"),
        Just("_created"),
        Just("_current"),
        Just("_seconds"),
    ];
    (base, suffix).prop_map(|(base, suffix)| base + suffix)
}

fn any_series() -> impl Strategy<Value = Series> {
    let label = prop_oneof!["[ab]", "le|job|quantile|__name__|a\\.b|a_b", any::<String>()];
    let value = prop_oneof!["", "[ab\"\\\\\n\r]{0,4}", any::<String>()];
    let labels = proptest::collection::btree_map(label, value, 0..4);
    (any_name(), labels, 0_u8..3, 0_u32..1_000, any::<f64>()).prop_map(
        |(name, labels, kind, number, float)| {
            let value = match kind {
                0 => SeriesValue::Counter(f64::from(number)),
                1 => SeriesValue::Gauge(float),
                // Also fewer or more buckets than there are bounds, as another version may have had.
                _ => SeriesValue::Histogram {
                    buckets: vec![u64::from(number % 7); number as usize % 30],
                    sum: float,
                },
            };
            Series { name, labels, value }
        },
    )
}

proptest! {
    #[test]
    fn whatever_was_recorded_reads_back_whole(series in proptest::collection::vec(any_series(), 0..12)) {
        for format in [Format::Text, Format::OpenMetrics] {
            let families = parse(&text(&series, format), format);
            check_histograms(&families);
            let counters: f64 = series.iter().map(|series| match series.value {
                SeriesValue::Counter(sum) => sum,
                _ => 0.0,
            }).sum();
            let points: u64 = series.iter().map(|series| match &series.value {
                SeriesValue::Histogram { buckets, .. } => buckets.iter().sum(),
                _ => 0,
            }).sum();
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let expected = (counters, points as f64);
            prop_assert_eq!(totals(&families), expected);
        }
    }

    #[test]
    fn a_series_has_one_name_in_both_formats(series in proptest::collection::vec(any_series(), 0..12)) {
        let samples = |format| -> BTreeSet<_> {
            let families = parse(&text(&series, format), format);
            families.into_values().flat_map(|family| family.samples.into_keys()).collect()
        };
        prop_assert_eq!(samples(Format::Text), samples(Format::OpenMetrics));
    }
}
