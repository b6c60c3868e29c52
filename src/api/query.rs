//! A query, read strictly.

use crate::model::Problem;
use crate::model::text::excerpt;

/// Bytes of a query.
const MAX_BYTES: usize = 8 * 1024;

/// Refuses a query that is too long to be meant.
pub(super) fn check_length(query: &str) -> Result<(), Problem> {
    if query.len() > MAX_BYTES {
        return Err(Problem::too_large("query", "bytes", MAX_BYTES, query.len()));
    }
    Ok(())
}

/// Its names and values, in their order.
///
/// # Errors
/// A name that is given twice; what is not UTF-8, or not written as an address must be.
pub(super) fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name, name)?;
        let value = decoded(&name, value)?;
        if pairs.iter().any(|(given, _)| *given == name) {
            let name = excerpt(&name);
            return Err(Problem::invalid(&*name, format!("`{name}` is given twice")));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// A text as it was before it was written into an address.
fn decoded(field: &str, written: &str) -> Result<String, Problem> {
    let mut plain = Vec::with_capacity(written.len());
    let mut rest = written.bytes();
    while let Some(byte) = rest.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex), rest.next().and_then(hex)) {
                (Some(high), Some(low)) => high * 16 + low,
                _ => return Err(unreadable(field, "holds `%` without two hexadecimal digits")),
            },
            byte => byte,
        });
    }
    String::from_utf8(plain).map_err(|_| unreadable(field, "is not UTF-8"))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn unreadable(field: &str, what: &str) -> Problem {
    let field = excerpt(field);
    Problem::invalid(&*field, format!("`{field}` {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_what_was_written_into_it() {
        let read = pairs("a=1&b=x+y%2Bz&&c&d=%F0%9F%8E%89=&e=").unwrap();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, [("a", "1"), ("b", "x y+z"), ("c", ""), ("d", "🎉="), ("e", "")]);
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (query, field) in
            [("a=%", "a"), ("a=%2", "a"), ("a=%zz", "a"), ("a=%ff", "a"), ("a=&a=1", "a"), ("a=1&%61=2", "a")]
        {
            assert_eq!(pairs(query).unwrap_err().field.as_deref(), Some(field), "{query}");
        }
        assert!(pairs("%ff=1").is_err());
        assert!(
            check_length(&"a".repeat(8 * 1024)).is_ok() && check_length(&"a".repeat(8 * 1024 + 1)).is_err()
        );
    }
}
