//! Which format a scraper gets.

/// A version of the text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The format that an `Accept` header asks for: OpenMetrics where it is preferred to text, else text, which
    /// everything reads.
    pub fn accepted(accept: Option<&str>) -> Self {
        let (mut text, mut open_metrics) = (0.0_f32, 0.0_f32);
        for range in accept.unwrap_or_default().split(',').map(Range::parse) {
            match range.media.as_str() {
                "application/openmetrics-text" if range.is_version("1.0.0") => {
                    open_metrics = open_metrics.max(range.quality);
                }
                "text/plain" if range.is_version("0.0.4") => text = text.max(range.quality),
                "text/*" | "*/*" => text = text.max(range.quality),
                _ => {}
            }
        }
        if open_metrics > text { Self::OpenMetrics } else { Self::Text }
    }

    /// The `Content-Type` to answer with, without which Prometheus 3 refuses the scrape.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// One of the media ranges in an `Accept` header.
struct Range {
    media: String,
    version: Option<String>,
    /// From 0, not at all, to 1.
    quality: f32,
}

impl Range {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
        let mut range = Self { media: parts.next().unwrap_or_default(), version: None, quality: 1.0 };
        for part in parts {
            match part.split_once('=').map(|(name, value)| (name.trim(), value.trim().trim_matches('"'))) {
                Some(("version", version)) => range.version = Some(version.to_owned()),
                Some(("q", quality)) => {
                    let quality = quality.parse().ok().filter(|quality| (0.0..=1.0).contains(quality));
                    range.quality = quality.unwrap_or(0.0);
                }
                _ => {}
            }
        }
        range
    }

    fn is_version(&self, ours: &str) -> bool {
        self.version.as_deref().is_none_or(|version| version == ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_format_is_answered_and_text_to_whoever_does_not_say() {
        use Format::{OpenMetrics, Text};
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,\
             application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let cases = [
            (None, Text),
            (Some(""), Text),
            (Some("*/*"), Text),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Text),
            (Some("application/json"), Text),
            (Some("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily"), Text),
            (Some(prometheus_2), OpenMetrics),
            (Some(prometheus_3), OpenMetrics),
            (Some("application/openmetrics-text"), OpenMetrics),
            (Some("Application/OpenMetrics-Text; Version=\"1.0.0\"; Q=0.9, text/plain; q=0.8"), OpenMetrics),
            (Some("text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.9"), Text),
            (Some("application/openmetrics-text;version=0.0.1"), Text),
            (Some("application/openmetrics-text;q=0"), Text),
            (Some("application/openmetrics-text;q=x, text/plain;q=0.1"), Text),
            (Some(";;,=,;q="), Text),
        ];
        for (accept, format) in cases {
            assert_eq!(Format::accepted(accept), format, "{accept:?}");
        }
    }
}
