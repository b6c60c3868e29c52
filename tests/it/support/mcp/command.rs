//! A client without a connection: each call is a process, `watchglass call`.

use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::support::command;

pub(crate) struct Command {
    store: String,
}

impl Command {
    pub(super) fn new(store: &str) -> Self {
        Self { store: store.to_owned() }
    }

    /// Makes the call; the answer as a message that a server would send.
    pub(super) fn call(&self, tool: &str, arguments: &str) -> BoxFuture<'static, Option<Value>> {
        let (store, tool, arguments) = (self.store.clone(), tool.to_owned(), arguments.to_owned());
        let made = tokio::task::spawn_blocking(move || {
            let finished = command::run(&store, &["call", &tool, &arguments]);
            let mut result = json!({ "isError": finished.status != 0 });
            result["content"] = json!([{ "type": "text", "text": finished.stdout.trim_end() }]);
            if finished.status == 0 {
                result["structuredContent"] = finished.ok();
            }
            json!({ "result": result })
        });
        Box::pin(async { made.await.ok() })
    }
}
