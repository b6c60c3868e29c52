//! A handler for the tests of the transports, which knows nothing of watchglass.

use std::sync::{Arc, Mutex};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};

use super::turn::Turn;

/// Answers every call with its arguments, and remembers in which order calls came to their turn.
#[derive(Clone, Default)]
pub(crate) struct Echo {
    pub(crate) order: Arc<Mutex<Vec<Value>>>,
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::from(request.arguments.unwrap_or_default());
        if arguments.get("hang").is_some() {
            context.ct.cancelled().await;
        }
        let turn = context.extensions.get::<Turn>().cloned();
        if let Some(turn) = &turn {
            tokio::task::yield_now().await;
            turn.wait().await;
        }
        self.order.lock().unwrap().push(arguments.clone());
        if let Some(turn) = &turn {
            turn.release();
        }
        Ok(CallToolResult::success(vec![ContentBlock::text(arguments.to_string())]).into())
    }
}

pub(crate) fn initialize(version: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } })
}

pub(crate) fn call(id: i64, arguments: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": { "name": "echo", "arguments": arguments } })
}
