//! Number literals in JSON text, for the one question that the parsed value can't answer.

/// A literal that a parser makes a float of 2^63 or more.
pub(crate) struct LargeNumber {
    /// Written without fraction and exponent, so what was meant is an integer.
    pub(crate) is_integer: bool,
}

/// The large numbers of a valid JSON text in its order, leaving out integers that fit in 64 bits.
pub(crate) fn large_numbers(text: &str) -> Vec<LargeNumber> {
    let mut found = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = match first {
            b'"' => after_string(tail),
            b'-' | b'0'..=b'9' => {
                let length = rest.iter().take_while(|byte| is_number_byte(**byte)).count();
                let (literal, tail) = rest.split_at(length);
                found.extend(std::str::from_utf8(literal).ok().and_then(large_number));
                tail
            }
            _ => tail,
        };
    }
    found
}

/// `text` with every number that no float can hold replaced by an integer that is too large, or `None` where there
/// is none. A parser that gives up at such a number can read on and say where it stands.
pub(crate) fn without_overflow(text: &str) -> Option<String> {
    let mut replaced = String::new();
    let mut copied = 0;
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let at = text.len() - rest.len();
        rest = match first {
            b'"' => after_string(tail),
            b'-' | b'0'..=b'9' => {
                let length = rest.iter().take_while(|byte| is_number_byte(**byte)).count();
                let literal = text.get(at..at + length).unwrap_or_default();
                if literal.parse::<f64>().is_ok_and(f64::is_infinite) {
                    replaced.push_str(text.get(copied..at).unwrap_or_default());
                    replaced.push_str("99999999999999999999");
                    copied = at + length;
                }
                rest.split_at(length).1
            }
            _ => tail,
        };
    }
    if copied == 0 {
        return None;
    }
    replaced.push_str(text.get(copied..).unwrap_or_default());
    Some(replaced)
}

fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

fn large_number(literal: &str) -> Option<LargeNumber> {
    let is_integer = !literal.contains(['.', 'e', 'E']);
    let fits = literal.parse::<i64>().is_ok() || literal.parse::<u64>().is_ok();
    let is_large = literal.parse::<f64>().is_ok_and(|value| value.abs() >= 9_223_372_036_854_775_808.0);
    (is_large && !fits).then_some(LargeNumber { is_integer })
}

/// What follows the string whose opening quote has been taken.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some((&first, tail)) = rest.split_first() {
        rest = match first {
            b'"' => return tail,
            b'\\' => tail.get(1..).unwrap_or_default(),
            _ => tail,
        };
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_not_numbers() {
        let text = r#"{"99999999999999999999":"\"99999999999999999999","a":[1e300,99999999999999999999,7]}"#;
        let found: Vec<_> = large_numbers(text).iter().map(|number| number.is_integer).collect();
        assert_eq!(found, [false, true]);
    }
}
