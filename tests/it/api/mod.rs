//! The API as it is served: every endpoint that its document lists, and what the document says of it.

mod answers;
mod bad_bodies;
mod bad_input;
mod document;
mod untrusted;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::server::Server;

/// A server with traces, logs and series.
struct World {
    server: Server,
    client: Client,
}

/// What was answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    /// `Null` for what is not JSON, and for what has no end.
    body: Value,
}

/// An operation of the document.
#[derive(Debug, Clone)]
struct Operation {
    method: Method,
    path: String,
    parameters: Vec<Parameter>,
    /// The media type of its answer.
    answer: String,
    /// The media type of its body, if it takes one.
    body: Option<String>,
}

#[derive(Debug, Clone)]
struct Parameter {
    name: String,
    in_path: bool,
    required: bool,
    schema: Value,
}

impl World {
    /// On a store in memory.
    async fn start() -> Self {
        Self::start_on("memory:").await
    }

    async fn start_on(store: &str) -> Self {
        let world = Self::empty_on(store);
        world.plant().await;
        world
    }

    /// A server without any record.
    fn empty_on(store: &str) -> Self {
        // The tests' process is not the program's: nobody has named the provider of cryptography yet.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { server: Server::start_on(store), client }
    }

    /// Eight traces with three spans each, of three agents; some fail, all log, two have not ended.
    async fn plant(&self) {
        for number in 0..8 {
            let trace = format!("trace-{number}");
            let agent = format!("agent-{}", number % 3);
            let span = |id: &str, name: &str, parent: Value| {
                json!({
                    "trace_id": trace, "span_id": format!("{trace}-{id}"), "span_name": name,
                    "parent_span_id": parent, "agent_name": agent, "session_id": "session-1",
                })
            };
            let root = json!(format!("{trace}-root"));
            let spans = json!([
                span("root", "agent_request", Value::Null),
                span("llm", "llm_call", root.clone()),
                span("tool", if number % 2 == 0 { "tool.search" } else { "tool.fetch" }, root.clone()),
            ]);
            self.write("/api/v1/spans", &spans).await;
            let model = if number % 2 == 0 { "gpt-4o" } else { "claude-sonnet-4-5" };
            let usage = json!({ "model": model, "input_tokens": 100, "output_tokens": 20 });
            self.write(&format!("/api/v1/spans/{trace}-llm/end"), &json!({ "metadata": usage })).await;
            let failed =
                json!({ "status": "error", "metadata": { "error": format!("no answer after {number} s") } });
            let tool = if number % 2 == 0 { failed } else { json!({}) };
            self.write(&format!("/api/v1/spans/{trace}-tool/end"), &tool).await;
            if number < 6 {
                let status = if number == 3 { "error" } else { "ok" };
                self.write(&format!("/api/v1/spans/{trace}-root/end"), &json!({ "status": status })).await;
            }
            let linked = json!({ "trace_id": trace, "agent_name": agent });
            let log = json!({ "event_type": "agent.step", "message": "found 3 words", "metadata": linked });
            self.write("/api/v1/logs", &json!([log, log])).await;
            let name = if number % 2 == 0 { "queue.depth" } else { "cache.hits" };
            let metric = json!({ "metric_name": name, "value": number, "labels": { "agent_name": agent } });
            self.write("/api/v1/metrics", &metric).await;
        }
    }

    async fn write(&self, path: &str, body: &Value) {
        let answer = self.send(self.client.post(self.server.url(path)).json(body)).await;
        assert_eq!(
            (answer.status, answer.body["failed"].as_u64().unwrap_or(0)),
            (200, 0),
            "{path} {answer:?}"
        );
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&Method::GET, path).await
    }

    async fn ask(&self, method: &Method, path: &str) -> Answer {
        self.send(self.request(method, path)).await
    }

    /// A request of an address as it is written, wrong as it may be.
    fn request(&self, method: &Method, path: &str) -> RequestBuilder {
        self.client.request(method.clone(), self.server.url(path))
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let kind = headers.get(CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap());
        let body = match kind {
            "application/json" | "application/problem+json" => {
                let text = response.text().await.unwrap();
                serde_json::from_str(if text.is_empty() { "null" } else { &text }).expect("JSON")
            }
            _ => Value::Null,
        };
        Answer { status, headers, body }
    }

    async fn document(&self) -> Value {
        let answer = self.get("/api/openapi.json").await;
        assert_eq!(answer.status, 200);
        answer.body
    }

    /// Every operation of the document.
    async fn operations(&self) -> Vec<Operation> {
        let document = self.document().await;
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let media_type = |content: &Value| content.as_object()?.keys().next().cloned();
                operations.push(Operation {
                    method: method.to_ascii_uppercase().parse().unwrap(),
                    path: path.clone(),
                    parameters: parameters.map(Parameter::read).collect(),
                    answer: media_type(&operation["responses"]["200"]["content"]).unwrap(),
                    body: media_type(&operation["requestBody"]["content"]),
                });
            }
        }
        assert!(operations.len() >= 5, "the document lists only {operations:?}");
        operations
    }
}

impl Parameter {
    fn read(parameter: &Value) -> Self {
        Self {
            name: parameter["name"].as_str().unwrap().to_owned(),
            in_path: parameter["in"] == "path",
            required: parameter["required"] == true,
            schema: parameter["schema"].clone(),
        }
    }

    /// A value that is as it should be, as written in an address.
    fn sound(&self) -> String {
        match self.name.as_str() {
            "trace_id" => "trace-1".to_owned(),
            "span_id" => "trace-1-root".to_owned(),
            "q" => "found".to_owned(),
            "name" => "queue_depth".to_owned(),
            _ => match &self.schema["enum"][0] {
                Value::String(first) => first.clone(),
                _ if self.schema["type"] == "integer" || self.schema["type"] == "number" => "1".to_owned(),
                _ => "agent-1".to_owned(),
            },
        }
    }
}

impl Operation {
    /// Its address, with sound values for what it needs but for those given here.
    fn address(&self, given: &[(&str, &str)]) -> String {
        let mut path = self.path.clone();
        let mut query = Vec::new();
        for parameter in &self.parameters {
            let value =
                given.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| (*value).to_owned());
            if parameter.in_path {
                path = path
                    .replace(&format!("{{{}}}", parameter.name), &value.unwrap_or_else(|| parameter.sound()));
            } else if parameter.required && value.is_none() {
                query.push(format!("{}={}", parameter.name, parameter.sound()));
            }
        }
        let in_path =
            |name: &str| self.parameters.iter().any(|parameter| parameter.name == name && parameter.in_path);
        query.extend(
            given.iter().filter(|(name, _)| !in_path(name)).map(|(name, value)| format!("{name}={value}")),
        );
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    fn answers_json(&self) -> bool {
        self.answer == "application/json"
    }

    fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|one| one.name == parameter && !one.in_path)
    }
}

impl Answer {
    /// Checks that a refusal says all that a refusal must, and never that the server is at fault.
    fn assert_sound(&self, context: &str) {
        assert!(self.status < 500, "{context}: {self:?}");
        if self.status < 400 {
            return;
        }
        let kind = self.headers.get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap());
        assert_eq!(kind, Some("application/problem+json"), "{context}: {self:?}");
        assert_eq!(self.body["status"], self.status, "{context}");
        for member in ["type", "title", "detail"] {
            assert!(
                self.body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{context}: {}",
                self.body
            );
        }
        assert!(self.body.to_string().len() < 1_500, "{context}: {}", self.body);
    }

    /// Checks that it is refused for what `field` says.
    fn assert_refused(&self, field: &str, context: &str) {
        self.assert_sound(context);
        assert_eq!(
            (self.status, self.body["field"].as_str()),
            (400, Some(field)),
            "{context}: {}",
            self.body
        );
    }
}
