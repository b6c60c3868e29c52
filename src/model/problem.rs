//! The one error that leaves watchglass, whatever surface it leaves by.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::{Map, Value, json};

/// What went wrong, as a word that a program can branch on.
///
/// The vocabulary is closed: a client may match on it, so a new word is a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// An argument is missing, unknown, of the wrong type or outside its allowed set.
    InvalidArgument,
    /// A number is not finite, not a number, or does not fit.
    InvalidNumber,
    /// A text, an object or a message exceeds its limit.
    FieldTooLarge,
    /// A cursor was not made by this server for this query.
    InvalidCursor,
    /// No span of that id is held in the caller's project.
    SpanNotFound,
    /// No trace of that id is held in the caller's project.
    TraceNotFound,
    /// A span with that id exists and says something else.
    SpanConflict,
    /// The span has ended with another status.
    SpanAlreadyEnded,
    /// The trace holds as many spans as a trace may.
    TraceTooLarge,
    /// The idempotency key was used for another record.
    IdempotencyConflict,
    /// The metric exists with another kind.
    MetricTypeConflict,
    /// No key was given, or one that is not valid.
    Unauthenticated,
    /// The key does not allow this.
    InsufficientScope,
    /// The caller tried too often.
    RateLimited,
    /// More waits to be written than may wait.
    Overloaded,
    /// The store can't be reached, or is not ready yet.
    StorageUnavailable,
    /// The store did not answer in time; whether it wrote is unknown.
    StorageTimeout,
    /// The store has no room.
    StorageFull,
    /// The store refuses writes until its operator has repaired something.
    StorageDegraded,
    /// The store refuses this server: credentials, rights or settings.
    StorageMisconfigured,
    /// The store's data can't be read.
    StorageCorrupt,
    /// A defect of watchglass.
    Internal,
}

impl Code {
    /// The word on the wire, such as `FIELD_TOO_LARGE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::InvalidNumber => "INVALID_NUMBER",
            Self::FieldTooLarge => "FIELD_TOO_LARGE",
            Self::InvalidCursor => "INVALID_CURSOR",
            Self::SpanNotFound => "SPAN_NOT_FOUND",
            Self::TraceNotFound => "TRACE_NOT_FOUND",
            Self::SpanConflict => "SPAN_CONFLICT",
            Self::SpanAlreadyEnded => "SPAN_ALREADY_ENDED",
            Self::TraceTooLarge => "TRACE_TOO_LARGE",
            Self::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Self::MetricTypeConflict => "METRIC_TYPE_CONFLICT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::InsufficientScope => "INSUFFICIENT_SCOPE",
            Self::RateLimited => "RATE_LIMITED",
            Self::Overloaded => "OVERLOADED",
            Self::StorageUnavailable => "STORAGE_UNAVAILABLE",
            Self::StorageTimeout => "STORAGE_TIMEOUT",
            Self::StorageFull => "STORAGE_FULL",
            Self::StorageDegraded => "STORAGE_DEGRADED",
            Self::StorageMisconfigured => "STORAGE_MISCONFIGURED",
            Self::StorageCorrupt => "STORAGE_CORRUPT",
            Self::Internal => "INTERNAL",
        }
    }

    /// How long to wait before the same call may succeed; `None` where it never will.
    pub const fn retry_after_ms(self) -> Option<u64> {
        match self {
            Self::Overloaded => Some(100),
            Self::RateLimited => Some(60_000),
            Self::StorageUnavailable | Self::StorageTimeout => Some(1_000),
            Self::StorageFull | Self::StorageDegraded => Some(10_000),
            _ => None,
        }
    }

    /// Whether the fault lies with the store or the server rather than with the caller.
    pub const fn is_server_fault(self) -> bool {
        matches!(
            self,
            Self::Overloaded
                | Self::StorageUnavailable
                | Self::StorageTimeout
                | Self::StorageFull
                | Self::StorageDegraded
                | Self::StorageMisconfigured
                | Self::StorageCorrupt
                | Self::Internal
        )
    }
}

/// An error with everything a caller needs to correct itself.
///
/// `message` is always a text of ours: what an agent wrote appears in it only as a short, quoted,
/// made-visible value, and what a store said never does. The store's own error travels as
/// [`source`](Error::source) and goes to the server's log alone.
///
/// It is one pointer wide, so that the paths on which nothing goes wrong carry no weight.
#[derive(Debug, Clone)]
pub struct Problem(Box<Details>);

/// What a [`Problem`] tells.
#[derive(Debug, Clone)]
pub struct Details {
    /// What went wrong.
    pub code: Code,
    /// The same for people: lower case, no full stop.
    pub message: String,
    /// The argument at fault, as a path: `metadata.user.name`.
    pub field: Option<String>,
    /// The limit that was exceeded.
    pub limit: Option<u64>,
    /// What was found instead.
    pub actual: Option<u64>,
    /// What to do about it.
    pub hint: Option<String>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem with a text and nothing else.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            code,
            message: message.into(),
            field: None,
            limit: None,
            actual: None,
            hint: None,
            source: None,
        }))
    }

    /// An [`InvalidArgument`](Code::InvalidArgument) at `field`.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message).at(field)
    }

    /// A [`FieldTooLarge`](Code::FieldTooLarge) at `field`; `what` names the measure, such as `bytes`.
    pub fn too_large(field: impl Into<String>, what: &str, limit: usize, actual: usize) -> Self {
        let field = field.into();
        Self::new(Code::FieldTooLarge, format!("`{field}` has {actual} {what}, the limit is {limit}"))
            .at(field)
            .exceeding(limit as u64, actual as u64)
    }

    /// An [`Internal`](Code::Internal) caused by `source`.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "internal error").caused_by(source)
    }

    /// Names the argument at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Gives the limit, where what was found is not counted to its end.
    #[must_use]
    pub fn limited_to(mut self, limit: u64) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Gives the limit and what was found.
    #[must_use]
    pub fn exceeding(mut self, limit: u64, actual: u64) -> Self {
        self.0.limit = Some(limit);
        self.0.actual = Some(actual);
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the cause for the server's log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.code.retry_after_ms().is_some()
    }

    /// [`to_json`](Self::to_json) as text. An unknown span's is to the byte what the published scripts printed.
    pub fn to_text(&self) -> String {
        if self.code == Code::SpanNotFound {
            return r#"{"error": "Span not found"}"#.to_owned();
        }
        self.to_json().to_string()
    }

    /// The error as every surface sends it.
    pub fn to_json(&self) -> Value {
        if self.code == Code::SpanNotFound {
            return json!({ "error": "Span not found" });
        }
        let mut object = Map::new();
        object.insert("code".into(), self.code.as_str().into());
        object.insert("message".into(), self.message.clone().into());
        object.insert("retryable".into(), self.retryable().into());
        let optional = [
            ("retry_after_ms", self.code.retry_after_ms().map(Value::from)),
            ("field", self.field.clone().map(Value::from)),
            ("limit", self.limit.map(Value::from)),
            ("actual", self.actual.map(Value::from)),
            ("hint", self.hint.clone().map(Value::from)),
        ];
        object.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(object)
    }
}

/// What the system said, of all that led to a failure.
pub fn first_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
