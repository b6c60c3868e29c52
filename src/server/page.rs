//! What is at `/`, and what is nowhere.

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use crate::model::Problem;
use crate::model::text::excerpt;

const INDEX: &str = "\
watchglass

/mcp     Model Context Protocol, streamable HTTP
/sse     Model Context Protocol, HTTP+SSE (deprecated)
/api/v1  the numbers, traces and logs as JSON; /api/openapi.json describes it
/metrics Prometheus: what agents recorded; /metrics/process: this process
/health  200 while the process runs
/ready   200 while records can be stored
";

pub(super) async fn index() -> &'static str {
    INDEX
}

pub(super) async fn not_found(request: Request) -> Response<Body> {
    let path = excerpt(request.uri().path());
    let problem =
        Problem::invalid("path", format!("there is nothing at `{path}`")).hint("`/` lists what there is");
    crate::http::problem(StatusCode::NOT_FOUND, &problem)
}

pub(super) async fn method_not_allowed(request: Request) -> Response<Body> {
    let method: String = request.method().as_str().chars().take(20).collect();
    let problem = Problem::invalid("method", format!("this address does not take `{method}`"));
    crate::http::problem(StatusCode::METHOD_NOT_ALLOWED, &problem)
}
