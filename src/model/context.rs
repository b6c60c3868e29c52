//! Trace context that travels beside a call.

use super::{SpanId, TraceId};

/// What a `traceparent` says: the caller's trace, and the span in which it made the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// 32 hex digits.
    pub trace_id: TraceId,
    /// 16 hex digits.
    pub span_id: SpanId,
}

impl TraceContext {
    /// Reads a `traceparent` (W3C Trace Context; in MCP `params._meta.traceparent`, SEP-414).
    ///
    /// Anything that the specification calls invalid is `None`: context is an aid, not a demand.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (version, trace_id, span_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let later_version = version != "00";
        let valid = is_lower_hex(version, 2)
            && version != "ff"
            && is_lower_hex(trace_id, 32)
            && is_lower_hex(span_id, 16)
            && is_lower_hex(flags, 2)
            && (later_version || parts.next().is_none());
        let zero = |id: &str| id.bytes().all(|byte| byte == b'0');
        (valid && !zero(trace_id) && !zero(span_id))
            .then(|| Self { trace_id: TraceId::stored(trace_id), span_id: SpanId::stored(span_id) })
    }

    /// The `traceparent` of calls that are made inside the span.
    pub fn traceparent(trace_id: &TraceId, span_id: &SpanId) -> String {
        format!("00-{}-{}-01", trace_id.to_w3c(), span_id.to_w3c())
    }
}

fn is_lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn what_the_specification_calls_invalid_is_ignored() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "00".into(),
            format!("00-{TRACE}-{SPAN}"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-extra"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
        ] {
            assert_eq!(TraceContext::parse(&text), None, "{text}");
        }
        assert!(TraceContext::parse(&format!("cc-{TRACE}-{SPAN}-01-later")).is_some());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let context = TraceContext { trace_id: TraceId::stored(TRACE), span_id: SpanId::stored(SPAN) };
        let written = TraceContext::traceparent(&context.trace_id, &context.span_id);
        assert_eq!(TraceContext::parse(&written), Some(context));
    }
}
