//! Answers in JSON.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::model::Problem;

const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// A value as a response.
pub fn json(status: StatusCode, value: &Value) -> Response<Body> {
    (status, [JSON], value.to_string()).into_response()
}

/// A problem as a response.
pub fn problem(status: StatusCode, problem: &Problem) -> Response<Body> {
    json(status, &problem.to_json())
}
