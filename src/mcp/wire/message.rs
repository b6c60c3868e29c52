//! One JSON-RPC message: what its members must be.

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorCode, ErrorData, RequestId};
use serde_json::{Map, Value};

use super::Rejection;
use crate::model::json::Violation;
use crate::model::text::{excerpt, quoted};

/// The requests of every revision; rmcp makes a request of any other method of one that it can't read.
const METHODS: [&str; 14] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
];

/// A request or a notification whose envelope is sound.
#[derive(Debug)]
pub(crate) struct Message {
    /// `None` in a notification.
    pub(crate) id: Option<RequestId>,
    pub(crate) method: String,
    value: Value,
}

impl Message {
    /// Whether this is a request for a tool.
    pub(crate) fn is_tool_call(&self) -> bool {
        self.id.is_some() && self.method == "tools/call"
    }

    /// The tool that is asked for, if one is.
    pub(crate) fn tool(&self) -> Option<&str> {
        self.value.get("params").filter(|_| self.is_tool_call())?.get("name")?.as_str()
    }

    /// The message as it was received, with the first of equal keys.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The message for rmcp; `None` is a notification that nobody knows.
    pub(crate) fn into_rmcp(self) -> Result<Option<ClientJsonRpcMessage>, Rejection> {
        let Self { id, method, value } = self;
        let wrong =
            |id| Rejection::invalid_params(id, format!("the params of `{method}` have the wrong form"));
        match serde_json::from_value(value) {
            Ok(ClientJsonRpcMessage::Request(request))
                if matches!(request.request, ClientRequest::CustomRequest(_))
                    && METHODS.contains(&method.as_str()) =>
            {
                Err(wrong(id))
            }
            Ok(message) => Ok(Some(message)),
            Err(_) if id.is_none() => Ok(None),
            Err(_) => Err(wrong(id)),
        }
    }
}

/// Checks the envelope; `None` is an answer, which is ignored.
pub(super) fn check(value: Value, violation: Option<&Violation>) -> Result<Option<Message>, Rejection> {
    let Value::Object(object) = &value else {
        return Err(Rejection::invalid_request(None, "a message must be an object"));
    };
    let id = id(object)?;
    if let Some(violation) = violation {
        return Err(refuse(violation, object, id));
    }
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(Rejection::invalid_request(id, "`jsonrpc` must be `2.0`"));
    }
    let is_answer = object.contains_key("result") || object.contains_key("error");
    let method = match object.get("method") {
        None if is_answer => return Ok(None),
        Some(Value::String(method)) if !is_answer => method.clone(),
        Some(_) if is_answer => {
            return Err(Rejection::invalid_request(id, "a message has either a `method` or a result"));
        }
        _ => return Err(Rejection::invalid_request(id, "`method` must be a string")),
    };
    check_names(object.get("params"), &method, id.as_ref())?;
    check_params(object.get("params"), &method, id.as_ref())?;
    Ok(Some(Message { id, method, value }))
}

/// The id, which must be a string or an integer where there is one.
fn id(object: &Map<String, Value>) -> Result<Option<RequestId>, Rejection> {
    match object.get("id") {
        None => Ok(None),
        // An answer to what could not be read carries no id; it is ignored like every answer.
        Some(Value::Null) if object.contains_key("error") => Ok(None),
        Some(Value::String(text)) => Ok(Some(RequestId::String(text.as_str().into()))),
        Some(Value::Number(number)) if number.is_i64() => Ok(number.as_i64().map(RequestId::Number)),
        Some(_) => Err(Rejection::invalid_request(None, "`id` must be a string or an integer")),
    }
}

/// Names that rmcp would repeat as they came, whatever hides in them and however long they are.
fn check_names(params: Option<&Value>, method: &str, id: Option<&RequestId>) -> Result<(), Rejection> {
    let is_plain = |name: &str| excerpt(name) == name;
    // A notification is never answered.
    let Some(id) = id else { return Ok(()) };
    if !is_plain(method) {
        let message = format!("there is no method {}", quoted(method));
        let unknown = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None);
        return Err(Rejection::protocol(Some(id.clone()), unknown));
    }
    let name = params.and_then(|params| params.get("name")?.as_str()).unwrap_or_default();
    if method == "tools/call" && !is_plain(name) {
        return Err(Rejection::invalid_params(
            Some(id.clone()),
            format!("there is no tool {}", quoted(name)),
        ));
    }
    Ok(())
}

fn check_params(params: Option<&Value>, method: &str, id: Option<&RequestId>) -> Result<(), Rejection> {
    let invalid = |message: &str| Err(Rejection::invalid_params(id.cloned(), message));
    match params {
        // A notification is never answered, so there is nobody to tell.
        _ if id.is_none() => Ok(()),
        Some(Value::Object(params)) if method == "tools/call" => match params.get("arguments") {
            _ if !params.get("name").is_some_and(Value::is_string) => {
                invalid("`name` must be the name of a tool")
            }
            None | Some(Value::Null | Value::Object(_)) => Ok(()),
            Some(_) => invalid("`arguments` must be an object of named arguments"),
        },
        None | Some(Value::Null) if method == "tools/call" => {
            invalid("`tools/call` needs `params` with a `name`")
        }
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(Value::Array(_)) => invalid("`params` must be an object; positional params are not part of MCP"),
        Some(_) => Err(Rejection::invalid_request(id.cloned(), "`params` must be an object")),
    }
}

/// In the arguments of a tool a violation is the model's to correct, elsewhere it is the client's.
fn refuse(violation: &Violation, object: &Map<String, Value>, id: Option<RequestId>) -> Rejection {
    let path = violation.path.within_message();
    let is_tool_call = object.get("method").and_then(Value::as_str) == Some("tools/call");
    if let (true, Some(argument), Some(id)) = (is_tool_call, path.below(&["params", "arguments"]), id.clone())
    {
        return Rejection::argument(id, violation.fault.problem(&argument.to_string()));
    }
    Rejection::invalid_request(id, violation.fault.problem(&path.to_string()).message.clone())
}
