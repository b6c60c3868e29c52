//! What was asked, by the address and by a body.

use axum::body::Body;
use axum::extract::RawPathParams;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::query;
use super::shape::Shape;
use crate::http::{body, refusal};
use crate::model::text::excerpt;
use crate::model::{Code, Problem, json};
use crate::service::decode;

/// Bytes of a body.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Arguments by name, and what names there are.
#[derive(Debug)]
pub(super) struct Arguments {
    given: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Arguments {
    /// Those of an address: named in its path, and given in its query. Of what has a body, the rest is there.
    pub(super) fn of_address(
        shape: &'static Shape,
        named: &RawPathParams,
        written: &str,
        has_body: bool,
    ) -> Result<Self, Problem> {
        let mut given: Map<String, Value> =
            named.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        for (name, text) in query::pairs(written)? {
            let parameter = shape.find(&name).filter(|parameter| !parameter.in_path && !has_body);
            let shown = excerpt(&name);
            match parameter {
                Some(_) if text.is_empty() => {}
                Some(parameter) => drop(given.insert(name, parameter.kind.value(&text))),
                None if given.contains_key(&name) => {
                    return Err(Problem::invalid(&*shown, format!("`{shown}` is given twice")));
                }
                None if has_body => {
                    let problem =
                        Problem::invalid(&*shown, format!("`{shown}` is not taken from the address"));
                    return Err(problem.hint("put it into the body"));
                }
                // It is told of by `decode`, with the nearest that there is.
                None => drop(given.insert(name, text.into())),
            }
        }
        Ok(Self { given, known: shape.names() })
    }

    /// The request that they make with an object in a body.
    pub(super) fn decode_with<X: DeserializeOwned>(&self, body: Value) -> Result<X, Problem> {
        let Value::Object(object) = body else {
            return Err(Problem::new(Code::InvalidArgument, "a record must be a json object"));
        };
        if let Some(name) = object.keys().find(|name| self.given.contains_key(*name)) {
            return Err(Problem::invalid(name, format!("`{name}` is in the address already")));
        }
        decode(object.into_iter().chain(self.given.clone()).collect(), &self.known)
    }

    /// The request that they make.
    pub(super) fn decode<X: DeserializeOwned>(&self) -> Result<X, Problem> {
        decode(self.given.clone(), &self.known)
    }
}

/// A body in JSON.
pub(super) async fn of_body(headers: &HeaderMap, body: Body) -> Result<Value, Response> {
    let bytes = body::read_json(headers, body, MAX_BODY_BYTES).await?;
    read(&bytes).map_err(|problem| refusal(&problem))
}

fn read(bytes: &[u8]) -> Result<Value, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Problem::new(Code::InvalidArgument, "the body is not UTF-8"))?;
    let read = json::read(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::new(Code::InvalidArgument, format!("the body is not json: unreadable at {place}"))
    })?;
    match read.violations.first() {
        None => Ok(read.value),
        Some(violation) => Err(violation.fault.problem(&violation.path.to_string())),
    }
}
