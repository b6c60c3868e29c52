//! Everything, out of a store and into one.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{Call, Endpoint, Method};
use crate::http::json;
use crate::model::{Problem, Scope};
use crate::service::transfer::{Export, Imported, LineSchema};

/// A line of JSON for each record.
const LINES: &str = "application/x-ndjson";

/// Nothing is asked but to take the body.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Import {}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::raw::<Export, LineSchema, _>(
            Method::Get,
            "/api/v1/export",
            Scope::Read,
            "All that is held in a window, as lines of JSON",
            LINES,
            export,
        ),
        Endpoint::raw::<Import, Imported, _>(
            Method::Post,
            "/api/v1/import",
            Scope::Admin,
            "Take what an export gave; what is here already stays as it is",
            "application/json",
            import,
        )
        .taking_lines(),
    ]
}

async fn export(call: Call, request: Export) -> Result<Response, Problem> {
    let lines = call.service.export(&call.caller, request).await?;
    Ok(([(header::CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response())
}

async fn import(call: Call, Import {}: Import) -> Result<Response, Problem> {
    let imported = call.service.import(&call.caller, call.body.into_data_stream()).await?;
    let answer = serde_json::to_value(&imported).map_err(Problem::internal)?;
    Ok(json(axum::http::StatusCode::OK, &answer))
}
