//! watchglass's own metrics: what this process does, and how well.
//!
//! A registry of its own, so that several servers in one process count apart. What many calls count is resolved
//! once: adding to it looks up no label.

mod families;
mod gather;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry};

pub use words::{AuthFailure, LiveEnd, Operation, Outcome, Push, Signal, Stream};

use self::families::Families;
use super::process;
use crate::exposition::Family;
use crate::model::{Code, Problem, Timestamp, Transport};

/// Codes with which a store fails: counted from zero, so that the first failure shows as an increase.
const STORE_FAILURES: [Code; 7] = [
    Code::Overloaded,
    Code::StorageUnavailable,
    Code::StorageTimeout,
    Code::StorageFull,
    Code::StorageDegraded,
    Code::StorageMisconfigured,
    Code::StorageCorrupt,
];

/// Methods that are counted under their own name; who makes one up gets `other`.
const METHODS: [&str; 7] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"];

/// What one process counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    families: Families,
    ingest: [[[IntCounter; Outcome::ALL.len()]; Transport::ALL.len()]; Signal::ALL.len()],
    ingest_duration: Histogram,
    overflow: IntCounter,
    series: IntGauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything at zero.
    ///
    /// # Panics
    /// Never: what could be wrong with the families does not change after the tests.
    #[expect(clippy::expect_used, reason = "the families are constants, and every test registers them")]
    pub fn new() -> Self {
        let registry = Registry::new();
        let families = Families::register(&registry).expect("every family has a sound name, once");
        families.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        for code in STORE_FAILURES {
            families.store_errors.with_label_values(&[code.as_str()]);
        }
        for reason in AuthFailure::ALL {
            families.auth_failures.with_label_values(&[reason.as_str()]);
        }
        families.streams.with_label_values(&[Stream::Sse.as_str()]);
        let none: [&str; 0] = [];
        families.live_clients.with_label_values(&none);
        for reason in LiveEnd::ALL {
            families.live_cut.with_label_values(&[reason.as_str()]);
        }
        let ingest = std::array::from_fn(|signal| {
            std::array::from_fn(|transport| {
                std::array::from_fn(|outcome| {
                    let (signal, transport) = (Signal::ALL[signal], Transport::ALL[transport]);
                    let labels = [signal.as_str(), transport.as_str(), Outcome::ALL[outcome].as_str()];
                    families.ingest_records.with_label_values(&labels)
                })
            })
        });
        Self {
            ingest,
            ingest_duration: families.ingest_duration.with_label_values(&none),
            overflow: families.series_overflow.with_label_values(&none),
            series: families.series.with_label_values(&none),
            registry,
            families,
        }
    }

    /// All of it now.
    pub fn families(&self) -> Vec<Family> {
        if let Some(process) = process::measure() {
            let none: [&str; 0] = [];
            let families = &self.families;
            let cpu = families.process_cpu.with_label_values(&none);
            // The crate's counters only add.
            cpu.inc_by((process.cpu_seconds - cpu.get()).max(0.0));
            families.process_memory.with_label_values(&none).set(process.resident_bytes);
            families.process_fds.with_label_values(&none).set(process.open_fds);
            families.process_start.with_label_values(&none).set(process.start_time);
        }
        gather::gather(&self.registry)
    }

    /// What the family of counters of this name stands at, by the value of its one label.
    #[cfg(test)]
    pub(crate) fn counted(&self, family: &str) -> std::collections::BTreeMap<String, f64> {
        let family = self.families().into_iter().find(|found| found.name == family);
        let samples = family.into_iter().flat_map(|family| family.samples);
        samples
            .map(|sample| {
                let labels: Vec<String> = sample.labels.into_iter().map(|(_, value)| value).collect();
                let value = match sample.value {
                    crate::exposition::Value::Number(value) => value,
                    #[expect(clippy::cast_precision_loss, reason = "no test counts that far")]
                    crate::exposition::Value::Histogram { count, .. } => count as f64,
                };
                (labels.join(" "), value)
            })
            .collect()
    }

    /// Begins to count a call that writes a record.
    pub fn taking(self: &Arc<Self>, signal: Signal, transport: Transport) -> Taking {
        let metrics = Arc::clone(self);
        Taking { metrics, signal, transport, outcome: Outcome::Unanswered, started: Instant::now() }
    }

    /// A point went into an overflow series.
    pub fn overflowed(&self) {
        self.overflow.inc();
    }

    /// The default project has so many series.
    pub fn has_series(&self, count: usize) {
        self.series.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counters of a store on `backend`, an answered write of which survives `level`.
    pub fn store(&self, backend: &str, level: &str) -> StoreMetrics {
        self.families.storage_durability.with_label_values(&[backend, level]).set(1);
        let duration: &HistogramVec = &self.families.store_op_duration;
        StoreMetrics {
            durations: std::array::from_fn(|operation| {
                duration.with_label_values(&[Operation::ALL[operation].as_str(), backend])
            }),
            errors: self.families.store_errors.clone(),
        }
    }

    /// A connection is open until the answer is dropped.
    pub fn stream(&self, kind: Stream) -> OpenStream {
        let open = self.families.streams.with_label_values(&[kind.as_str()]);
        open.inc();
        OpenStream(open)
    }

    /// A client watches until the answer is dropped.
    pub fn live_client(&self) -> OpenStream {
        let none: [&str; 0] = [];
        let watching = self.families.live_clients.with_label_values(&none);
        watching.inc();
        OpenStream(watching)
    }

    /// A client that watched was cut off.
    pub fn live_cut(&self, reason: LiveEnd) {
        self.families.live_cut.with_label_values(&[reason.as_str()]).inc();
    }

    /// `rule` has redacted so many secrets of a record.
    pub fn redacted(&self, rule: &str, count: u64) {
        self.families.redactions.with_label_values(&[rule]).inc_by(count);
    }

    /// A request was refused for want of a sound key.
    pub fn auth_failed(&self, reason: AuthFailure) {
        self.families.auth_failures.with_label_values(&[reason.as_str()]).inc();
    }

    /// A push to the Pushgateway has ended.
    pub fn pushed(&self, result: Push, now: Timestamp) {
        let none: [&str; 0] = [];
        self.families.pushes.with_label_values(&[result.as_str()]).inc();
        let last = self.families.last_push.with_label_values(&none);
        if result == Push::Success {
            last.set(now.micros() / 1_000_000);
        }
    }

    /// Shows the results of pushes from zero, where there is somewhere to push to.
    pub fn will_push(&self) {
        let none: [&str; 0] = [];
        self.families.last_push.with_label_values(&none);
        for result in Push::ALL {
            self.families.pushes.with_label_values(&[result.as_str()]);
        }
    }

    /// A request was answered. `route` is the template of its route and never its path, which anyone may make up;
    /// `None` where it matched none.
    pub fn requested(&self, route: Option<&str>, method: &str, status: u16, elapsed: Duration) {
        let route = route.unwrap_or("unmatched");
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let status = status.to_string();
        self.families.http_requests.with_label_values(&[route, method, &status]).inc();
        self.families.http_request_duration.with_label_values(&[route]).observe(elapsed.as_secs_f64());
    }
}

/// A call under way that writes a record. It is counted when this is dropped.
#[derive(Debug)]
pub struct Taking {
    metrics: Arc<Metrics>,
    signal: Signal,
    transport: Transport,
    outcome: Outcome,
    started: Instant,
}

impl Taking {
    /// The call is answered, with this problem if with any.
    pub fn answered(mut self, problem: Option<&Problem>) {
        self.outcome = match problem {
            None => Outcome::Stored,
            Some(problem) if problem.code.is_server_fault() => Outcome::Failed,
            Some(_) => Outcome::Refused,
        };
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        let of_signal = &self.metrics.ingest[self.signal as usize];
        of_signal[self.transport as usize][self.outcome as usize].inc();
        self.metrics.ingest_duration.observe(self.started.elapsed().as_secs_f64());
    }
}

/// What one store took and where it failed.
#[derive(Debug, Clone)]
pub struct StoreMetrics {
    durations: [Histogram; Operation::ALL.len()],
    errors: IntCounterVec,
}

impl StoreMetrics {
    /// The store has answered.
    pub fn answered(&self, operation: Operation, started: Instant) {
        self.durations[operation as usize].observe(started.elapsed().as_secs_f64());
    }

    /// An answer of the store was this problem: counted where the store is at fault.
    pub fn problem(&self, problem: &Problem) {
        if problem.code.is_server_fault() {
            self.errors.with_label_values(&[problem.code.as_str()]).inc();
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub struct OpenStream(IntGauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Format, encode};

    fn text(metrics: &Metrics) -> String {
        encode(&metrics.families(), Format::Text)
    }

    #[test]
    fn a_call_is_counted_once_whatever_becomes_of_it() {
        let metrics = Arc::new(Metrics::new());
        let taking = || metrics.taking(Signal::Log, Transport::Sse);
        taking().answered(None);
        taking().answered(None);
        taking().answered(Some(&Problem::invalid("level", "wrong")));
        taking().answered(Some(&Problem::new(Code::StorageFull, "full")));
        drop(taking());
        let text = text(&metrics);
        for (result, count) in [("stored", 2), ("refused", 1), ("failed", 1), ("unanswered", 1)] {
            let line = format!(
                "watchglass_ingest_records_total{{result=\"{result}\",signal=\"log\",transport=\"sse\"}} {count}\n"
            );
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(text.contains("\nwatchglass_ingest_duration_seconds_count 5\n"), "{text}");
    }

    #[test]
    fn labels_that_strangers_choose_are_few() {
        let metrics = Metrics::new();
        for number in 0..100 {
            metrics.requested(None, &format!("M{number}"), 404, Duration::ZERO);
        }
        metrics.requested(Some("/mcp"), "POST", 200, Duration::from_millis(3));
        let text = text(&metrics);
        let unmatched = "{method=\"other\",route=\"unmatched\",status=\"404\"} 100\n";
        assert!(text.contains(&format!("watchglass_http_requests_total{unmatched}")), "{text}");
        let bucket = "watchglass_http_request_duration_seconds_bucket{route=\"/mcp\",le=\"0.005\"} 1\n";
        assert!(text.contains(bucket), "{text}");
    }

    #[test]
    fn streams_go_down_again_and_only_the_stores_own_failures_are_its_errors() {
        let metrics = Metrics::new();
        let streams = [metrics.stream(Stream::Sse), metrics.stream(Stream::Sse)];
        assert!(text(&metrics).contains("watchglass_streams{kind=\"sse\"} 2\n"));
        drop(streams);
        assert!(text(&metrics).contains("watchglass_streams{kind=\"sse\"} 0\n"));
        let store = metrics.store("sqlite", "power_loss");
        store.answered(Operation::Write, Instant::now());
        store.problem(&Problem::new(Code::SpanNotFound, "no such span"));
        store.problem(&Problem::new(Code::StorageTimeout, "late"));
        let text = text(&metrics);
        assert!(text.contains("watchglass_store_errors_total{code=\"STORAGE_TIMEOUT\"} 1\n"), "{text}");
        assert!(!text.contains("SPAN_NOT_FOUND"), "{text}");
        let write = "watchglass_store_op_duration_seconds_count{backend=\"sqlite\",op=\"write\"} 1\n";
        assert!(text.contains(write), "{text}");
    }

    #[test]
    fn help_texts_need_no_escapes() {
        let metrics = Metrics::new();
        metrics.will_push();
        for family in metrics.families() {
            assert!(
                family.help.ends_with('.') && !family.help.contains(['\\', '"', '\n']),
                "{}",
                family.help
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_is_measured() {
        let text = text(&Metrics::new());
        let value = |name: &str| {
            let line =
                text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        assert!(value("process_resident_memory_bytes ") > 1e6);
        assert!(value("process_open_fds ") >= 3.0);
        assert!(value("process_start_time_seconds ") > 1.6e9);
        assert!(value("process_cpu_seconds_total ") >= 0.0);
    }
}
