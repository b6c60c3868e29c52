//! One record, or an array of them with an answer for each.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::arguments;
use super::endpoint::{Call, UseCase};
use crate::http::{json, status_of};
use crate::model::{Code, Problem};
use crate::service::Committed;

/// Records of one call.
pub(super) const MAX_ITEMS: usize = 1_000;

/// What became of an array of records.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{Y}Results")]
pub(super) struct Results<Y> {
    /// One for each record, in the order in which they were sent
    pub(super) items: Vec<ItemResult<Y>>,
    /// How many are here
    pub(super) returned: usize,
    /// How many records were refused
    pub(super) failed: usize,
}

/// What became of a record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{Y}Result")]
pub(super) struct ItemResult<Y> {
    /// The HTTP status with which it would have been answered alone
    pub(super) status: u16,
    /// The answer
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<Y>,
    /// Why it was refused
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::http::ProblemDetails>")]
    pub(super) error: Option<Value>,
}

/// Writes what the body holds. Records are queued in their order, and committed together.
pub(super) async fn write<X, Y>(
    call: Call,
    use_case: impl for<'a> UseCase<'a, X, Committed<Y>>,
) -> Result<Response, Response>
where
    X: DeserializeOwned,
    Y: Serialize,
{
    let refused = |problem: Problem| crate::http::refusal(&problem);
    let body = arguments::of_body(&call.headers, call.body).await?;
    let queue = async |record: Value| {
        let request = call.arguments.decode_with(record)?;
        use_case.call(&call.service, &call.caller, request).await
    };
    let key = idempotency_key(&call.headers).map_err(refused)?;
    let Value::Array(records) = body else {
        let answer =
            queue(keyed(body, key).map_err(refused)?).await.map_err(refused)?.await.map_err(refused)?;
        return encoded(&answer).map_err(refused);
    };
    if key.is_some() {
        let problem =
            Problem::invalid(IDEMPOTENCY_KEY, "`Idempotency-Key` names one record, not an array of them");
        return Err(refused(problem.hint("give each record its own `idempotency_key`")));
    }
    if records.len() > MAX_ITEMS {
        let problem =
            Problem::new(Code::FieldTooLarge, format!("at most {MAX_ITEMS} records go into one call"));
        return Err(refused(problem.exceeding(MAX_ITEMS as u64, records.len() as u64)));
    }
    let mut queued = Vec::with_capacity(records.len());
    for record in records {
        queued.push(queue(record).await);
    }
    let mut items = Vec::with_capacity(queued.len());
    for committed in queued {
        items.push(match committed {
            Ok(committed) => ItemResult::from(committed.await),
            Err(problem) => ItemResult::from(Err(problem)),
        });
    }
    let failed = items.iter().filter(|item| item.error.is_some()).count();
    encoded(&Results { returned: items.len(), failed, items }).map_err(refused)
}

/// The header by which a retry of a call is known, as the IETF's draft has it.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let unreadable = |_| Problem::invalid(IDEMPOTENCY_KEY, "`Idempotency-Key` is not ASCII text");
    value.to_str().map(Some).map_err(unreadable)
}

/// The record with the key that its call's header gives.
fn keyed(mut record: Value, key: Option<&str>) -> Result<Value, Problem> {
    if let (Some(key), Some(record)) = (key, record.as_object_mut()) {
        if record.get("idempotency_key").is_some_and(|own| own != key) {
            return Err(Problem::invalid(IDEMPOTENCY_KEY, "`Idempotency-Key` and `idempotency_key` differ"));
        }
        record.insert("idempotency_key".to_owned(), key.into());
    }
    Ok(record)
}

impl<Y> From<Result<Y, Problem>> for ItemResult<Y> {
    fn from(answer: Result<Y, Problem>) -> Self {
        match answer {
            Ok(result) => Self { status: StatusCode::OK.as_u16(), result: Some(result), error: None },
            Err(problem) => {
                let status = status_of(&problem);
                let error = Some(crate::http::details(status, &problem));
                Self { status: status.as_u16(), result: None, error }
            }
        }
    }
}

fn encoded(answer: &impl Serialize) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &serde_json::to_value(answer).map_err(Problem::internal)?))
}
