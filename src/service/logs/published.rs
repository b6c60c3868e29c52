//! Logs in the shape of the published dashboard.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::request::RecentLogs;
use crate::model::Problem;
use crate::service::{Caller, LogView, Page, Service};

/// A log as the published scripts keep it: metadata's keys beside its own, but for those that bear the name of one of
/// its own, which stay under `metadata`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PublishedLog {
    /// RFC 3339, UTC
    pub timestamp: String,
    /// Kind of event
    pub event_type: String,
    /// The event in words
    pub message: String,
    /// As in /api/v1/logs, and what else was said
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Service {
    /// Recent logs, as the published dashboard lists them.
    pub async fn published_logs(
        &self,
        caller: &Caller,
        request: RecentLogs,
    ) -> Result<Page<PublishedLog>, Problem> {
        let page = self.list_logs(caller, request.into()).await?;
        let items = page.items.into_iter().map(PublishedLog::new).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}

impl PublishedLog {
    fn new(mut log: LogView) -> Result<Self, Problem> {
        let said = std::mem::take(&mut log.metadata);
        let Value::Object(mut own) = serde_json::to_value(&log).map_err(Problem::internal)? else {
            return Err(Problem::internal("a log is no object"));
        };
        let (shadowed, mut rest): (Map<_, _>, Map<_, _>) =
            said.into_iter().partition(|(name, _)| own.contains_key(name));
        own.retain(|name, _| !["timestamp", "event_type", "message", "metadata"].contains(&name.as_str()));
        let differing = shadowed.into_iter().filter(|(name, value)| own.get(name) != Some(value));
        let differing: Map<String, Value> = differing.collect();
        if !differing.is_empty() {
            own.insert("metadata".to_owned(), differing.into());
        }
        rest.extend(own);
        Ok(Self { timestamp: log.timestamp, event_type: log.event_type, message: log.message, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::log;
    use serde_json::json;

    #[test]
    fn metadata_stands_beside_a_logs_own_fields_and_never_in_their_place() {
        let mut log = log("m");
        log.agent_name = Some("a".into());
        let said = json!({ "step": 1, "agent_name": "a", "level": "mine", "message": 5, "metadata": {}, "sanitized": 1 });
        log.metadata = said.as_object().unwrap().clone();
        let shown = serde_json::to_string(&PublishedLog::new(log.into()).unwrap()).unwrap();
        let expected = concat!(
            r#"{"timestamp":"1970-01-01T00:00:00.000000Z","event_type":"step","message":"m","step":1,"sanitized":1,"#,
            r#""level":"info","id":"1","agent_name":"a","#,
            r#""metadata":{"level":"mine","message":5,"metadata":{}}}"#
        );
        assert_eq!(shown, expected);
    }
}
