//! What is observed: plain values and the rules that hold for them alone.
//!
//! **Invariant:** nothing here does I/O, waits, or asks what time it is.

mod access;
mod api_key;
mod context;
mod derived;
mod id;
pub(crate) mod json;
mod key;
mod lifted;
mod listing;
mod log;
mod measurement;
mod metadata;
mod metric;
mod numbers;
mod pricing;
mod problem;
mod query;
mod redact;
mod span;
mod summary;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
mod time;
mod transport;
pub mod units;
mod usage;
mod write;

pub use access::{Grant, Scope, Scopes};
pub use api_key::ApiKey;
pub use context::TraceContext;
pub use id::{EventType, ProjectId, SpanId, TraceId, digest, hex, is_none_word};
pub use key::Key;
pub use lifted::Lifted;
pub use listing::{
    Dated, Deletion, SeriesBin, SeriesHistory, SeriesQuery, SpanPage, SpanQuery, SpanTime, StoreSize,
    TraceListQuery, TracePosition, TraceRows, TraceSort,
};
pub use log::{Level, Log};
pub use measurement::{Measurement, Normalized};
pub use metadata::{
    MAX_KEY_BYTES, MAX_METADATA_BYTES, MAX_METADATA_DEPTH, MAX_METADATA_KEYS, check_metadata,
};
pub use metric::{
    Labels, MAX_LABEL_VALUE_BYTES, MAX_LABELS, MAX_SERIES_PER_METRIC, MAX_SERIES_PER_PROJECT, MetricKind,
    OVERFLOW_LABEL, Point, Series, SeriesValue, bucket_bounds, bucket_of,
};
pub use numbers::{
    Contribution, Dimension, DimensionKind, ErrorGroup, Latency, MAX_RELATIVE_ERROR, Measure, Rollup,
    RollupQuery, Sums, Tally, Tier, changes, fingerprint, fold_message, fold_name,
};
pub use pricing::{CostSource, Pricing, Unpriced};
pub use problem::{Code, Details, Problem, first_cause};
pub use query::{
    EXACT_TOTAL_LIMIT, EventFilter, LevelFilter, LogPage, LogPosition, LogQuery, MAX_SPANS_PER_TRACE,
    SpanPosition, Total, TracePage, TraceQuery,
};
pub use redact::{ContentPolicy, MAX_MARKS, Redactions, Redactor};
pub use span::{Span, SpanEnd, SpanKind, SpanStatus};
pub use summary::{Counts, Failure, Head, OpenSpan, TraceRow, TraceSummary};
pub use time::Timestamp;
pub use transport::Transport;
pub use usage::{Usage, UsageDetails};
pub use write::{Idempotency, Import, Record, Write, Written};
