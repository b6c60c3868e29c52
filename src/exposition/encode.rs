//! Families as lines.

use super::{Family, Format, Sample, Value};
use crate::model::MetricKind;

/// Writes the families, each in one block that begins with its HELP and its TYPE.
pub fn encode(families: &[Family], format: Format) -> String {
    let mut out = String::new();
    for family in families {
        let (help, kind) = (&family.help, family.kind.as_str());
        let headed = match format {
            Format::OpenMetrics if family.kind == MetricKind::Counter => base(&family.name),
            _ => &family.name,
        };
        push_all(&mut out, &["# HELP ", headed, " ", help, "\n# TYPE ", headed, " ", kind, "\n"]);
        for sample in &family.samples {
            push_sample(&mut out, &family.name, sample);
        }
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

/// A counter's name without what tells that it is one, unless that is all of it.
pub(super) fn base(name: &str) -> &str {
    name.strip_suffix("_total").filter(|base| !base.is_empty()).unwrap_or(name)
}

fn push_sample(out: &mut String, name: &str, sample: &Sample) {
    let labels = &sample.labels;
    match &sample.value {
        Value::Number(value) => push_line(out, name, "", labels, None, &number(*value)),
        Value::Histogram { buckets, count, sum } => {
            let mut below = 0_u64;
            for (bound, points) in buckets {
                below = below.saturating_add(*points);
                push_line(out, name, "_bucket", labels, Some(&bound_text(*bound)), &below.to_string());
            }
            // What is past the last bound can't make the whole less than its parts.
            let count = below.max(*count).to_string();
            push_line(out, name, "_bucket", labels, Some("+Inf"), &count);
            push_line(out, name, "_sum", labels, None, &number(*sum));
            push_line(out, name, "_count", labels, None, &count);
        }
    }
}

fn push_line(
    out: &mut String,
    name: &str,
    suffix: &str,
    labels: &[(String, String)],
    bound: Option<&str>,
    value: &str,
) {
    push_all(out, &[name, suffix]);
    let mut separator = "{";
    for (label, value) in labels.iter().map(|(label, value)| (label.as_str(), value.as_str())) {
        push_all(out, &[separator, label, "=\""]);
        push_escaped(out, value);
        out.push('"');
        separator = ",";
    }
    if let Some(bound) = bound {
        push_all(out, &[separator, "le=\"", bound, "\""]);
        separator = ",";
    }
    if separator == "," {
        out.push('}');
    }
    push_all(out, &[" ", value, "\n"]);
}

fn push_all(out: &mut String, texts: &[&str]) {
    for text in texts {
        out.push_str(text);
    }
}

/// The escapes of both formats. NUL has none, and scrapers take it for the end of the text.
fn push_escaped(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str(r"\\"),
            '"' => out.push_str(r#"\""#),
            '\n' => out.push_str(r"\n"),
            '\0' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
}

/// A number as both formats write it, short where it can be.
fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if size != 0.0 && !(1e-5..1e16).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// A bound in OpenMetrics's canonical form, which the published scripts wrote too: the text is a label, so another
/// form would be another series.
fn bound_text(bound: f64) -> String {
    let text = number(bound);
    if text.contains(['.', 'e']) { text } else { text + ".0" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_read_back_as_they_were() {
        let shown = [0.0, 1.0, -2.5, 0.1, 1e15, 1e16, 1e300, 1e-7, f64::MIN_POSITIVE];
        for value in shown {
            let text = number(value);
            assert!(text.len() < 25 && text.parse::<f64>().unwrap().to_bits() == value.to_bits(), "{text}");
        }
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(number);
        assert_eq!(odd, ["NaN", "+Inf", "-Inf"]);
        assert_eq!([0.005, 1.0, 67_108_864.0].map(bound_text), ["0.005", "1.0", "67108864.0"]);
    }
}
