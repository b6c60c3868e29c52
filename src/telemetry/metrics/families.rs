//! The families that are counted, declared once: a field's doc comment is its help text.
//!
//! The one place that names Prometheus types; no name or label is written anywhere else.

use prometheus::core::Collector;
use prometheus::{CounterVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// Upper bounds for what waits for a store or a network, in seconds.
const BOUNDS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

macro_rules! families {
    ($(#[doc = $help:literal] $field:ident: $kind:ident = $name:literal [$($label:ident),*],)+) => {
        /// The families, registered.
        #[derive(Debug)]
        pub(super) struct Families { $(#[doc = $help] pub(super) $field: $kind,)+ }

        impl Families {
            pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
                Ok(Self { $($field: register(registry, $name, $help, &[$(stringify!($label)),*])?,)+ })
            }
        }
    };
}

families! {
    /// Calls that wrote a record, by what became of it.
    ingest_records: IntCounterVec = "watchglass_ingest_records_total" [signal, transport, result],
    /// How long a call took that wrote a record, its commit included.
    ingest_duration: HistogramVec = "watchglass_ingest_duration_seconds" [],
    /// How long the store took, by what it was asked for.
    store_op_duration: HistogramVec = "watchglass_store_op_duration_seconds" [op, backend],
    /// Answers in which the store failed, by their code.
    store_errors: IntCounterVec = "watchglass_store_errors_total" [code],
    /// What an answered write survives: a crash of a process, the loss of power, or neither.
    storage_durability: IntGaugeVec = "watchglass_storage_durability_info" [backend, level],
    /// Connections that stay open, by their kind.
    streams: IntGaugeVec = "watchglass_streams" [kind],
    /// Clients that watch what happens.
    live_clients: IntGaugeVec = "watchglass_live_clients" [],
    /// Clients that were cut off while they watched, by the reason.
    live_cut: IntCounterVec = "watchglass_live_cut_total" [reason],
    /// Series of the agents in the default project when they were last read.
    series: IntGaugeVec = "watchglass_series" [],
    /// Points that calls recorded past a limit of series, and that went into an overflow series.
    series_overflow: IntCounterVec = "watchglass_series_overflow_total" [],
    /// Secrets that were redacted before anything was stored, by the rule that found them.
    redactions: IntCounterVec = "watchglass_redactions_total" [rule],
    /// Pushes to the Pushgateway, by what became of them.
    pushes: IntCounterVec = "watchglass_pushgateway_pushes_total" [result],
    /// When a push to the Pushgateway last succeeded, in seconds since 1970; 0 for never.
    last_push: IntGaugeVec = "watchglass_pushgateway_last_success_timestamp_seconds" [],
    /// Requests that were refused for want of a sound key, by what was wrong with it.
    auth_failures: IntCounterVec = "watchglass_auth_failures_total" [reason],
    /// Requests over HTTP, by the template of their route.
    http_requests: IntCounterVec = "watchglass_http_requests_total" [route, method, status],
    /// How long requests over HTTP took until their answer began, by the template of their route.
    http_request_duration: HistogramVec = "watchglass_http_request_duration_seconds" [route],
    /// The version that runs.
    build_info: IntGaugeVec = "watchglass_build_info" [version],
    /// Processor time that this process has used, in seconds.
    process_cpu: CounterVec = "process_cpu_seconds_total" [],
    /// Memory of this process that is resident, in bytes.
    process_memory: IntGaugeVec = "process_resident_memory_bytes" [],
    /// Files and sockets that this process has open.
    process_fds: IntGaugeVec = "process_open_fds" [],
    /// When this process started, in seconds since 1970.
    process_start: IntGaugeVec = "process_start_time_seconds" [],
}

/// A family of one of the types above.
trait Family: Sized {
    fn make(options: Opts, labels: &[&str]) -> prometheus::Result<Self>;
}

impl Family for IntCounterVec {
    fn make(options: Opts, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(options, labels)
    }
}

impl Family for CounterVec {
    fn make(options: Opts, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(options, labels)
    }
}

impl Family for IntGaugeVec {
    fn make(options: Opts, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(options, labels)
    }
}

impl Family for HistogramVec {
    fn make(options: Opts, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(HistogramOpts { common_opts: options, buckets: BOUNDS.to_vec() }, labels)
    }
}

fn register<F: Family + Collector + Clone + 'static>(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<F> {
    let family = F::make(Opts::new(name, help.trim()), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}
