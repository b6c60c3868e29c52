//! Answers in JSON, and refusals as RFC 9457 has them.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::model::{Code, Problem};

/// The media type of a refusal.
pub const PROBLEM_TYPE: &str = "application/problem+json";

const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
const PROBLEM: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));

/// A refusal
#[derive(JsonSchema)]
#[schemars(rename = "Problem")]
#[expect(dead_code, reason = "only its schema is used")]
pub struct ProblemDetails {
    /// urn:watchglass:problem: and the code
    r#type: String,
    /// The code in words
    title: String,
    /// The HTTP status
    status: u16,
    /// What went wrong
    detail: String,
    /// What went wrong, as a word to branch on
    #[schemars(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same as detail
    #[schemars(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Whether the same call may succeed later
    #[schemars(skip_serializing_if = "Option::is_none")]
    retryable: Option<bool>,
    /// When it may
    #[schemars(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    /// The parameter or field at fault
    #[schemars(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The limit that was exceeded
    #[schemars(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    /// What was found instead
    #[schemars(skip_serializing_if = "Option::is_none")]
    actual: Option<u64>,
    /// What to do about it
    #[schemars(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Of an unknown span, as the published scripts say it
    #[schemars(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A value as a response.
pub fn json(status: StatusCode, value: &Value) -> Response<Body> {
    (status, [JSON], value.to_string()).into_response()
}

/// The status that a problem's code calls for.
pub fn status_of(refused: &Problem) -> StatusCode {
    match refused.code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::InsufficientScope => StatusCode::FORBIDDEN,
        Code::SpanNotFound | Code::TraceNotFound => StatusCode::NOT_FOUND,
        Code::SpanConflict
        | Code::SpanAlreadyEnded
        | Code::IdempotencyConflict
        | Code::MetricTypeConflict
        | Code::TraceTooLarge => StatusCode::CONFLICT,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Internal | Code::StorageCorrupt => StatusCode::INTERNAL_SERVER_ERROR,
        code if code.is_server_fault() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// A problem as a response with the status that its code calls for, and when to try again.
pub fn refusal(refused: &Problem) -> Response<Body> {
    let mut response = problem(status_of(refused), refused);
    if let Some(wait) = refused.code.retry_after_ms() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.div_ceil(1_000)));
    }
    response
}

/// A problem as a response.
pub fn problem(status: StatusCode, problem: &Problem) -> Response<Body> {
    (status, [PROBLEM], details(status, problem).to_string()).into_response()
}

/// A problem as RFC 9457 has it, with what every other surface says of it beside.
pub fn details(status: StatusCode, problem: &Problem) -> Value {
    let code = problem.code.as_str();
    let mut details = Map::new();
    details.insert("type".into(), format!("urn:watchglass:problem:{code}").into());
    details.insert("title".into(), title(code).into());
    details.insert("status".into(), status.as_u16().into());
    details.insert("detail".into(), problem.message.as_str().into());
    if let Value::Object(said) = problem.to_json() {
        details.extend(said);
    }
    Value::Object(details)
}

/// `FIELD_TOO_LARGE` as `Field too large`.
fn title(code: &str) -> String {
    let (first, rest) = code.split_at(1);
    format!("{first}{}", rest.to_ascii_lowercase().replace('_', " "))
}
