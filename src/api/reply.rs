//! Answers of the API.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use url::form_urlencoded;

use crate::model::{Problem, digest};
use crate::service::Page;

/// An answer as JSON; nothing but its tag, if the client has it already.
pub(super) fn json(headers: &HeaderMap, answer: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_string(answer).map_err(Problem::internal)?;
    Ok(tagged(headers, text))
}

/// A page as a bare array, with a link to the next.
pub(super) fn array<Item: Serialize>(
    headers: &HeaderMap,
    uri: &Uri,
    page: &Page<Item>,
) -> Result<Response, Problem> {
    let mut response = json(headers, &page.items)?;
    if let Some(next) = &page.next {
        let link = HeaderValue::from_str(&link(uri, next)).map_err(Problem::internal)?;
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// The same question, from `cursor` on.
fn link(uri: &Uri, cursor: &str) -> String {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(asked.filter(|(name, _)| name != "cursor"))
        .append_pair("cursor", cursor)
        .finish();
    format!("<{}?{query}>; rel=\"next\"", uri.path())
}

/// A body with its tag. The tag is weak: the same answer is sent with and without compression.
pub(super) fn tagged(headers: &HeaderMap, text: String) -> Response {
    let tag = format!("W/\"{}\"", digest([text.as_str()]));
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if knows(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, caching, Body::from(text)).into_response()
}

/// Whether the client says that it has what bears this tag.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    named.flat_map(|value| value.split(',')).any(|named| named.trim() == "*" || opaque(named) == opaque(tag))
}
