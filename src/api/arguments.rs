//! What was asked, read strictly: from the address and from a body.

use axum::body::Body;
use axum::extract::RawPathParams;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::shape::{Kind, Parameter, Shape};
use crate::http::{body, problem, refusal};
use crate::model::text::excerpt;
use crate::model::{Code, Problem, json};
use crate::service::decode;

/// Bytes of a query.
const MAX_QUERY_BYTES: usize = 8 * 1024;

/// Bytes of a body.
pub(super) const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Arguments by name, and what names there are.
pub(super) struct Arguments {
    pub(super) given: Map<String, Value>,
    pub(super) known: Vec<String>,
}

impl Arguments {
    /// These, and those of an object in a body.
    pub(super) fn with(&self, body: Map<String, Value>) -> Result<Self, Problem> {
        let mut given = self.given.clone();
        for (name, value) in body {
            if given.contains_key(&name) {
                return Err(Problem::invalid(&*name, format!("`{name}` is in the address already")));
            }
            given.insert(name, value);
        }
        Ok(Self { given, known: self.known.clone() })
    }

    /// The request that they make.
    pub(super) fn decode<X: DeserializeOwned>(&self) -> Result<X, Problem> {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        decode(self.given.clone(), &known)
    }
}

/// Those of an address: named in its path, and with `in_query` given in its query.
pub(super) fn of_address(
    shape: &Shape,
    named: &RawPathParams,
    uri: &Uri,
    in_query: bool,
) -> Result<Arguments, Response> {
    let mut given = Map::new();
    for (name, value) in named {
        given.insert(name.to_owned(), value.into());
    }
    let query = uri.query().unwrap_or_default();
    if query.len() > MAX_QUERY_BYTES {
        let refused = Problem::too_large("query", "bytes", MAX_QUERY_BYTES, query.len());
        return Err(problem(StatusCode::URI_TOO_LONG, &refused));
    }
    let refused = |problem: Problem| refusal(&problem);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name, name).map_err(refused)?;
        let text = decoded(&name, text).map_err(refused)?;
        let parameter = shape.find(&name).filter(|parameter| in_query && !parameter.in_path);
        // One that is not known is told of by `decode`, with the nearest that is.
        let value = parameter.map_or_else(|| Value::from(text.as_str()), |parameter| typed(parameter, &text));
        if given.contains_key(&name) {
            let name = excerpt(&name);
            return Err(refusal(&Problem::invalid(&*name, format!("`{name}` is given twice"))));
        }
        if !text.is_empty() || parameter.is_none() {
            given.insert(name, value);
        }
    }
    let known = shape.parameters.iter().filter(|parameter| in_query || parameter.in_path);
    let arguments = Arguments { given, known: known.map(|parameter| parameter.name.clone()).collect() };
    if in_query {
        return Ok(arguments);
    }
    let unknown = arguments.given.keys().find(|name| !arguments.known.contains(name));
    match unknown {
        Some(name) => {
            let name = excerpt(name);
            let refused = Problem::invalid(&*name, format!("`{name}` is not taken from the address"));
            Err(refusal(&refused.hint("put it into the body")))
        }
        None => {
            Ok(Arguments { known: shape.names().into_iter().map(ToOwned::to_owned).collect(), ..arguments })
        }
    }
}

/// A body in JSON.
pub(super) async fn of_body(headers: &HeaderMap, body: Body) -> Result<Value, Response> {
    let bytes = body::read_json(headers, body, MAX_BODY_BYTES).await?;
    let refused = |problem: Problem| refusal(&problem);
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| refusal(&Problem::new(Code::InvalidArgument, "the body is not UTF-8")))?;
    let read = json::read(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        refusal(&Problem::new(Code::InvalidArgument, format!("the body is not json: unreadable at {place}")))
    })?;
    match read.violations.first() {
        None => Ok(read.value),
        Some(violation) => Err(refused(violation.fault.problem(&violation.path.to_string()))),
    }
}

/// The object that a body must be.
pub(super) fn object(body: Value) -> Result<Map<String, Value>, Problem> {
    match body {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::new(Code::InvalidArgument, "the body must be a json object")),
    }
}

/// Text of a query as it was before it was written into an address.
fn decoded(field: &str, written: &str) -> Result<String, Problem> {
    let bytes = written.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex), rest.next().and_then(hex)) {
                (Some(high), Some(low)) => high * 16 + low,
                _ => return Err(unreadable(field, "holds `%` without two hexadecimal digits")),
            },
            byte => byte,
        });
    }
    String::from_utf8(plain).map_err(|_| unreadable(field, "is not UTF-8"))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn unreadable(field: &str, what: &str) -> Problem {
    let field = excerpt(field);
    Problem::invalid(&*field, format!("`{field}` {what}"))
}

/// A text as what the parameter takes. One that it does not take stays a text, and is refused where it is read.
fn typed(parameter: &Parameter, text: &str) -> Value {
    let other = match parameter.kind {
        Kind::Text => None,
        Kind::Number => serde_json::from_str(text).ok().map(Value::Number),
        Kind::Boolean => text.parse().ok().map(Value::Bool),
        Kind::List => Some(text.split(',').map(Value::from).collect()),
    };
    other.unwrap_or_else(|| text.into())
}
