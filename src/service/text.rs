//! Reading loose arguments strictly.

use serde_json::{Map, Value};

use crate::model::text::{MAX_NAME_CHARS, is_name, quoted, without_nul};
use crate::model::{Code, Problem, check_metadata, digest, is_none_word, json};

/// Bytes of a log's message.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// Bytes of a text to search for.
const MAX_SEARCH_BYTES: usize = 1_024;
const MAX_IDEMPOTENCY_KEY_BYTES: usize = 256;

/// An object that may have come as JSON text. Nothing, `null` and an empty text are an empty object.
pub(super) fn object(field: &str, given: Option<Value>) -> Result<Map<String, Value>, Problem> {
    let object = object_of_any_size(field, given)?;
    check_metadata(field, &object)?;
    Ok(object)
}

/// [`object`] for one that has limits of its own, which an error must name in place of metadata's.
pub(super) fn object_of_any_size(field: &str, given: Option<Value>) -> Result<Map<String, Value>, Problem> {
    let given = match given {
        Some(Value::String(text)) if is_none_word(&text) => None,
        Some(Value::String(text)) => Some(parsed(field, &text)?),
        given => given,
    };
    match given {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(Problem::invalid(field, format!("`{field}` must be an object, or one as json text"))),
    }
}

fn parsed(field: &str, text: &str) -> Result<Value, Problem> {
    if text.starts_with("map[") {
        return Err(Problem::invalid(field, format!("`{field}` is an object in go's notation"))
            .hint("pass the object as a json string"));
    }
    let read = json::read(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::invalid(field, format!("`{field}` is not json: unreadable at {place}"))
    })?;
    match read.violations.first() {
        None => Ok(read.value),
        Some(violation) => {
            let path = violation.path.to_string();
            let separator = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            Err(violation.fault.problem(&format!("{field}{separator}{path}")))
        }
    }
}

/// A message, with NUL replaced; tells whether it had to be.
pub(super) fn message(text: String) -> Result<(String, bool), Problem> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(Problem::too_large("message", "bytes", MAX_MESSAGE_BYTES, text.len()));
    }
    Ok(without_nul(text))
}

/// A short text that names something; control characters can't be part of a name.
pub(super) fn name(field: &str, text: &str) -> Result<String, Problem> {
    let length = text.chars().count();
    if length > MAX_NAME_CHARS {
        return Err(Problem::too_large(field, "characters", MAX_NAME_CHARS, length));
    }
    if !is_name(text) {
        return Err(Problem::invalid(field, format!("`{field}` can't be {}", quoted(text)))
            .hint("1 to 256 characters, none of them a control character"));
    }
    Ok(text.to_owned())
}

/// [`name`] of an argument that may be left out, be it by a word that says so.
pub(super) fn optional_name(field: &str, text: Option<&str>) -> Result<Option<String>, Problem> {
    text.filter(|text| !is_none_word(text)).map(|text| name(field, text)).transpose()
}

/// An argument that may be left out, be it by a word that says so.
pub(super) fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !is_none_word(text))
}

/// A whole number from `least` to `most`, as a number or as text.
pub(super) fn integer(
    field: &str,
    given: Option<&Value>,
    default: i64,
    least: i64,
    most: i64,
) -> Result<i64, Problem> {
    let number = match given {
        None | Some(Value::Null) => return Ok(default),
        Some(Value::String(text)) if is_none_word(text) => return Ok(default),
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        Some(value) => value.as_f64(),
    };
    let whole = number.filter(|number| number.fract() == 0.0 && number.abs() < 9.0e15);
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far from the end")]
    let in_range = whole.map(|number| number as i64).filter(|number| (least..=most).contains(number));
    in_range.ok_or_else(|| {
        let range = format!("a whole number from {least} to {most}");
        let problem = Problem::new(Code::InvalidNumber, format!("`{field}` must be {range}")).at(field);
        match whole {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and far from the end")]
            Some(number) if number as i64 > most => {
                problem.exceeding(most.unsigned_abs(), (number as i64).unsigned_abs())
            }
            _ => problem,
        }
    })
}

/// A page's size: too large a wish is cut to the most there is, and the answer says so.
pub(super) fn limit(given: Option<&Value>, default: i64, most: i64) -> Result<usize, Problem> {
    let limit = integer("limit", given, default, 1, i64::MAX).map_err(|_| {
        let message = format!("`limit` must be a whole number from 1 to {most}");
        Problem::new(Code::InvalidNumber, message).at("limit")
    })?;
    Ok(usize::try_from(limit.min(most)).unwrap_or(usize::MAX))
}

/// A number of milliseconds, as a number or as text; nothing where none is given.
pub(super) fn millis(field: &str, given: Option<&Value>) -> Result<Option<f64>, Problem> {
    let number = match given {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if is_none_word(text) => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_f64(),
    };
    let sound = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
    sound.map(Some).ok_or_else(|| {
        let message = format!("`{field}` must be a number of milliseconds, 0 or more");
        Problem::new(Code::InvalidNumber, message).at(field)
    })
}

/// The words of a text to search for, lower case; none where none is given.
pub(super) fn words(field: &str, text: Option<&str>) -> Result<Vec<String>, Problem> {
    let text = given(text).unwrap_or_default();
    if text.len() > MAX_SEARCH_BYTES {
        return Err(Problem::too_large(field, "bytes", MAX_SEARCH_BYTES, text.len()));
    }
    Ok(text.to_lowercase().split_whitespace().map(ToOwned::to_owned).collect())
}

/// Which of the `words` that there are `text` names, separated by commas.
pub(super) fn choice<const COUNT: usize>(
    field: &str,
    text: Option<&str>,
    words: [&str; COUNT],
) -> Result<[bool; COUNT], Problem> {
    let mut chosen = [false; COUNT];
    for named in given(text).unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let place = words.iter().position(|word| word.eq_ignore_ascii_case(named)).ok_or_else(|| {
            Problem::invalid(field, format!("`{field}` can't be {}", quoted(named)))
                .hint(format!("one or more of {}", words.join(", ")))
        })?;
        chosen[place] = true;
    }
    Ok(chosen)
}

/// By what a repetition of a call is known: its key, and a digest of what it said.
pub(super) fn idempotency(
    call: &str,
    key: Option<&str>,
    request: &impl serde::Serialize,
) -> Result<Option<crate::model::Idempotency>, Problem> {
    let Some(key) = given(key) else { return Ok(None) };
    if key.len() > MAX_IDEMPOTENCY_KEY_BYTES {
        return Err(Problem::too_large("idempotency_key", "bytes", MAX_IDEMPOTENCY_KEY_BYTES, key.len()));
    }
    let said = serde_json::to_string(request).map_err(Problem::internal)?;
    let fingerprint = digest([call, &said]);
    Ok(Some(crate::model::Idempotency { key: key.to_owned(), fingerprint }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_come_as_objects_or_as_text() {
        let expected = json!({"a": 1}).as_object().unwrap().clone();
        assert_eq!(object("metadata", Some(json!({"a": 1}))).unwrap(), expected);
        assert_eq!(object("metadata", Some(json!("{\"a\": 1}"))).unwrap(), expected);
        for nothing in
            [None, Some(json!("")), Some(json!(null)), Some(json!("null")), Some(json!("{{metadata}}"))]
        {
            assert!(object("metadata", nothing).unwrap().is_empty());
        }
        for wrong in [json!("{"), json!([1]), json!("[1]"), json!(5), json!("map[a:1]")] {
            assert_eq!(object("metadata", Some(wrong)).unwrap_err().field.as_deref(), Some("metadata"));
        }
        let place = object("metadata", Some(json!("{\n \"a\": }"))).unwrap_err();
        assert!(place.message.contains("line 2, column 7"), "{place}");
    }

    #[test]
    fn numbers_have_a_range_that_the_error_names() {
        let minutes = |given: Value| integer("since_minutes", Some(&given), 60, 1, 10_080);
        assert_eq!(minutes(json!("60")).unwrap(), 60);
        assert_eq!(minutes(json!(5.0)).unwrap(), 5);
        for wrong in [json!(0), json!(-1), json!(1e12), json!(1.5), json!("soon"), json!(true)] {
            let problem = minutes(wrong).unwrap_err();
            assert_eq!(problem.code, Code::InvalidNumber);
            assert!(problem.message.ends_with("from 1 to 10080"), "{problem}");
        }
        assert_eq!(limit(Some(&json!(1_000_000_000)), 100, 200).unwrap(), 200);
        assert!(limit(Some(&json!(-1)), 100, 200).is_err());
    }
}
