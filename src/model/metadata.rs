//! The limits on what a caller may say in metadata.

use serde_json::{Map, Value};

use super::Problem;
use super::text::excerpt;

/// Bytes of the whole object, as compact JSON.
pub const MAX_METADATA_BYTES: usize = 64 * 1024;
/// Keys at the top level.
pub const MAX_METADATA_KEYS: usize = 128;
/// Levels of nesting, the object itself being the first.
pub const MAX_METADATA_DEPTH: usize = 32;
/// Bytes of one key.
pub const MAX_KEY_BYTES: usize = 256;

/// Checks an object that came as the argument `field`.
///
/// Values that carry prompts and completions share the object's limit: what is longer than a message may
/// be belongs into a log.
pub fn check_metadata(field: &str, object: &Map<String, Value>) -> Result<(), Problem> {
    if object.len() > MAX_METADATA_KEYS {
        return Err(Problem::too_large(field, "keys", MAX_METADATA_KEYS, object.len()));
    }
    check_nesting(field, object)?;
    let bytes = serde_json::to_string(object).map_err(Problem::internal)?.len();
    if bytes > MAX_METADATA_BYTES {
        return Err(Problem::too_large(field, "bytes", MAX_METADATA_BYTES, bytes));
    }
    Ok(())
}

/// Walks with a stack of its own, so that depth costs no stack.
fn check_nesting(field: &str, object: &Map<String, Value>) -> Result<(), Problem> {
    check_keys(field, object)?;
    let mut open: Vec<(String, usize, &Value)> = object
        .iter()
        .filter(|(_, value)| nests(value))
        .map(|(key, value)| (format!("{field}.{}", excerpt(key)), 2, value))
        .collect();
    while let Some((path, depth, value)) = open.pop() {
        if depth > MAX_METADATA_DEPTH {
            return Err(Problem::too_large(path, "levels of nesting", MAX_METADATA_DEPTH, depth));
        }
        if let Value::Object(inner) = value {
            check_keys(&path, inner)?;
            let children = inner.iter().filter(|(_, value)| nests(value));
            open.extend(children.map(|(key, value)| (format!("{path}.{}", excerpt(key)), depth + 1, value)));
        } else if let Value::Array(items) = value {
            let children = items.iter().enumerate().filter(|(_, value)| nests(value));
            open.extend(children.map(|(index, value)| (format!("{path}[{index}]"), depth + 1, value)));
        }
    }
    Ok(())
}

fn check_keys(path: &str, object: &Map<String, Value>) -> Result<(), Problem> {
    match object.keys().find(|key| key.len() > MAX_KEY_BYTES) {
        Some(key) => Err(Problem::too_large(path, "bytes in a key", MAX_KEY_BYTES, key.len())),
        None => Ok(()),
    }
}

const fn nests(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nested(levels: usize) -> Map<String, Value> {
        let inner = (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
        inner.as_object().unwrap().clone()
    }

    #[test]
    fn depth_keys_and_bytes_have_a_limit_that_the_error_names() {
        assert!(check_metadata("metadata", &nested(32)).is_ok());
        let deep = check_metadata("metadata", &nested(33)).unwrap_err();
        assert_eq!((deep.limit, deep.actual), (Some(32), Some(33)));
        assert!(deep.field.as_ref().unwrap().starts_with("metadata.a.a"));

        let wide: Map<_, _> = (0..129).map(|n| (n.to_string(), Value::Null)).collect();
        assert_eq!(check_metadata("metadata", &wide).unwrap_err().actual, Some(129));

        let fits = json!({"a": "x".repeat(MAX_METADATA_BYTES - 8)});
        assert!(check_metadata("metadata", fits.as_object().unwrap()).is_ok());
        let large = json!({"a": "x".repeat(MAX_METADATA_BYTES - 7)});
        assert_eq!(check_metadata("metadata", large.as_object().unwrap()).unwrap_err().limit, Some(65_536));
    }
}
