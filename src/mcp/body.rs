//! A request's body, read under a limit.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::wire::MAX_MESSAGE_BYTES;
use crate::model::{Code, Problem};

/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a JSON body, or gives the answer that refuses it.
///
/// A body above the limit is refused by its announced length, or else as soon as the limit is
/// passed: a body without end is never held.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Response> {
    if !is_json(headers) {
        let problem = Problem::invalid("Content-Type", "the body must be `application/json`");
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, &problem));
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > MAX_MESSAGE_BYTES) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_MESSAGE_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_over_limit(&error) => Err(too_large()),
        Ok(Err(_)) => {
            Err(refuse(StatusCode::BAD_REQUEST, &Problem::new(Code::InvalidArgument, "the body broke off")))
        }
        Err(_) => {
            let problem = Problem::new(Code::InvalidArgument, "the body did not arrive in time");
            Err(refuse(StatusCode::REQUEST_TIMEOUT, &problem))
        }
    }
}

/// A problem as a response.
pub(crate) fn refuse(status: StatusCode, problem: &Problem) -> Response {
    answer(status, &problem.to_json())
}

/// JSON as a response.
pub(crate) fn answer(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// The limit is the only error of [`to_bytes`] that does not come from the connection.
fn is_over_limit(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.to_string() == "length limit exceeded" {
            return true;
        }
        source = error.source();
    }
    false
}

fn too_large() -> Response {
    let message = format!("the body exceeds the limit of {MAX_MESSAGE_BYTES} bytes");
    let problem = Problem::new(Code::FieldTooLarge, message).limited_to(MAX_MESSAGE_BYTES as u64);
    refuse(StatusCode::PAYLOAD_TOO_LARGE, &problem)
}
