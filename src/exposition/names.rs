//! Names that never collide.
//!
//! Agents choose names, and one pair that collides must not cost all the others: a Pushgateway refuses the whole push,
//! and a scraper takes the one for the other. A family has more names than its own: a histogram `x` writes `x_count`,
//! and in OpenMetrics a counter `x_total` is headed `x`. So each family takes all the names that it could have in
//! either format, and whoever comes too late goes by its name and one more word. The order is that of the
//! names, whichever the format, so a series is called the same in each.

use std::collections::{BTreeSet, HashSet};

use super::encode::base;
use crate::model::{Labels, MetricKind};

/// Series that Prometheus adds to every scrape, and that a Pushgateway has itself or adds to every group.
const FOREIGN: &[&str] = &[
    "ALERTS",
    "ALERTS_FOR_STATE",
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_network_receive_bytes_total",
    "process_network_transmit_bytes_total",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
    "process_virtual_memory_max_bytes",
    "push_failure_time_seconds",
    "push_time_seconds",
    "scrape_body_size_bytes",
    "scrape_duration_seconds",
    "scrape_sample_limit",
    "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "up",
];
const FOREIGN_PREFIXES: &[&str] = &["go_", "promhttp_", "pushgateway_"];

/// The names that are taken.
#[derive(Debug)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// None but those that others have.
    pub(super) fn beside(others: &BTreeSet<String>) -> Self {
        Self(others.iter().cloned().collect())
    }

    /// Takes names for a family, and gives the one that it is to go by.
    pub(super) fn take(&mut self, name: &str, kind: MetricKind) -> String {
        let foreign = |name: &String| {
            FOREIGN.contains(&name.as_str()) || FOREIGN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        };
        let ours =
            if all_of(name, kind).iter().any(foreign) { format!("agent_{name}") } else { name.to_owned() };
        let mut candidate = ours.clone();
        let mut number = 1;
        while all_of(&candidate, kind).iter().any(|name| self.0.contains(name)) {
            let number_text = if number == 1 { String::new() } else { format!("_{number}") };
            candidate = match kind {
                MetricKind::Counter => format!("{}_added{number_text}_total", base(&ours)),
                MetricKind::Histogram => format!("{ours}_distribution{number_text}"),
                MetricKind::Gauge => format!("{ours}_current{number_text}"),
            };
            number += 1;
        }
        self.0.extend(all_of(&candidate, kind));
        candidate
    }
}

/// All that a family and its samples could be called.
fn all_of(name: &str, kind: MetricKind) -> Vec<String> {
    let with =
        |base: &str, suffixes: &[&str]| suffixes.iter().map(|suffix| format!("{base}{suffix}")).collect();
    match kind {
        MetricKind::Counter => with(base(name), &["", "_total", "_created"]),
        MetricKind::Gauge => vec![name.to_owned()],
        MetricKind::Histogram => with(name, &["", "_bucket", "_sum", "_count", "_created"]),
    }
}

/// A metric's name with `_` for what may not be in one. What agents record has such names already; what others have
/// written into a store may not.
pub(super) fn legal_name(name: &str) -> String {
    legal(name, |character| character == ':')
}

/// A series' labels as a scraper takes them: without those that are empty, which are none to it, and with `exported_`
/// before those that are its own, as it would do itself.
pub(super) fn legal_labels(labels: &Labels) -> Vec<(String, String)> {
    let mut taken = Labels::new();
    for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
        let mut name = legal(name, |_| false);
        while name.starts_with("__")
            || ["le", "quantile"].contains(&name.as_str())
            || taken.contains_key(&name)
        {
            name = format!("exported_{}", name.trim_start_matches('_'));
        }
        taken.insert(name, value.clone());
    }
    taken.into_iter().collect()
}

fn legal(name: &str, also: impl Fn(char) -> bool) -> String {
    let keep = |character: char| character.is_ascii_alphanumeric() || also(character);
    let mut legal: String =
        name.chars().map(|character| if keep(character) { character } else { '_' }).collect();
    if !legal.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || also(first)) {
        legal.insert(0, '_');
    }
    legal
}
