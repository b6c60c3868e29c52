//! Answers in JSON.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::model::{Code, Problem};

const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// A value as a response.
pub fn json(status: StatusCode, value: &Value) -> Response<Body> {
    (status, [JSON], value.to_string()).into_response()
}

/// A problem as a response with the status that its code calls for, and when to try again.
pub fn refusal(refused: &Problem) -> Response<Body> {
    let status = match refused.code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::InsufficientScope => StatusCode::FORBIDDEN,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Internal | Code::StorageCorrupt => StatusCode::INTERNAL_SERVER_ERROR,
        code if code.is_server_fault() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = problem(status, refused);
    if let Some(wait) = refused.code.retry_after_ms() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.div_ceil(1_000)));
    }
    response
}

/// A problem as a response.
pub fn problem(status: StatusCode, problem: &Problem) -> Response<Body> {
    json(status, &problem.to_json())
}
