//! A request's body, read under a limit.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::problem;
use crate::model::{Code, Problem, text::quoted};

/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a JSON body of at most `limit` bytes, or gives the answer that refuses it.
///
/// A body above the limit is refused by its announced length, or else as soon as the limit is
/// passed: a body without end is never held.
pub(crate) async fn read_json(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Response> {
    if !is_json(headers) {
        let refused = Problem::invalid("Content-Type", "the body must be `application/json`");
        return Err(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, &refused));
    }
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        let encoding = quoted(&String::from_utf8_lossy(encoding.as_bytes()));
        let refused = Problem::invalid("Content-Encoding", format!("a body in {encoding} can't be read"));
        let hint = "send it as it is, without compression";
        return Err(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, &refused.hint(hint)));
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_over_limit(&error) => Err(too_large(limit)),
        Ok(Err(_)) => {
            Err(problem(StatusCode::BAD_REQUEST, &Problem::new(Code::InvalidArgument, "the body broke off")))
        }
        Err(_) => {
            let refused = Problem::new(Code::InvalidArgument, "the body did not arrive in time");
            Err(problem(StatusCode::REQUEST_TIMEOUT, &refused))
        }
    }
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

fn too_large(limit: usize) -> Response {
    let message = format!("the body exceeds the limit of {limit} bytes");
    let refused = Problem::new(Code::FieldTooLarge, message).limited_to(limit as u64);
    problem(StatusCode::PAYLOAD_TOO_LARGE, &refused)
}
