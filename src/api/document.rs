//! The OpenAPI document, made from the table.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::response::Response;
use schemars::generate::Contract;
use schemars::{Schema as JsonSchema, SchemaGenerator};
use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, Header, Info, License, OpenApi, Paths, Ref, RefOr, Required};

use super::batch::MAX_ITEMS;
use super::endpoint::{Endpoint, Form, Method, Takes};
use super::reply;
use super::schema::{PLACE, bridged, generator};
use super::shape::{Kind, Parameter};
use super::table::ENDPOINTS;
use crate::http::{PROBLEM_TYPE, ProblemDetails};
use crate::service::transfer::LineSchema;

/// What an endpoint may refuse with: the status, a name for it in the document, what it means, and whether it is said
/// of bodies alone.
const REFUSALS: [(&str, &str, &str, bool); 12] = [
    ("400", "Invalid", "The request is wrong; `field` names what is", false),
    ("401", "Unauthenticated", "A key is needed, or this one is not valid", false),
    ("403", "Forbidden", "The key does not allow this, or the host or the origin is not allowed", false),
    ("404", "NotFound", "What is named is not held here", false),
    ("408", "Late", "The body did not arrive in time", true),
    ("409", "Conflict", "It contradicts what is held here", true),
    ("413", "TooLarge", "The body is too large", true),
    ("414", "QueryTooLong", "The query is too long", false),
    ("415", "NotJson", "The body is not JSON", true),
    ("429", "TooOften", "Too often; `Retry-After` says when again", false),
    ("500", "Defect", "A defect of watchglass, or data of the store that can't be read", false),
    ("503", "Unavailable", "The store can't answer now; `retryable` says whether it may later", false),
];

/// The document as it is sent; made when somebody asks for the first time.
static TEXT: LazyLock<String> = LazyLock::new(|| json!(document(&ENDPOINTS)).to_string());

/// Answers with the document.
pub(super) async fn serve(request: Request) -> Response {
    reply::tagged(request.headers(), TEXT.clone())
}

/// The document of `endpoints`.
fn document(endpoints: &[Endpoint]) -> OpenApi {
    let mut asked = generator(Contract::Deserialize);
    let mut answered = generator(Contract::Serialize);
    let mut paths = Paths::new();
    answered.subschema_for::<ProblemDetails>();
    for endpoint in endpoints {
        let method = match endpoint.method {
            Method::Get => HttpMethod::Get,
            Method::Post => HttpMethod::Post,
            Method::Delete => HttpMethod::Delete,
        };
        paths.add_path_operation(endpoint.path, vec![method], operation(endpoint, &mut asked, &mut answered));
    }
    let mut components = Components::new();
    for generator in [&mut asked, &mut answered] {
        for (name, schema) in generator.take_definitions(true) {
            components.schemas.insert(name, bridged(schema));
        }
    }
    for (_, name, description, _) in REFUSALS {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let refusal = ResponseBuilder::new().description(description).content(PROBLEM_TYPE, problem).build();
        components.responses.insert(name.to_owned(), RefOr::T(refusal));
    }
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("A key of watchglass, where keys are asked for".to_owned());
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let mut info = Info::new("watchglass", env!("CARGO_PKG_VERSION"));
    info.description = Some("What AI agents did: traces, logs, numbers".to_owned());
    info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    let mut document = OpenApi::new(info, paths);
    document.components = Some(components);
    document
}

fn operation(
    endpoint: &Endpoint,
    asked: &mut SchemaGenerator,
    answered: &mut SchemaGenerator,
) -> OperationBuilder {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(operation_id(endpoint)))
        .summary(Some(endpoint.summary))
        .security(SecurityRequirement::new("bearer", [endpoint.scope.as_str()]))
        .security(SecurityRequirement::default());
    let in_address = endpoint.request.parameters.iter();
    for parameter in in_address.filter(|parameter| parameter.in_path || endpoint.body.is_none()) {
        operation = operation.parameter(described(parameter));
    }
    if let Some(body) = endpoint.body {
        let schema = without_path((endpoint.request.schema)(asked), endpoint, asked);
        let schema = match body {
            Takes::Lines => asked.subschema_for::<LineSchema>().to_value(),
            Takes::Batch => json!({
                "oneOf": [schema, { "type": "array", "items": schema, "maxItems": MAX_ITEMS }]
            }),
        };
        let media_type = if body == Takes::Lines { "application/x-ndjson" } else { "application/json" };
        let content = Content::new(Some(bridged(schema)));
        let body = RequestBodyBuilder::new().content(media_type, content);
        operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
    }
    operation = operation.response("200", answer(endpoint.form, answered));
    if endpoint.method == Method::Get && matches!(endpoint.form, Form::Json(_) | Form::Array(_)) {
        let unchanged = ResponseBuilder::new().description("What the client has is still so");
        operation = operation.response("304", unchanged.build());
    }
    for (status, name, _, of_bodies) in REFUSALS {
        if endpoint.method == Method::Post || !of_bodies {
            operation = operation.response(status, Ref::from_response_name(name));
        }
    }
    operation
}

/// `GET /api/v1/traces/{trace_id}` as `get_traces_trace_id`.
fn operation_id(endpoint: &Endpoint) -> String {
    let method = match endpoint.method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Delete => "delete",
    };
    let path = endpoint.path.replace("/api/", "").replace("v1/", "");
    let published = if endpoint.path.starts_with("/api/v1/") { "" } else { "published_" };
    let words = path.split(['/', '{', '}']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    format!("{method}_{published}{words}")
}

/// What is asked most, as somebody might.
fn example(parameter: &str) -> Option<Value> {
    Some(match parameter {
        "agent" | "agent_name" => json!("billing"),
        "trace_id" => json!("4bf92f3577b34da6a3ce929d0e0e4736"),
        "span_id" => json!("00f067aa0ba902b7"),
        "q" => json!("connection refused"),
        "since" => json!("24h"),
        "until" => json!("1h"),
        "window" => json!("15m"),
        "step" => json!("5m"),
        "limit" => json!(20),
        _ => return None,
    })
}

fn described(parameter: &Parameter) -> ParameterBuilder {
    let list = parameter.kind == Kind::List;
    ParameterBuilder::new()
        .name(&parameter.name)
        .parameter_in(if parameter.in_path { ParameterIn::Path } else { ParameterIn::Query })
        .required(if parameter.required { Required::True } else { Required::False })
        .description(parameter.description.clone())
        .schema(Some(bridged(parameter.schema.clone())))
        .example(example(&parameter.name))
        .style(list.then_some(ParameterStyle::Form))
        .explode(list.then_some(false))
}

/// The schema of a body, without what the address says already.
fn without_path(schema: JsonSchema, endpoint: &Endpoint, asked: &mut SchemaGenerator) -> Value {
    let named: Vec<&str> = endpoint
        .request
        .parameters
        .iter()
        .filter(|parameter| parameter.in_path)
        .map(|parameter| parameter.name.as_str())
        .collect();
    let reference = schema.to_value();
    let name = reference.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(PLACE));
    let Some(name) = name.filter(|_| !named.is_empty()) else { return reference };
    let Some(mut body) = asked.definitions_mut().remove(name) else { return reference };
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| !named.contains(&name.as_str()));
    }
    if let Some(required) = body.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !name.as_str().is_some_and(|name| named.contains(&name)));
    }
    body
}

fn answer(form: Form, answered: &mut SchemaGenerator) -> utoipa::openapi::Response {
    let response = ResponseBuilder::new().description("The answer");
    match form {
        Form::Json(schemer) => {
            response.content("application/json", Content::new(Some(bridged(schemer(answered).to_value()))))
        }
        Form::Array(schemer) => {
            let schema = json!({ "type": "array", "items": schemer(answered).to_value() });
            let link = Header::new(bridged(json!({ "type": "string" })));
            let content = Content::new(Some(bridged(schema)));
            response.content("application/json", content).header("Link", link)
        }
        Form::Batch(one, results) => {
            let schema = json!({ "oneOf": [one(answered).to_value(), results(answered).to_value()] });
            response.content("application/json", Content::new(Some(bridged(schema))))
        }
        Form::Stream(media_type, schemer) => {
            let item = bridged(schemer(answered).to_value());
            response.content(media_type, Content::new(Some(item)))
        }
    }
    .build()
}
