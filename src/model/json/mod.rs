//! JSON read strictly, in one pass.
//!
//! `serde_json` alone keeps the last of two equal keys, turns an integer that is too large into a
//! rounded float, and gives up at 128 levels. Each of these would change what an agent said or hide
//! to which request the answer belongs, so here they are [`Violation`]s: noted with their path, while
//! the reading goes on to the end, because the `id` may come after the bad part.

mod literal;
mod path;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

pub(crate) use path::Path;

use super::{Code, MAX_METADATA_DEPTH, Problem};

/// How many arrays and objects may stand in one another, the message itself included.
///
/// Beneath it the text is skipped with [`IgnoredAny`], which `serde_json` does in a loop: 100,000
/// levels cost no stack.
pub(crate) const MAX_DEPTH: usize = 64;

/// From here on a whole number is not an `i64`; the type's own bound is not a float.
const TWO_TO_THE_63: f64 = 9_223_372_036_854_775_808.0;

/// What strict reading refuses although it is JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The object has the key already.
    DuplicateKey,
    /// The value is nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// The number is an integer that does not fit in 64 bits with a sign, or beyond every float.
    NumberTooLarge,
}

impl Fault {
    /// The fault as an error about the value at `path`.
    pub(crate) fn problem(self, path: &str) -> Problem {
        match self {
            Self::DuplicateKey => Problem::invalid(path, format!("duplicate key `{path}`")),
            // What came as JSON text or in a message lies some levels down: the limit that is named is the one
            // that a caller can see, and it is checked exactly for what is less deep than this.
            Self::TooDeep => Problem::new(
                Code::FieldTooLarge,
                format!("`{path}` is nested too deeply, the limit is {MAX_METADATA_DEPTH} levels"),
            )
            .at(path)
            .limited_to(MAX_METADATA_DEPTH as u64),
            Self::NumberTooLarge => Problem::new(
                Code::InvalidNumber,
                format!("`{path}` is a number that does not fit in 64 bits"),
            )
            .at(path)
            .hint("a string has room for it, where one is taken"),
        }
    }
}

/// A [`Fault`] and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) fault: Fault,
    pub(crate) path: Path,
}

/// What was read: the value, with the first of equal keys, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Strict {
    pub(crate) value: Value,
    pub(crate) violations: Vec<Violation>,
}

/// Reads one JSON text to its end.
pub(crate) fn read(text: &str) -> serde_json::Result<Strict> {
    // `serde_json` stops at 1e400; what is read in its place is refused too, with its path.
    read_finite(text).or_else(|error| match literal::without_overflow(text) {
        Some(text) => read_finite(&text),
        None => Err(error),
    })
}

fn read_finite(text: &str) -> serde_json::Result<Strict> {
    let mut reader = Reader::default();
    let mut source = serde_json::Deserializer::from_str(text);
    let value = Seed(&mut reader).deserialize(&mut source)?;
    source.end()?;
    let violations = reader.finish(text);
    Ok(Strict { value, violations })
}

#[derive(Default)]
struct Reader {
    path: Path,
    depth: usize,
    violations: Vec<Violation>,
    /// Where floats stand that may have been integers, in the order of the text.
    large_numbers: Vec<Path>,
}

impl Reader {
    /// Notes the first fault of each message: a batch has several, and one tells the sender enough.
    fn note(&mut self, fault: Fault, path: Path) {
        if self.violations.iter().all(|known| known.path.batch_index() != path.batch_index()) {
            self.violations.push(Violation { fault, path });
        }
    }

    fn finish(mut self, text: &str) -> Vec<Violation> {
        if self.large_numbers.is_empty() {
            return self.violations;
        }
        let skipped = self.violations.iter().any(|violation| violation.fault == Fault::TooDeep);
        let literals = literal::large_numbers(text);
        for (index, path) in std::mem::take(&mut self.large_numbers).into_iter().enumerate() {
            // What was skipped had numbers too, so the two lists no longer run side by side; the
            // message is refused already, and in the rest of its batch doubt is a refusal.
            if skipped || literals.get(index).is_none_or(|literal| literal.is_integer) {
                self.note(Fault::NumberTooLarge, path);
            }
        }
        self.violations
    }

    fn large_number(&mut self) {
        self.large_numbers.push(self.path.clone());
    }
}

struct Seed<'a>(&'a mut Reader);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        if i64::try_from(value).is_err() {
            let path = self.0.path.clone();
            self.0.note(Fault::NumberTooLarge, path);
        }
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() >= TWO_TO_THE_63 {
            self.0.large_number();
        }
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let reader = self.0;
        if reader.depth == MAX_DEPTH {
            reader.note(Fault::TooDeep, reader.path.clone());
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        reader.depth += 1;
        let mut array = Vec::new();
        loop {
            reader.path.push_index(array.len());
            let item = items.next_element_seed(Seed(reader))?;
            reader.path.pop();
            let Some(item) = item else { break };
            array.push(item);
        }
        reader.depth -= 1;
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let reader = self.0;
        if reader.depth == MAX_DEPTH {
            reader.note(Fault::TooDeep, reader.path.clone());
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        reader.depth += 1;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            reader.path.push_key(&key);
            let known = object.contains_key(&key);
            if known {
                reader.note(Fault::DuplicateKey, reader.path.clone());
            }
            let value = entries.next_value_seed(Seed(reader))?;
            reader.path.pop();
            if !known {
                object.insert(key, value);
            }
        }
        reader.depth -= 1;
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn faults(text: &str) -> Vec<(Fault, String)> {
        let violations = read(text).expect("JSON").violations;
        violations.into_iter().map(|violation| (violation.fault, violation.path.to_string())).collect()
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a":[1,-2,3.5,"x",null,true,{"b":{}}],"c":1e300}"#;
        let strict = read(text).unwrap();
        assert_eq!(strict.value, serde_json::from_str::<Value>(text).unwrap());
        assert!(strict.violations.is_empty());
    }

    #[test]
    fn a_duplicate_key_is_named_and_the_first_value_kept() {
        assert_eq!(faults(r#"{"a":{"b":1,"b":2}}"#), [(Fault::DuplicateKey, "a.b".to_owned())]);
        assert_eq!(read(r#"{"a":1,"a":2,"id":7}"#).unwrap().value, json!({ "a": 1, "id": 7 }));
    }

    #[test]
    fn an_escaped_key_is_the_same_key() {
        assert_eq!(faults("{\"a\":1,\"\\u0061\":2}"), [(Fault::DuplicateKey, "a".to_owned())]);
    }

    #[test]
    fn integers_that_do_not_fit_are_told_from_floats_that_are_large() {
        for fits in ["9223372036854775807", "-9223372036854775808", "1e300", "-1E30", "9223372036854775808.0"]
        {
            assert_eq!(faults(&format!(r#"{{"v":{fits}}}"#)), [], "{fits}");
        }
        for large in [
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890",
            "1e400",
            "-1.5E999",
        ] {
            let text = format!(r#"{{"f":1e300,"s":"99999999999999999999","v":[{large}]}}"#);
            assert_eq!(faults(&text), [(Fault::NumberTooLarge, "v[0]".to_owned())], "{large}");
        }
    }

    #[test]
    fn the_limit_of_depth_is_exact() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(faults(&nested(MAX_DEPTH)), []);
        assert!(matches!(faults(&nested(MAX_DEPTH + 1))[..], [(Fault::TooDeep, _)]));
    }

    #[test]
    fn a_hundred_thousand_levels_cost_no_stack_and_the_rest_is_read() {
        let text = format!("{{\"a\":{}{},\"id\":1}}", "[".repeat(100_000), "]".repeat(100_000));
        let strict = read(&text).unwrap();
        assert_eq!(strict.value["id"], 1);
        assert_eq!(strict.violations[0].fault, Fault::TooDeep);
    }

    #[test]
    fn each_message_of_a_batch_has_its_own_fault() {
        let found = read(r#"[{"a":1,"a":2,"a":3},{"b":1},{"c":18446744073709551616}]"#).unwrap().violations;
        let indexes: Vec<_> = found.iter().map(|violation| violation.path.batch_index()).collect();
        assert_eq!(indexes, [Some(0), Some(2)]);
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for text in ["", "{", "{}x", "\u{feff}{}", r#"{"a":"\ud800"}"#, "nul", "{'a':1}", "[1,]", "NaN"] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_as_serde_json_does(text in r#"[\[\]{}",:0-9a-eE.\\u+-]{0,40}"#) {
            let known = serde_json::from_str::<Value>(&text);
            let overflows = known.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(read(&text).is_ok() == known.is_ok() || overflows);
        }
    }
}
