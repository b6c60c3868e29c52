//! Logs: events that an agent tells of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::text::quoted;
use super::{EventType, Problem, SpanId, Timestamp, TraceId};

/// How much a log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For whoever debugs the agent.
    Debug,
    /// The course of events.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// Every level, least first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// Reads a level or one of its synonyms, in any case, from the argument `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Problem> {
        Self::from_word(text).ok_or_else(|| {
            Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))
                .hint("one of debug, info, warn, error")
        })
    }

    /// The level that `word` means, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "debug" | "trace" | "verbose" => Some(Self::Debug),
            "info" | "information" | "notice" => Some(Self::Info),
            "warn" | "warning" => Some(Self::Warn),
            "error" | "err" | "critical" | "fatal" | "panic" | "emergency" | "alert" => Some(Self::Error),
            _ => None,
        }
    }

    /// The word that is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// Unique in the project: a UUID v7, or a digest of the member where a published script wrote it.
    pub id: String,
    /// When the server took it.
    pub timestamp: Timestamp,
    /// `None` only where a published script wrote it.
    pub level: Option<Level>,
    /// What kind of event.
    pub event_type: EventType,
    /// The event in words.
    pub message: String,
    /// Everything else the caller said, as it was said.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The agent it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// The trace it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// The span it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Whether a NUL in the message was replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sanitized: bool,
    /// Where something was taken out of it: paths such as `metadata.password`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_map_and_the_rest_is_refused_with_the_list() {
        for (word, level) in [
            ("WARN", Level::Warn),
            ("warning", Level::Warn),
            ("Critical", Level::Error),
            ("fatal", Level::Error),
            ("verbose", Level::Debug),
            ("notice", Level::Info),
        ] {
            assert_eq!(Level::from_word(word), Some(level), "{word}");
        }
        for word in ["5", "", "loud"] {
            let problem = Level::parse("level", word).unwrap_err();
            assert_eq!(problem.hint.as_deref(), Some("one of debug, info, warn, error"));
        }
    }
}
