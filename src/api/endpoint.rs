//! One line of the table.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{Extensions, HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::Arguments;
use super::batch::{self, Results};
use super::query;
use super::reply;
use super::shape::Shape;
use crate::http::{Routes, Rule, problem, refusal};
use crate::model::{Grant, Problem, Scope, TraceContext, Transport};
use crate::service::{Caller, Committed, Page, Service};

/// A use case of the service: what `Service::status` is.
pub(crate) trait UseCase<'a, X, Y>: Copy + Send + Sync + 'static {
    /// What it becomes.
    type Future: Future<Output = Result<Y, Problem>> + Send + 'a;

    fn call(self, service: &'a Service, caller: &'a Caller, request: X) -> Self::Future;
}

impl<'a, X, Y, Function, Answer> UseCase<'a, X, Y> for Function
where
    Function: Fn(&'a Service, &'a Caller, X) -> Answer + Copy + Send + Sync + 'static,
    Answer: Future<Output = Result<Y, Problem>> + Send + 'a,
{
    type Future = Answer;

    fn call(self, service: &'a Service, caller: &'a Caller, request: X) -> Answer {
        self(service, caller, request)
    }
}

/// What an endpoint is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

/// A body that is the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// The request as an object, or an array of such.
    Batch,
    /// A line of JSON for each record, without a limit on their number.
    Lines,
}

/// What an endpoint answers with.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// An object.
    Json(Schemer),
    /// Bare items.
    Array(Schemer),
    /// One answer, or one for each item.
    Batch(Schemer, Schemer),
    /// Something of this media type, made of such items.
    Stream(&'static str, Schemer),
}

/// Makes the schema of a type.
pub(super) type Schemer = fn(&mut SchemaGenerator) -> Schema;

/// Answers a call, or refuses it.
type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Response, Response>> + Send + Sync>;

/// A call of an endpoint.
pub(crate) struct Call {
    pub(crate) service: Arc<Service>,
    pub(crate) caller: Caller,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    /// What the server knows of the request and its connection.
    pub(crate) extensions: Extensions,
    /// What was asked by the address.
    pub(super) arguments: Arguments,
    /// What else was sent, unread.
    pub(crate) body: Body,
}

/// An address of the API, and what is behind it.
pub(crate) struct Endpoint {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) scope: Scope,
    pub(super) summary: &'static str,
    pub(super) request: Shape,
    pub(super) body: Option<Takes>,
    pub(super) form: Form,
    handler: Handler,
}

impl Endpoint {
    /// Answers `GET` with an object.
    pub(crate) fn get<X, Y>(
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        use_case: impl for<'a> UseCase<'a, X, Y>,
    ) -> Self
    where
        X: DeserializeOwned + JsonSchema + Send + 'static,
        Y: Serialize + JsonSchema + Send + 'static,
    {
        Self::json(Method::Get, path, scope, summary, use_case)
    }

    /// Answers `DELETE` with an object that says what was deleted.
    pub(crate) fn delete<X, Y>(
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        use_case: impl for<'a> UseCase<'a, X, Y>,
    ) -> Self
    where
        X: DeserializeOwned + JsonSchema + Send + 'static,
        Y: Serialize + JsonSchema + Send + 'static,
    {
        Self::json(Method::Delete, path, scope, summary, use_case)
    }

    fn json<X, Y>(
        method: Method,
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        use_case: impl for<'a> UseCase<'a, X, Y>,
    ) -> Self
    where
        X: DeserializeOwned + JsonSchema + Send + 'static,
        Y: Serialize + JsonSchema + Send + 'static,
    {
        let form = Form::Json(SchemaGenerator::subschema_for::<Y>);
        Self::new::<X>(method, path, scope, summary, form, move |call| {
            let answer = async move {
                let request = call.arguments.decode()?;
                let answer = use_case.call(&call.service, &call.caller, request).await?;
                reply::json(&call.headers, &answer)
            };
            answer.map_err(refused).boxed()
        })
    }

    /// Answers `GET` with the bare items of a page.
    pub(crate) fn array<X, Y>(
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        use_case: impl for<'a> UseCase<'a, X, Page<Y>>,
    ) -> Self
    where
        X: DeserializeOwned + JsonSchema + Send + 'static,
        Y: Serialize + JsonSchema + Send + 'static,
    {
        let form = Form::Array(SchemaGenerator::subschema_for::<Y>);
        Self::new::<X>(Method::Get, path, scope, summary, form, move |call| {
            let answer = async move {
                let request = call.arguments.decode()?;
                let page = use_case.call(&call.service, &call.caller, request).await?;
                reply::array(&call.headers, &call.uri, &page)
            };
            answer.map_err(refused).boxed()
        })
    }

    /// Answers `POST` of one record, or of an array of them with an answer for each.
    pub(crate) fn batch<X, Y>(
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        use_case: impl for<'a> UseCase<'a, X, Committed<Y>>,
    ) -> Self
    where
        X: DeserializeOwned + JsonSchema + Send + 'static,
        Y: Serialize + JsonSchema + Send + 'static,
    {
        let form =
            Form::Batch(SchemaGenerator::subschema_for::<Y>, SchemaGenerator::subschema_for::<Results<Y>>);
        let endpoint = Self::new::<X>(Method::Post, path, scope, summary, form, move |call| {
            batch::write(call, use_case).boxed()
        });
        Self { body: Some(Takes::Batch), ..endpoint }
    }

    /// Answers as `respond` does, with something of this media type that is made of `Y`.
    pub(crate) fn raw<X, Y, Answer>(
        method: Method,
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        media_type: &'static str,
        respond: impl Fn(Call, X) -> Answer + Copy + Send + Sync + 'static,
    ) -> Self
    where
        X: DeserializeOwned + JsonSchema + Send + 'static,
        Y: JsonSchema,
        Answer: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        let form = Form::Stream(media_type, SchemaGenerator::subschema_for::<Y>);
        Self::new::<X>(method, path, scope, summary, form, move |call| {
            let answer = async move {
                let request = call.arguments.decode()?;
                respond(call, request).await
            };
            answer.map_err(refused).boxed()
        })
    }

    /// The same, with a body of lines, which is not read for it.
    pub(crate) fn taking_lines(self) -> Self {
        Self { body: Some(Takes::Lines), ..self }
    }

    fn new<X: JsonSchema>(
        method: Method,
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        form: Form,
        handler: impl Fn(Call) -> BoxFuture<'static, Result<Response, Response>> + Send + Sync + 'static,
    ) -> Self {
        let request = Shape::of::<X>(path);
        Self { method, path, scope, summary, request, body: None, form, handler: Arc::new(handler) }
    }

    /// These routes and that of the endpoint.
    pub(super) fn mount(&'static self, routes: Routes<Arc<Service>>) -> Routes<Arc<Service>> {
        let (method, path, rule) = (self.method, self.path, Rule::Needs(self.scope));
        let handler = move |State(service): State<Arc<Service>>,
                            Extension(grant): Extension<Grant>,
                            named: Result<RawPathParams, RawPathParamsRejection>,
                            request: Request| {
            async move {
                let answered = match named {
                    Ok(named) => self.answer(service, grant, &named, request).await,
                    Err(_) => Err(refused(self.request.unreadable_path())),
                };
                answered.unwrap_or_else(IntoResponse::into_response)
            }
        };
        match method {
            Method::Get => routes.get(path, rule, handler),
            Method::Post => routes.post(path, rule, handler),
            Method::Delete => routes.delete(path, rule, handler),
        }
    }

    async fn answer(
        &'static self,
        service: Arc<Service>,
        grant: Grant,
        named: &RawPathParams,
        request: Request,
    ) -> Result<Response, Response> {
        let (parts, body) = request.into_parts();
        let query = parts.uri.query().unwrap_or_default();
        query::check_length(query).map_err(|refused| problem(StatusCode::URI_TOO_LONG, &refused))?;
        let has_body = self.body.is_some();
        let arguments = Arguments::of_address(&self.request, named, query, has_body).map_err(refused)?;
        let traceparent = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        let caller = Caller::new(grant, traceparent.and_then(TraceContext::parse)).over(Transport::Http);
        let call = Call {
            service,
            caller,
            headers: parts.headers,
            uri: parts.uri,
            extensions: parts.extensions,
            arguments,
            body,
        };
        (self.handler)(call).await
    }
}

fn refused(problem: Problem) -> Response {
    refusal(&problem)
}
